"""The `grounding` command: parse, call, and turn what went wrong into one line and an exit status.

A command is a module with a frozen dataclass of its settings, named as the module in capitals-at-the-start
(`collect.Collect`), and `run(settings) -> None`. Its docstrings become the help text. A command imports what is heavy
inside `run`, so that `grounding --help` answers at once. A group of commands, such as `grounding text`, is a package
with an empty dataclass that describes it and `COMMANDS`, its own list.
"""

import errno
import functools
import importlib
import operator
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Annotated, Any

from grounding import __version__
from grounding.errors import GroundingError

COMMANDS = (
    "grounding.cli.demo",
    "grounding.cli.collect",
    "grounding.cli.convert",
    "grounding.cli.train",
    "grounding.cli.index",
    "grounding.cli.search",
    "grounding.cli.evaluate",
    "grounding.cli.text",
    "grounding.cli.brain",
)

DESCRIPTION = """\
One embedding space for words, pictures, point clouds and robot motions: train it, search it, run it on a simulated arm.
`grounding demo` does all of it in minutes and writes a report. `grounding COMMAND --help` explains a command."""

BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def main(arguments: Sequence[str] | None = None, commands: Sequence[str] = COMMANDS) -> int:
    """Run one command and return the exit status.

    Args:
        arguments: the words after the program's name; those of this process when None.
        commands: modules of the commands, in the order in which the help lists them; at least two.

    Returns:
        0 on success, 2 for input that is not usable, 130 when interrupted, 141 when the reader of the output left.
        An unexpected exception is a defect and escapes with its traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words == ["--version"]:
            print(f"grounding {__version__}")
        else:
            _dispatch(words, commands, "grounding", DESCRIPTION)
        sys.stdout.flush()
    except GroundingError as error:
        return _complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _complain("interrupted; type the same command again to resume from the last saved state", INTERRUPTED)
    except BrokenPipeError:
        # Python flushes standard output once more at exit, which would print a second complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        place = f"{error.filename}: " if error.filename else ""
        return _complain(f"{place}no space left on the device; free some, then type the same command again", BAD_INPUT)
    return 0


def _dispatch(words: Sequence[str], commands: Sequence[str], program: str, description: str) -> None:
    import tyro

    words = words or ["--help"]
    modules = {name.rpartition(".")[2]: name for name in commands}
    config = (
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.PositionalMetavarFromFieldName,
        tyro.conf.CascadeSubcommandArgs,
    )
    if words[0] not in modules:
        # Only to list the commands, or to say that there is no such command: this call does not return.
        tyro.cli(_all_commands(modules), prog=program, description=description, args=words, config=config)
        return
    module, program = importlib.import_module(modules[words[0]]), f"{program} {words[0]}"
    if hasattr(module, "COMMANDS"):
        _dispatch(words[1:], module.COMMANDS, program, settings_class(module).__doc__ or "")
        return
    settings: Any = tyro.cli(settings_class(module), prog=program, args=words[1:], config=config)
    module.run(settings)


def _all_commands(modules: Mapping[str, str]) -> Any:
    import tyro

    variants = []
    for name, module in modules.items():
        kind = settings_class(importlib.import_module(module))
        first_line = (kind.__doc__ or "").partition("\n")[0]
        variants.append(Annotated[kind, tyro.conf.subcommand(name=name, description=first_line)])
    return functools.reduce(operator.or_, variants)


def settings_class(module: ModuleType) -> type:
    """The dataclass that holds the settings of a command's module: `collect.Collect`, `my_step.MyStep`."""
    name = module.__name__.rpartition(".")[2]
    return getattr(module, "".join(part.capitalize() for part in name.split("_")))


def _complain(message: str, status: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
