"""Ridge regression for brain recordings: one penalty a target, honest folds, every penalty scored at once.

    model = RidgeCV(alphas="auto", folds=Contiguous(5, purge=10)).fit(X, Y, rows=rows)
    model.alpha_, model.coef_, model.cv_scores_
    model.scores(X_held_out, Y_held_out)

The objective is ‖Y − XB‖² + α‖B‖² for each target, so alphas mean what they mean in scikit-learn and himalaya. The
mathematics is in `decomposition` (the singular value decomposition of X) and `crossvalidation` (scores of all alphas
from one matrix product a fold).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.brain.ridge.estimators import Ridge, RidgeCV
    from grounding.brain.ridge.group import GroupRidgeCV

__all__ = ["GroupRidgeCV", "Ridge", "RidgeCV"]

_HOMES = {"Ridge": "estimators", "RidgeCV": "estimators", "GroupRidgeCV": "group"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
