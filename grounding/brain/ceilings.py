"""How well any model could predict a noisy recording: noise ceilings, and scores as a part of them.

Conventions. A *ceiling of r* is the expected Pearson correlation of a perfect prediction with the responses that are
scored; its square is the *ceiling of r2*. The ceiling depends on what is scored: the mean of R repeats has a higher one
than a single repeat. With S the part of a single repeat's variance that repeats with the stimulus (explainable
variance), the ceiling of r is sqrt(S) for a single repeat and sqrt(S R / (1 + S (R - 1))) for the mean of R.

An inter-subject ceiling is of what subjects *share*: a model fitted to one subject may exceed it, since what is
lawful in that subject alone counts as noise there.
"""

from dataclasses import dataclass

import numpy as np

from grounding.brain.significance.permutation import centred
from grounding.brain.significance.segments import parts
from grounding.errors import InputError

LEAST_CEILING = 0.1
"""Of r; below it a score divided by the ceiling is mostly the noise of the ceiling."""


def explainable_variance(repeats: np.ndarray, *, bias_correction: bool = True) -> np.ndarray:
    """The part of the variance of one presentation that comes back when the stimulus does.

    The variance over time of the mean of R repeats, divided by the mean variance of a repeat; less
    (1 - part) / (R - 1), what noise alone adds (Sahani & Linden 2003; Hsu et al. 2004; the formula of the voxelwise
    modelling tutorials, Dupré la Tour et al. 2025). With the correction it equals signal power / total power of
    Schoppe et al. (2016), and may be negative where there is none.

    Args:
        repeats: (R, T, v) responses to the same T samples of stimulus, at least 2 repeats.
        bias_correction: False for the plain quotient, which is 1 / R for pure noise.

    Returns:
        (v,) float64, 1 and below; NaN for a target that never varies.

    Raises:
        InputError: fewer than 2 repeats or 2 samples, or values that are not finite.

    Example:
        >>> ceiling = np.sqrt(np.maximum(explainable_variance(repeats), 0))  # of r, for a single repeat
    """
    repeats = _checked(repeats, "repeats")
    single, mean = _variances(repeats)
    part = np.divide(mean, single, out=np.full_like(mean, np.nan), where=single > 0)
    return part - (1 - part) / (len(repeats) - 1) if bias_correction else part


def signal_power(repeats: np.ndarray) -> np.ndarray:
    """The variance over time of the repeatable part alone, unbiased, in squared units of the responses.

    Sahani & Linden (2003), Schoppe et al. (2016): (R var(mean) - mean var) / (R - 1).

    Args:
        repeats: (R, T, v) as in `explainable_variance`.

    Returns:
        (v,) float64; negative values are chance.
    """
    repeats = _checked(repeats, "repeats")
    single, mean = _variances(repeats)
    return (len(repeats) * mean - single) / (len(repeats) - 1)


def ceiling_of_mean(explainable: np.ndarray, repeats: int) -> np.ndarray:
    """Ceiling of r for the mean of so many repeats, from the explainable variance of one (Schoppe et al. 2016).

    With ``repeats=1`` that of a single presentation. Explainable variance below 0 counts as 0.
    """
    if repeats < 1:
        raise InputError(f"repeats: {repeats} found, expected at least 1")
    part = np.clip(explainable, 0, 1)
    return np.sqrt(part * repeats / (1 + part * (repeats - 1)))


