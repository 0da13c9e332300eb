"""Responses come after what they respond to: delayed copies of features, side by side, within runs."""

from collections.abc import Sequence

import numpy as np

from grounding.brain.recording import Features
from grounding.errors import InputError


def delayed(features: Features, delays: Sequence[int]) -> Features:
    """Copies of the features, each some samples later: a finite impulse response (FIR) model for each run by itself.

    Row t of the copy with delay d is row t − d of the features. Where that lies outside the run it is 0: nothing comes
    from a neighbouring run, and 0 is the neutral value for features that were centred before.

    Ridge regression on these columns with penalty alpha is what mTRF fits with lambda = alpha / (rate · number of
    runs), and its weights are the coefficients times the rate.

    Args:
        features: a row a sample, (T, p) a run.
        delays: in samples, such as (1, 2, 3, 4) TRs; negative ones let a response come before (see `lags` for seconds).

    Returns:
        (T, p · D) a run: all features with the first delay, then all with the second.

    Raises:
        InputError: no delay, one that is no whole number, or one twice.

    Example:
        >>> delayed(Features("a", {"run-1": np.array([[1.0], [2.0], [3.0]])}), (0, 1)).runs["run-1"].tolist()
        [[1.0, 0.0], [2.0, 1.0], [3.0, 2.0]]
    """
    chosen = [int(delay) for delay in delays]
    if not chosen or chosen != list(delays) or len(set(chosen)) < len(chosen):
        raise InputError(f"delays: {list(delays)} found, expected whole numbers of samples, each once")
    return Features(features.name, {run: _side_by_side(values, chosen) for run, values in features.runs.items()})


def lags(first: float, last: float, rate: float) -> np.ndarray:
    """Delays in samples that cover the time from ``first`` to ``last`` seconds after the stimulus, both included.

    As in mTRF (Crosse et al., 2016): from first · rate rounded down to last · rate rounded up. Negative times are
    before the stimulus, where a response to it cannot be; what is found there is autocorrelation or a leak.

    Args:
        first: seconds.
        last: seconds.
        rate: samples a second.

    Returns:
        int64, ascending.

    Raises:
        InputError: ``last`` before ``first``, a rate of 0 or less, or a value that is not finite.

    Example:
        >>> lags(-0.1, 0.2, rate=10).tolist()
        [-1, 0, 1, 2]
    """
    if not (np.isfinite([first, last, rate]).all() and first <= last and rate > 0):
        raise InputError(
            f"lags: {first} to {last} s at {rate} samples a second found, expected first <= last, rate > 0"
        )
    # 0.3 · 100 is a little less, and 0.07 · 100 a little more, than the whole number that is meant.
    return np.arange(np.floor(first * rate + 1e-6), np.ceil(last * rate - 1e-6) + 1).astype(np.int64)


def _side_by_side(values: np.ndarray, delays: list[int]) -> np.ndarray:
    count, width = values.shape
    together = np.zeros((count, width * len(delays)), dtype=np.float32)
    for place, delay in enumerate(delays):
        shift = min(abs(delay), count)
        to, of = (slice(shift, None), slice(0, count - shift))
        if delay < 0:
            to, of = of, to
        together[to, place * width : (place + 1) * width] = values[of]
    return together
