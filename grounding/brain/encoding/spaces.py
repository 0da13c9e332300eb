"""Feature spaces as a model sees them: standardised, reduced and delayed, with everything fitted in training rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grounding.brain.features import delayed
from grounding.brain.recording import Features
from grounding.brain.rows import Rows
from grounding.errors import InputError

# Below this share of its largest training value a column's spread is rounding error, not a signal to be blown up.
CONSTANT = 1e-6


@dataclass(frozen=True)
class Space:
    """Features and how they enter a model.

    Attributes:
        features: before any delay.
        delays: samples by which copies of the features are moved to later rows, inside each run; negative ones move
            them to earlier rows. (0,) for features that are in step already, such as those convolved with an HRF.
        components: principal components to keep, fitted in the training rows; None, or no fewer than there are
            columns, for all columns.
        standardise: whether columns are brought to mean 0 and variance 1; if not, they are left as they are.
    """

    features: Features
    delays: tuple[int, ...] = (0,)
    components: int | None = None
    standardise: bool = True

    def prepared(self, rows: Rows, train: np.ndarray) -> np.ndarray:
        """(n, p · delays) float32: all rows, by the mean, scale and components of the training rows alone.

        Columns are standardised and reduced before they are delayed, so that the samples in front of a run's first
        count as the training mean. A column that is constant in training is 0 everywhere: nothing was learnt about it.

        Args:
            rows: the n rows.
            train: places of the training rows.

        Raises:
            InputError: a value that is not finite, a run with too few rows, or fewer training rows than components.
        """
        # Matched by run and index: a run that lacks features is told by name.
        learnt = self.features.matrix(rows.take(train)).astype(np.float64)
        self._check_finite(learnt, rows.take(train))
        offset, scale = _standard(learnt) if self.standardise else (np.zeros(1), np.ones(1))
        reduce = self._reduction((learnt - offset) * scale)
        runs = {run: reduce((self.features.runs[run] - offset) * scale).astype(np.float32) for run in rows.runs()}
        prepared = delayed(Features(self.features.name, runs), self.delays).matrix(rows)
        self._check_finite(prepared, rows)
        return prepared

    def _reduction(self, standardised: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        n, p = standardised.shape
        if self.components is None or self.components >= p:
            return lambda data: data
        if not 1 <= self.components < n:
            raise InputError(
                f"components: {self.components} of features {self.features.name!r}, expected at least 1 and fewer than "
                f"the {n} training rows"
            )
        from grounding.brain.comparison import principal_components

        return principal_components(standardised, self.components)

    def _check_finite(self, data: np.ndarray, rows: Rows) -> None:
        if not np.isfinite(data.sum(dtype=np.float64)):
            for row in np.flatnonzero(~np.isfinite(data).all(1))[:1]:
                raise InputError(
                    f"features {self.features.name!r}: a value that is not finite in row {rows.index[row]} of run "
                    f"{str(rows.run[row])!r} (or in one that delays bring there); replace it or leave the row out"
                )


def _standard(learnt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offset and factor of each column; the factor of a constant column is 0."""
    offset = learnt.mean(0)
    spread = learnt.std(0)
    varies = spread > CONSTANT * np.abs(learnt).max(0, initial=0)
    return offset, np.divide(1, spread, out=np.zeros_like(spread), where=varies)
