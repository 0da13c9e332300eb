"""Leave-two-out matching: a model trained without two words must say which of two brain patterns belongs to which
(Mitchell et al. 2008).

No pair is fitted anew. Ridge with an intercept is linear in the patterns: with M the matrix that turns patterns into
residuals, leaving words S out leaves residuals inv(M_SS) (M Y)_S, exactly. All pairs, and all permutations, then follow
from inner products between words, whatever the number of voxels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.brain.geometry.matching_scores import never_certain
from grounding.brain.geometry.stability import stable_voxels
from grounding.errors import InputError
from grounding.text.evaluation.estimates import Estimate, bootstrap


@dataclass(frozen=True)
class LeaveTwoOut:
    """How many pairs of words were matched.

    Attributes:
        accuracy: share of the pairs, with its 95 % interval over words.
        chance: 0.5.
        p: one-sided, from patterns permuted over words; never 0.
        correct: (pairs,) 1, 0, or 0.5 for a tie; pairs in the order of the upper triangle.
        alphas: (pairs,) the penalty that was chosen without the two words.
        voxels: how many were selected in each training part, or None for all.
        permutations: how many.
        seed: of permutations and resamples.
    """

    accuracy: Estimate
    chance: float
    p: float
    correct: np.ndarray
    alphas: np.ndarray
    voxels: int | None
    permutations: int
    seed: int


def leave_two_out(
    vectors: np.ndarray,
    patterns: np.ndarray,
    *,
    alphas: Sequence[float] | None = None,
    voxels: int | None = None,
    permutations: int = 1000,
    resamples: int = 1000,
    seed: int = 0,
) -> LeaveTwoOut:
    """Train ridge from word vectors to brain patterns without two words, and match the two predictions with the two
    patterns, for all pairs of words.

    A pair counts as right if the cosines of the right matches sum to more than those of the wrong ones; cosines are of
    deviations from the training mean. The penalty is chosen anew for each pair by generalised cross-validation (Golub,
    Heath and Wahba 1979) of the other words, looking at all voxels, and so are voxels, by `stable_voxels`; the
    permutation test chooses penalties anew too.

    Args:
        vectors: (n, p), one for each word, each word once. Standardise columns whose units differ beforehand: that
            looks at no brain data.
        patterns: (n, v), or (R, n, v) for R presentations of each word, which are averaged.
        alphas: candidate penalties, |Y - XB|^2 + alpha |B|^2; None for 13 from 0.001 to 1,000 times the mean variance
            of the vectors along their axes.
        voxels: how many to select in each training part; needs presentations, and computes each pair by itself.
        permutations: of the patterns over words; the smallest p is 1 / (permutations + 1).
        resamples: of words, for the interval.
        seed: of both.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, fewer than five words, a penalty not above 0, or voxels
            without presentations or more than there are.

    Example:
        >>> leave_two_out(word_vectors, responses.data).accuracy.value
    """
    X = check_matrix(vectors, "vectors").astype(np.float64)
    presentations = _presentations(patterns, voxels)
    Y = presentations.mean(axis=0)
    n = len(X)
    if len(Y) != n or n < 5:
        raise InputError(f"vectors and patterns: {n} and {len(Y)} words found, expected the same five or more")
    left_out, penalties = _left_out(X, alphas)
    Y = Y - Y.mean(axis=0)
    masks = None if voxels is None else stable_voxels(presentations, voxels)
    generator = np.random.default_rng(seed)
    correct, chosen = _all_pairs(left_out, Y, masks, np.arange(n))
    above = np.triu_indices(n, 1)
    reached, share = 0, float(correct[above].mean())
    for _ in range(permutations):
        permuted = _all_pairs(left_out, Y, masks, generator.permutation(n))[0]
        reached += float(permuted[above].mean()) >= share - 1e-12
    return LeaveTwoOut(
        _over_words(correct, resamples, seed),
        0.5,
        (1 + reached) / (permutations + 1),
        correct[above],
        penalties[chosen[above]],
        voxels,
        permutations,
        seed,
    )


def _presentations(patterns: np.ndarray, voxels: int | None) -> np.ndarray:
    """(R, n, v) float64."""
    shape = np.shape(patterns)
    if len(shape) not in (2, 3):
        raise InputError(f"patterns: shape {shape} found, expected (words, voxels) or (presentations, words, voxels)")
    shape = shape if len(shape) == 3 else (1, *shape)
    if voxels is not None and (shape[0] < 2 or not 1 <= voxels <= shape[2]):
        raise InputError(
            f"voxels: {voxels} found for {shape[0]} presentations of {shape[2]} voxels; stability needs two "
            "presentations or more, and no more voxels than there are"
        )
    return check_matrix(np.reshape(patterns, (-1, shape[2])), "patterns").astype(np.float64).reshape(shape)


@dataclass(frozen=True, eq=False)
class _LeftOut:
    """What leaving out two words does at one penalty, whatever the patterns; matrices (n, n), an entry a pair.

    M is symmetric, with M Y the residuals of ridge with an intercept. Of C = inv(M_SS), ``own`` is the entry of the
    first word with itself and ``other`` that of the first with the second; ``own_squared`` and ``other_squared`` are
    those of C (MM)_SS C; ``freedom`` is what the other words have left: tr(M) - tr(C (MM)_SS).
    """

    M: np.ndarray
    own: np.ndarray
    other: np.ndarray
    own_squared: np.ndarray
    other_squared: np.ndarray
    freedom: np.ndarray

    @classmethod
    def of(cls, M: np.ndarray) -> "_LeftOut":
        size = np.diag(M)
        determinant = np.outer(size, size) - M**2
        np.fill_diagonal(determinant, 1)
        own, other = size / determinant, -M / determinant
        MM = M @ M
        m = np.diag(MM)
        own_squared = own**2 * m[:, None] + 2 * own * other * MM + other**2 * m
        other_squared = own * other * m[:, None] + (own * own.T + other**2) * MM + other * own.T * m
        freedom = np.maximum(np.trace(M) - _trace(own, other, MM), 1e-12)
        return cls(M, own, other, own_squared, other_squared, freedom)

    def error(self, G: np.ndarray) -> np.ndarray:
        """Generalised cross-validation of the other n - 2 words, for each pair (n, n).

        Their residuals are E - M_:S C E_S, so that the squared error follows from G = E E'.
        """
        g = np.diag(G)
        squared = np.trace(G) - 2 * _trace(self.own, self.other, self.M @ G)
        squared += self.own_squared * g[:, None] + self.own_squared.T * g + 2 * self.other_squared * G
        return squared / self.freedom**2 * (len(G) - 2)


def _trace(own: np.ndarray, other: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The trace of C times the block of the matrix, for each pair (n, n)."""
    d = np.diag(matrix)
    return own * d[:, None] + own.T * d + other * (matrix + matrix.T)


