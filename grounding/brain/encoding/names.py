"""Names of the models of an audit, as they stand in scores, tables and files."""

EMBEDDING = "embedding"
CONTROLS = "controls"
AUTOCORRELATION = "autocorrelation"
RANDOM = "random vectors"
UNTRAINED = "untrained"
OTHERS = "others"
FULL = "full"

MODELS = (EMBEDDING, CONTROLS, AUTOCORRELATION, RANDOM, UNTRAINED, OTHERS, FULL)
"""In the order of tables. The last two are joint models of all above them, without and with the embedding."""
