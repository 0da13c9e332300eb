"""False discovery rate over many targets."""

import numpy as np

from grounding.errors import InputError


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values; those at most q are discoveries of which at most a part q is false on average.

    Benjamini & Hochberg (1995). Holds for independent tests and for positively dependent ones, which voxels and
    electrodes with shared noise nearly are.

    Args:
        p: (v,) p-values, none missing.

    Returns:
        (v,) float64, from the p-value itself up to 1.

    Raises:
        InputError: values outside 0 to 1, or missing ones.

    Example:
        >>> benjamini_hochberg(np.array([0.01, 0.02, 0.5])).tolist()
        [0.03, 0.03, 0.5]
    """
    p = np.asarray(p, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InputError(f"p-values: shape {p.shape}, expected (v,) numbers from 0 to 1; leave out missing ones")
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return adjusted


def benjamini_yekutieli(p: np.ndarray) -> np.ndarray:
    """As `benjamini_hochberg` under any dependence, and stricter by the factor 1 + 1/2 + ... + 1/v.

    Benjamini & Yekutieli (2001).
    """
    return np.minimum(benjamini_hochberg(p) * (1 / np.arange(1, len(p) + 1)).sum(), 1)