def _left_out(X: np.ndarray, alphas: Sequence[float] | None) -> tuple[list[_LeftOut], np.ndarray]:
    """For each penalty, and the penalties (A,)."""
    n = len(X)
    centred = X - X.mean(axis=0)
    variances, axes = np.linalg.eigh(centred @ centred.T)
    variances = np.maximum(variances, 0)
    if not variances.any():
        raise InputError("vectors: all are equal, so that no pattern follows from them")
    if alphas is None:
        alphas = (variances.sum() / min(n - 1, X.shape[1]) * np.logspace(-3, 3, 13)).tolist()
    penalties = np.asarray(alphas, dtype=np.float64)
    if penalties.ndim != 1 or not len(penalties) or not ((penalties > 0) & np.isfinite(penalties)).all():
        raise InputError(f"alphas: {alphas} found, expected one or more finite numbers above 0")
    # The constant vector is an axis without variance; the intercept takes it all.
    makers = [(axes * (alpha / (variances + alpha))) @ axes.T - 1 / n for alpha in penalties]
    return [_LeftOut.of(M) for M in makers], penalties


def _all_pairs(
    left_out: list[_LeftOut], Y: np.ndarray, masks: np.ndarray | None, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each pair of words (n, n), symmetric: whether it was matched, and the place of its penalty.

    Args:
        left_out: for each penalty.
        Y: centred patterns (n, v).
        masks: (n, n, v), the voxels of each pair, or None.
        order: (n,), the pattern that each word is given.
    """
    Y = Y[order]
    K = Y @ Y.T
    products = [K @ one.M for one in left_out]
    residuals = [one.M @ Q for one, Q in zip(left_out, products, strict=True)]
    chosen = np.stack([one.error(G) for one, G in zip(left_out, residuals, strict=True)]).argmin(axis=0)
    if masks is not None:
        return _by_pair(left_out, Y, masks[np.ix_(order, order)], chosen), chosen
    rows = np.arange(len(K))[:, None]

    def of_chosen(matrices: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Each pair's entry, and the diagonal entry of its first word, at the pair's penalty."""
        stack = np.stack(matrices)
        return stack[chosen, rows, rows.T], stack[chosen, rows, rows]

    own = of_chosen([one.own for one in left_out])[0]
    other = of_chosen([one.other for one in left_out])[0]
    return _matched(own, other, K, *of_chosen(products), *of_chosen(residuals)), chosen


def _matched(
    own: np.ndarray, other: np.ndarray, K: np.ndarray, Q: np.ndarray, q: np.ndarray, G: np.ndarray, g: np.ndarray
) -> np.ndarray:
    """(n, n): 1 where the right match of the pair is the more similar, 0 where not, 0.5 for a tie.

    With s the sum of the two patterns / (n - 2), patterns deviate from the training mean by b_i = y_i + s, and
    predictions by a_i = b_i - C_ii e_i - C_ij e_j; K = Y Y', Q = Y E' and G = E E' hold all their products, q and g
    those of the first word with itself.
    """
    share = 1 / (len(K) - 2)
    k = np.diag(K)
    with_sum = share * (k[:, None] + K)
    sums = share**2 * (k[:, None] + 2 * K + k)
    b = k[:, None] + 2 * with_sum + sums
    b_across = K + with_sum + with_sum.T + sums
    # Products of the pattern of the first word, and of the second, with the residual of the first.
    sum_first = share * (q + Q.T)
    first_first, second_first = q + sum_first, Q.T + sum_first
    fitted = own * first_first + other * second_first.T
    fitted_across = own * second_first + other * first_first.T
    residual = own**2 * g + 2 * own * other * G + other**2 * g.T
    a = np.sqrt(np.maximum(b - 2 * fitted + residual, 1e-300))
    lengths = np.sqrt(np.maximum(b, 1e-300))
    right, wrong = (b - fitted) / (a * lengths), (b_across - fitted_across) / (a * lengths.T)
    return _compared(right + right.T, wrong + wrong.T)


def _by_pair(left_out: list[_LeftOut], Y: np.ndarray, masks: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """As `_matched`, with the voxels of each pair."""
    n = len(Y)
    residuals = [one.M @ Y for one in left_out]
    right, wrong = np.zeros((n, n)), np.zeros((n, n))
    for i, j in zip(*np.triu_indices(n, 1), strict=True):
        both, M = [i, j], left_out[chosen[i, j]].M
        mean = -Y[both].sum(0) / (n - 2)
        actual = (Y[both] - mean)[:, masks[i, j]]
        left = np.linalg.solve(M[np.ix_(both, both)], residuals[chosen[i, j]][both])
        predicted = actual - left[:, masks[i, j]]
        actual, predicted = (Z / np.maximum(np.linalg.norm(Z, axis=1), 1e-150)[:, None] for Z in (actual, predicted))
        cosines = predicted @ actual.T
        right[i, j] = right[j, i] = np.trace(cosines)
        wrong[i, j] = wrong[j, i] = cosines[0, 1] + cosines[1, 0]
    return _compared(right, wrong)


def _compared(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Differences that rounding could have made are ties."""
    return np.where(np.abs(right - wrong) < 1e-12, 0.5, right > wrong)


def _over_words(correct: np.ndarray, resamples: int, seed: int) -> Estimate:
    n = len(correct)
    different = 1.0 - np.eye(n)
    correct = correct * different

    def share(weights: np.ndarray) -> np.ndarray:
        return ((weights @ correct) * weights).sum(1) / ((weights @ different) * weights).sum(1)

    return never_certain(bootstrap(share, n, n * n, resamples, seed), n)
