"""95 % intervals of means over folds."""

import numpy as np

from grounding.brain.significance import Interval


def fold_interval(values: np.ndarray, test_share: float) -> Interval:
    """Mean over folds with the corrected resampled t interval (Nadeau & Bengio 2003, Machine Learning 52).

    Folds share most of their training rows, so the plain t interval is too narrow; here the variance of the mean is
    s² · (1/k + n_test / n_train). It speaks of other stretches of the same recording, not of other subjects.

    Args:
        values: (k, ...), one score a fold.
        test_share: test rows for each training row, such as 0.25 with five folds.

    Returns:
        Interval of shape (...), with NaN bounds for a single fold.
    """
    from scipy.stats import t

    k = len(values)
    name = f"95% corrected resampled t interval over {k} folds"
    mean = values.mean(0, dtype=np.float64)
    if k < 2:
        return Interval(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan), 0.95, name)
    half = t.ppf(0.975, k - 1) * np.sqrt(values.var(0, ddof=1, dtype=np.float64) * (1 / k + test_share))
    return Interval(mean, mean - half, mean + half, 0.95, name)