def normalised_correlation(repeats: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """CC_norm of Schoppe et al. (2016): cov(mean response, prediction) / sqrt(var(prediction) signal power).

    The correlation with the response as it would be without noise. It needs no ceiling to be divided by, and is
    unbiased for few repeats.

    Args:
        repeats: (R, T, v) responses.
        predicted: (T, v) predictions.

    Returns:
        (v,) float64; NaN where there is no signal power or the prediction is constant. Chance may lift it above 1.
    """
    repeats = _checked(repeats, "repeats")
    if predicted.shape != repeats.shape[1:]:
        raise InputError(f"predicted: {predicted.shape}, expected (samples, targets) as repeats have, {repeats.shape}")
    mean = repeats.mean(0)
    guess = predicted - predicted.mean(0, dtype=np.float64)
    covariance = ((mean - mean.mean(0)) * guess).sum(0) / (len(mean) - 1)
    spread = (guess * guess).sum(0) / (len(mean) - 1) * signal_power(repeats)
    return np.divide(covariance, np.sqrt(np.maximum(spread, 0)), out=np.full_like(spread, np.nan), where=spread > 0)


def split_half(repeats: np.ndarray, *, splits: int = 100, seed: int = 0) -> np.ndarray:
    """Reliability of the mean of all repeats: halves are correlated and Spearman-Brown makes them whole.

    The mean correlation r of the means of two random halves, as 2r / (1 + r) (Spearman 1910, Brown 1910). Its square
    root is the ceiling of r for the mean of all repeats, as in Hsu et al. (2004).

    Args:
        repeats: (R, T, v) responses; with an odd R one random repeat is left out of each split.
        splits: how many random ones are averaged.
        seed: of the splits.

    Returns:
        (v,) float64; NaN for targets that never vary. For an odd R the formula is that for R repeats, too.
    """
    repeats = _checked(repeats, "repeats")
    count = len(repeats)
    half = count // 2
    generator = np.random.default_rng(seed)
    total = np.zeros(repeats.shape[2])
    for _ in range(splits):
        order = generator.permutation(count)
        total += _correlation(repeats[order[:half]].mean(0), repeats[order[half : 2 * half]].mean(0))
    r = total / splits
    longer = count / half
    return longer * r / (1 + (longer - 1) * r)


@dataclass(frozen=True)
class InterSubject:
    """What subjects share, as ceilings of r for a prediction of one subject.

    Attributes:
        each: (S, v) float64, r of each subject with the mean of all others: a score that a model of the others
            reaches, so the lower bound for that subject.
        lower: (v,) float64, the mean of ``each`` (Nili et al. 2014).
        upper: (v,) float64, the mean r with the mean of all subjects, the subject itself included: no single
            prediction for all subjects has a higher mean r, if each subject is standardised (Nili et al. 2014).
        shared: (v,) float64, the ceiling itself if all subjects have one shared signal in equally much noise: the
            root of the mean correlation of pairs, 0 where that is negative. It lies between the bounds.
    """

    each: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    shared: np.ndarray


def inter_subject(responses: np.ndarray, labels: np.ndarray | None = None) -> InterSubject:
    """Ceilings from several subjects who had the same stimulus.

    Args:
        responses: (S, T, v) the same T samples of stimulus for at least 3 subjects.
        labels: (T,) int, the segment of each sample (`significance.segments`); each is standardised by itself, so
            that no difference between runs counts as shared. None for one segment.

    Raises:
        InputError: fewer than 3 subjects, values that are not finite, or a target that is constant in a subject.

    Example:
        >>> ceiling = inter_subject(np.stack([run.data for run in recording.runs]))
        >>> score / ceiling.lower.mean()
    """
    responses = _checked(responses, "responses", least=3, what="subjects")
    subjects, samples, _ = responses.shape
    places = parts(np.zeros(samples, dtype=np.int64) if labels is None else labels, samples)
    used = np.concatenate(places)
    z = np.stack([centred(one, places, scale=True)[used] for one in responses])
    constant = np.argwhere(~z.any(1))
    if len(constant):
        subject, target = constant[0]
        raise InputError(f"responses: target {target} is constant in subject {subject}; leave the target out")
    # A segment that is constant in one subject adds nothing to that subject's variance.
    z /= np.sqrt((z * z).mean(1, keepdims=True))
    mean = z.mean(0)
    # Correlations of z-scores with a mean of z-scores follow from the mean's moments; no subject is taken out anew.
    with_mean = (z * mean).mean(1)
    power = (mean * mean).mean(0)
    others = (subjects * with_mean - 1) / np.sqrt(subjects**2 * power - 2 * subjects * with_mean + 1)
    upper = with_mean.mean(0) / np.sqrt(power)
    pairs = (subjects * power - 1) / (subjects - 1)
    return InterSubject(others, others.mean(0), upper, np.sqrt(np.maximum(pairs, 0)))


def part_of_ceiling(score: np.ndarray, ceiling: np.ndarray, *, least: float = LEAST_CEILING) -> np.ndarray:
    """Score / ceiling, both of r (or both of r2), not clipped: above 1 is chance or a wrong ceiling, and to be seen.

    Args:
        score: (..., v).
        ceiling: (v,).
        least: targets whose ceiling is lower have NaN, since the quotient would be noise.

    Returns:
        Shape of score, float64.
    """
    usable = np.asarray(ceiling) >= least
    return np.where(usable, score / np.where(usable, ceiling, 1), np.nan)


def _variances(repeats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean variance over time of a repeat, and variance over time of the mean of the repeats; (v,) each."""
    return repeats.var(1, ddof=1).mean(0), repeats.mean(0).var(0, ddof=1)


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(0), b - b.mean(0)
    spread = np.sqrt((a * a).sum(0) * (b * b).sum(0))
    return np.divide((a * b).sum(0), spread, out=np.full_like(spread, np.nan), where=spread > 0)


def _checked(data: np.ndarray, name: str, *, least: int = 2, what: str = "repeats") -> np.ndarray:
    data = np.asarray(data)
    if data.ndim != 3 or len(data) < least or data.shape[1] < 2:
        raise InputError(
            f"{name}: {data.shape}, expected ({what}, samples, targets) with at least {least} {what} and 2 samples"
        )
    data = data.astype(np.float64)
    if len(bad := np.flatnonzero(~np.isfinite(data.sum((0, 1))))):
        raise InputError(f"{name}: target {bad[0]} holds a value that is not finite; leave it out")
    return data
