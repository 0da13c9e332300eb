"""One embedding space for words, pictures, point clouds, robot motions and brain recordings.

The names below are loaded when they are first used, so that `import grounding` costs next to nothing:

    >>> import grounding
    >>> grounding.__version__
    '0.1.0'
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.library import Entry, Hit, Library
    from grounding.space import SharedSpace
    from grounding.text import ContextualModel, Corpus, SentenceEncoder, StaticEmbedding

__version__ = "0.1.0"
__all__ = [
    "ContextualModel",
    "Corpus",
    "Entry",
    "Hit",
    "Library",
    "SentenceEncoder",
    "SharedSpace",
    "StaticEmbedding",
    "__version__",
]

_HOME = {
    "ContextualModel": "grounding.text",
    "Corpus": "grounding.text",
    "Entry": "grounding.library",
    "Hit": "grounding.library",
    "Library": "grounding.library",
    "SentenceEncoder": "grounding.text",
    "SharedSpace": "grounding.space",
    "StaticEmbedding": "grounding.text",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'grounding' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
