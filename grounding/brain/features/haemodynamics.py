"""The slow response of blood to what neurons do, by its canonical shape."""

import math

import numpy as np

from grounding.brain.features.resampling import each_run, kernel_sum
from grounding.brain.recording import Features, Recording
from grounding.errors import InputError

LENGTH = 32.0
"""Seconds after which the response is taken to be over."""


def canonical_hrf(seconds: np.ndarray) -> np.ndarray:
    """SPM's canonical haemodynamic response to an impulse, the difference of two gamma densities, with integral 1.

    (g(t, 6) − g(t, 16) / 6) / (1 − 1/6) with g(t, k) = t^(k−1) e^−t / (k−1)!, the defaults of spm_hrf (Friston et al.,
    1998): highest 5 s after the stimulus, lowest after 16 s. 0 before the stimulus and, as in SPM, after 32 s.

    Args:
        seconds: after the stimulus, any shape.

    Returns:
        float64 of the same shape, 1/s.
    """
    t = np.clip(seconds, 0.0, LENGTH)
    response = (t**5 / math.factorial(5) - t**15 / math.factorial(15) / 6) * np.exp(-t) * 6 / 5
    return np.where(np.asarray(seconds) < LENGTH, response, 0.0)


def hrf(features: Features, rate: float) -> Features:
    """Features through the canonical haemodynamic response, each run by itself, which begins in silence.

    A row is taken to hold from its sample to the next one; the response is that to this staircase at the samples'
    times, without further approximation. Features that stay at 1 end up at 1. For words, which are much shorter than a
    TR, `word_hrf` is exact.

    Args:
        features: a row a sample, (T, p) a run.
        rate: samples a second, 1 / TR.

    Returns:
        (T, p) a run.

    Raises:
        InputError: a rate of 0 or less.
    """
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"hrf: rate {rate} found, expected samples a second above 0 (1 / TR)")
    step = _step_response(np.arange(int(np.ceil(LENGTH * rate)) + 1) / rate)
    # What one sample has to do with a later one: the response to a step up at its beginning and one down at its end.
    weights = np.diff(step, prepend=0.0)

    def through(values: np.ndarray) -> np.ndarray:
        columns = [np.convolve(column, weights)[: len(column)] for column in values.T.astype(np.float64)]
        return np.stack(columns, 1).astype(np.float32)

    return Features(features.name, {run: through(values) for run, values in features.runs.items()})


def word_hrf(words: Features, recording: Recording) -> Features:
    """The canonical haemodynamic response to words, each an impulse at its onset, at the times of the samples.

    The sum over words of `canonical_hrf` (sample's time − onset) times their values, on no grid. Like the sum of words
    it is larger where speech is faster; `word_rate` belongs beside it. A volume is taken to be measured at its
    beginning; a study with slice times set to the middle of the volume should add half a TR to each run's ``start``.

    Args:
        words: a row a word.
        recording: whose runs have transcripts and give the times of the samples. Words before the first sample count.

    Returns:
        (T, p) a run, values times 1/s.

    Raises:
        DataError: a run without a transcript, or whose transcript goes on after the recording has ended.
        InputError: features without a row for each word of a run.
    """
    return each_run(
        words,
        recording,
        lambda run, transcript, values: kernel_sum(values, transcript.onsets, run.times, canonical_hrf, 0.0, LENGTH),
    )


def _step_response(seconds: np.ndarray) -> np.ndarray:
    """The response to a stimulus that begins and stays: the integral of `canonical_hrf`, scaled to end at 1."""
    t = np.minimum(seconds, LENGTH)
    risen = _gamma_cumulative(t, 6) - _gamma_cumulative(t, 16) / 6
    return risen / (_gamma_cumulative(np.array(LENGTH), 6) - _gamma_cumulative(np.array(LENGTH), 16) / 6)


def _gamma_cumulative(t: np.ndarray, k: int) -> np.ndarray:
    """∫ g(s, k) ds from 0 to t for a whole number k."""
    return 1 - np.exp(-t) * sum(t**i / math.factorial(i) for i in range(k))
