"""The command line: one file a command, each a frozen dataclass of settings and a `run` that carries it out."""
