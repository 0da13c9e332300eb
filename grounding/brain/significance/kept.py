r"""The p-value of a cross-validated score when labels are permuted against predictions that were kept.

Why the null distribution is widened by :math:`\sqrt2`. In k-fold cross-validation the rows that one fold tests train
the models of all others. By chance alone the scores of folds f and g then hold the same term
:math:`y_f^T A_{fg} y_g` twice, once as "f predicted from g" and once as "g predicted from f"; A is symmetric for ridge.
A permutation of kept predictions treats the two as independent, and so misses half of the variance: at a nominal 5 %
it calls 8 to 12 % of pure noise significant, autocorrelated or not. The variance of a sum of two terms is at most
twice the sum of their variances, so :math:`\sqrt2` is enough for any linear model, and for ridge it is just right
(penalties as given, noise not shared by neighbouring folds: leave a gap between them). The accuracy of a classifier
is not linear in the labels, but its folds share terms in the same way and its chance spread is as much too narrow. The
price is power. It is not needed where the test rows trained nothing, such as one held-out story.
"""

import numpy as np

WIDENING = 2**0.5
"""Of the null distribution where rows that one fold tests trained the models of others; see above."""


def kept_p(null: np.ndarray, reached: np.ndarray | float, *, cross_fitted: bool = True) -> np.ndarray:
    """One-sided (b + 1) / (m + 1) for b of m permutations that reach as much (Phipson & Smyth 2010).

    Args:
        null: (m, ...) the score with permuted labels and the same predictions.
        reached: (...) the score as it was.
        cross_fitted: whether rows that one fold tests trained other folds' models; the null is then widened around
            its mean.

    Returns:
        (...) float64; NaN without permutations.
    """
    if not len(null):
        return np.full(np.shape(reached), np.nan)
    middle = null.mean(0)
    wide = middle + (null - middle) * (WIDENING if cross_fitted else 1.0)
    # Equal arrangements differ by rounding; they count as equal.
    return (1 + (wide >= np.asarray(reached) - 1e-12).sum(0)) / (1 + len(null))
