"""What is told of a group of episodes: proportions with intervals, time, efficiency, care and progress."""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from grounding.errors import InputError

if TYPE_CHECKING:
    from grounding.policies.results import Episode

ALIKE = 10.0
"""DTW-MT under which a motion counts as the expert's own, as in Sung et al. 2015."""


class Interval(NamedTuple):
    """A proportion with its confidence interval and the number of trials behind it; all but `n` within 0..1."""

    rate: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion.

    With p = successes / n and z the two-sided normal quantile, the interval is
    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n):
    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 1927.

    Args:
        successes: number of successes, 0..n.
        n: number of trials, at least 1.
        confidence: coverage, strictly between 0 and 1.

    Raises:
        InputError: counts that cannot be, or a confidence outside its range.

    >>> wilson(17, 20)
    Interval(rate=0.85, low=0.6395811352592431, high=0.9476312541037835, n=20)
    """
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"wilson: {successes} successes of {n} trials; expected 0 <= successes <= n and n >= 1")
    if not 0 < confidence < 1:
        raise InputError(f"wilson: confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    z = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding would otherwise leave 0 successes a hair above 0, and n of n a hair below 1.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return Interval(rate, low, high, n)


def success(group: Sequence["Episode"]) -> dict[str, Any]:
    """The share that succeeded, with its Wilson 95 % interval: rate, low, high, n."""
    return wilson(sum(episode.success for episode in group), len(group))._asdict()


def right_task(group: Sequence["Episode"]) -> dict[str, Any] | None:
    """The share whose retrieved motion is of the task asked for, as :func:`success`; of tasks of one request alone."""
    retrieved = [episode for episode in group if episode.retrieved is not None and len(episode.subgoals) < 2]
    if not retrieved:
        return None
    return wilson(sum(e.retrieved_task == e.task for e in retrieved), len(retrieved))._asdict()


def time(group: Sequence["Episode"]) -> dict[str, Any]:
    """Simulated seconds of the successful episodes: mean, median, n; None where none succeeded."""
    return _middle([episode.seconds for episode in group if episode.success])


def efficiency(group: Sequence["Episode"]) -> dict[str, Any]:
    """Path efficiency: mean, of_successes, n."""
    achieved = [episode.efficiency for episode in group if episode.success]
    return {
        "mean": statistics.fmean(episode.efficiency for episode in group),
        "of_successes": statistics.fmean(achieved) if achieved else None,
        "n": len(group),
    }


def dtw_mt(group: Sequence["Episode"]) -> dict[str, Any] | None:
    """DTW-MT from the expert's motion: mean, median, n, and under_10, the share below 10; None where none was taken."""
    found = [episode.dtw_mt for episode in group if episode.dtw_mt is not None]
    if not found:
        return None
    return {**_middle(found), "under_10": statistics.fmean(value < ALIKE for value in found)}


def violations(group: Sequence["Episode"]) -> dict[str, Any]:
    """How carefully the robot moved: shares of episodes with at least one such step, and contact forces in newtons.

    joint: a joint at its limit. force: more than the environment's limit on contact forces. reach: a target out of
    reach. peak_force_mean and peak_force_max: of the greatest force of each episode. n: episodes.
    """
    return {
        "joint": statistics.fmean(episode.joint_violations > 0 for episode in group),
        "force": statistics.fmean(episode.force_violations > 0 for episode in group),
        "reach": statistics.fmean(episode.ik_failures > 0 for episode in group),
        "peak_force_mean": statistics.fmean(episode.peak_force for episode in group),
        "peak_force_max": max(episode.peak_force for episode in group),
        "n": len(group),
    }


def subgoals(group: Sequence["Episode"]) -> dict[str, Any] | None:
    """Progress in tasks of several sub-goals; None where there is no such task.

    rate: mean share of the sub-goals met. length: mean number met in a row from the first. in_a_row: for each k, the
    share of episodes of at least k sub-goals whose first k were all met (the success rates at k of CALVIN, Mees et al.
    2022). n: episodes.
    """
    long = [episode.subgoals for episode in group if len(episode.subgoals) > 1]
    if not long:
        return None
    runs = [(goals + (False,)).index(False) for goals in long]
    in_a_row = {}
    for k in range(1, max(map(len, long)) + 1):
        able = [run for run, goals in zip(runs, long, strict=True) if len(goals) >= k]
        in_a_row[str(k)] = statistics.fmean(run >= k for run in able)
    return {
        "rate": statistics.fmean(sum(goals) / len(goals) for goals in long),
        "length": statistics.fmean(runs),
        "in_a_row": in_a_row,
        "n": len(long),
    }


def failures(group: Sequence["Episode"]) -> dict[str, int]:
    """Reasons of failure and how often each was given, most frequent first."""
    counts = Counter(episode.failure or "not recorded" for episode in group if not episode.success)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _middle(values: Sequence[float]) -> dict[str, Any]:
    return {
        "mean": statistics.fmean(values) if values else None,
        "median": statistics.median(values) if values else None,
        "n": len(values),
    }
