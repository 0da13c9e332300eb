"""Encoding models: how much of a recording an embedding explains, and how much of that nothing duller explains.

Example:
    >>> model = EncodingModel(layer, delays=(1, 2, 3, 4))
    >>> result = model.fit(recording)
    >>> print(result.audit())
    >>> result.save("runs/layer-6")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.brain.encoding.autocorrelation import autocorrelation_features
    from grounding.brain.encoding.comparing import Comparison, compare
    from grounding.brain.encoding.model import EncodingModel
    from grounding.brain.encoding.result import EncodingResult, Scores
    from grounding.brain.encoding.spaces import Space
    from grounding.brain.encoding.subjects import SubjectsResult, by_subject, encode_subjects

__all__ = [
    "Comparison",
    "EncodingModel",
    "EncodingResult",
    "Scores",
    "Space",
    "SubjectsResult",
    "autocorrelation_features",
    "by_subject",
    "compare",
    "encode_subjects",
]

_HOMES = {
    "Comparison": "comparing",
    "EncodingModel": "model",
    "EncodingResult": "result",
    "Scores": "result",
    "Space": "spaces",
    "SubjectsResult": "subjects",
    "autocorrelation_features": "autocorrelation",
    "by_subject": "subjects",
    "compare": "comparing",
    "encode_subjects": "subjects",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
