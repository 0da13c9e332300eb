"""From a row a word to a row a sample, each run on its own clock.

A sample at time t stands for the time from t to the next sample: a volume of fMRI is measured for one TR from t on.
Words are taken to be heard at their onset, except by `lanczos`, which follows its authors in taking their middle.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from grounding.brain.recording import Features, Recording, Run, Transcript
from grounding.errors import DataError, InputError


def word_rate(recording: Recording) -> Features:
    """How many words begin during each sample, (T, 1) a run: the dullest control, which explains much.

    Counts, not words a second. For EEG and the like, `impulses` of ones put words at the nearest sample instead.

    Raises:
        DataError: as `summed`.
    """
    ones = {run.name: np.ones((len(_transcript(run)), 1), dtype=np.float32) for run in recording.runs}
    return Features("word rate", summed(Features("words", ones), recording).runs)


def summed(words: Features, recording: Recording) -> Features:
    """The sum over the words that begin during each sample; 0 where none does. Grows with the word rate.

    Args:
        words: a row a word.
        recording: whose runs have transcripts and give the times of the samples.

    Returns:
        (T, p) a run.

    Raises:
        DataError: a run without a transcript, or whose transcript goes on after the recording has ended.
        InputError: features without a row for each word of a run.
    """
    return each_run(words, recording, lambda run, transcript, values: _sums(run, _during(run, transcript), values))


def averaged(words: Features, recording: Recording, *, empty: Literal["mean", "last"] = "mean") -> Features:
    """The mean over the words that begin during each sample, whatever their number: free of the word rate.

    A sum, or a Lanczos filter, is larger where speech is faster, so that a score of it is partly one of the word rate.
    The mean does not grow, though means of more words still vary less.

    Args:
        words: a row a word.
        recording: whose runs have transcripts and give the times of the samples.
        empty: what a sample without a word gets. "mean", the mean over the run's other samples, becomes about 0 when
            the features are centred, so that a silence predicts nothing; "last" holds the last sample before it that
            had words, as if the last words were still thought of (the mean where there is none).

    Returns:
        (T, p) a run.

    Raises:
        DataError, InputError: as `summed`; another choice for ``empty``; a run with no word in any sample.
    """
    if empty not in ("mean", "last"):
        raise InputError(f"empty: {empty!r} found, expected 'mean' or 'last'")

    def means(run: Run, transcript: Transcript, values: np.ndarray) -> np.ndarray:
        sample = _during(run, transcript)
        counts = np.bincount(sample[sample >= 0], minlength=len(run.data))
        full = counts > 0
        if not full.any():
            raise DataError(
                f"run {run.name!r}: no word begins between {run.times[0]:.2f} s, its first sample, and its end; set "
                "start to the transcript's time of the first sample"
            )
        mean = _sums(run, sample, values) / np.maximum(counts, 1)[:, None]
        mean[~full] = mean[full].mean(0)
        if empty == "last":
            last = np.maximum.accumulate(np.where(full, np.arange(len(full)), -1))
            mean[last >= 0] = mean[last[last >= 0]]
        return mean

    return each_run(words, recording, means)


def impulses(words: Features, recording: Recording) -> Features:
    """The values of each word at the sample nearest to its onset, 0 elsewhere: what temporal response functions take.

    Words nearest to the same sample are added. Column p of the rows is the series that mTRF-like regression on lagged
    copies (`delayed`) has as its stimulus (Crosse et al., 2021). Meant for EEG, MEG and ECoG; see `summed` for fMRI.

    Raises:
        DataError, InputError: as `summed`.
    """

    def nearest(run: Run, transcript: Transcript, values: np.ndarray) -> np.ndarray:
        sample = np.floor((transcript.onsets - run.start) * run.rate + 0.5).astype(np.int64)
        # A word in the last half sample is nearest to one that was not recorded any more.
        return _sums(run, np.minimum(sample, len(run.data) - 1), values)

    return each_run(words, recording, nearest)


def lanczos(words: Features, recording: Recording, *, window: int = 3, cutoff: float | None = None) -> Features:
    """Words through a Lanczos filter to the samples' middles, as published by the Huth lab (Jain and Huth, 2018).

    TRAP: the weights of a sample are not divided by their sum, so the filtered features are larger where words come
    faster, and a model of them has the word rate for free. Put `word_rate` among the controls, or use `averaged`.
    (Weights divided by their sum are no remedy: the kernel's negative lobes can make that sum 0.)

    Args:
        words: a row a word.
        recording: whose runs have transcripts and give the times of the samples.
        window: lobes of the kernel on each side.
        cutoff: of the low-pass filter as its authors give it, in 1/s: that of the first zero of the kernel, twice the
            frequency in hertz. The run's sampling rate unless given.

    Returns:
        (T, p) a run: sum over words of L(cutoff · (t + 1 / (2 · rate) − (onset + offset) / 2)) times their values.

    Raises:
        DataError, InputError: as `summed`; a window below 1 or a cutoff of 0 or less.
    """
    if window < 1 or (cutoff is not None and not cutoff > 0):
        raise InputError(f"lanczos: window {window}, cutoff {cutoff} found, expected at least 1 and above 0")

    def filtered(run: Run, transcript: Transcript, values: np.ndarray) -> np.ndarray:
        middles = (transcript.onsets + transcript.offsets) / 2
        cut = run.rate if cutoff is None else cutoff
        times = run.times + 0.5 / run.rate
        return kernel_sum(
            values, middles, times, lambda t: lanczos_kernel(t * cut, window), -window / cut, window / cut
        )

    return each_run(words, recording, filtered)


def lanczos_kernel(t: np.ndarray, window: int = 3) -> np.ndarray:
    """sinc(t) · sinc(t / window) for |t| <= window, else 0 (Duchon, 1979), with sinc(t) = sin(πt) / (πt)."""
    return np.where(np.abs(t) <= window, np.sinc(t) * np.sinc(t / window), 0.0)


def kernel_sum(
    values: np.ndarray,
    places: np.ndarray,
    times: np.ndarray,
    kernel: Callable[[np.ndarray], np.ndarray],
    first: float,
    last: float,
) -> np.ndarray:
    """At each time the sum of all values, each weighted by a kernel of the time that has passed since it.

    Args:
        values: (W, p).
        places: (W,) float64, seconds, when each value was; in any order.
        times: (T,) float64, seconds, ascending.
        kernel: from seconds since a value to its weight; 0 outside of ``first`` to ``last`` seconds.
        first: seconds.
        last: seconds.

    Returns:
        float64 (T, p).
    """
    begin = np.searchsorted(times, places + first - 1e-9)
    counts = np.searchsorted(times, places + last + 1e-9, side="right") - begin
    value = np.repeat(np.arange(len(places)), counts)
    # The samples that each value reaches follow each other from its first one on.
    time = np.arange(len(value)) - np.repeat(np.cumsum(counts) - counts - begin, counts)
    return _weighted(kernel(times[time] - places[value]), time, value, len(times), values)


def each_run(
    words: Features, recording: Recording, resampled: Callable[[Run, Transcript, np.ndarray], np.ndarray]
) -> Features:
    """The features of each run by a function of run, transcript and (W, p) values to (T, p) ones."""
    runs = {}
    for run in recording.runs:
        transcript = _transcript(run)
        if run.name not in words.runs:
            raise InputError(
                f"features {words.name!r}: none for run {run.name!r}; there are {', '.join(map(repr, words.runs))}"
            )
        values = words.runs[run.name]
        if len(values) != len(transcript):
            raise InputError(
                f"features {words.name!r}: {len(values)} rows for run {run.name!r}, expected a row for each of its "
                f"{len(transcript)} words; features that have a row a sample already need no resampling"
            )
        runs[run.name] = resampled(run, transcript, values).astype(np.float32)
    return Features(words.name, runs)


def _transcript(run: Run) -> Transcript:
    if run.transcript is None or not len(run.transcript):
        raise DataError(f"run {run.name!r}: no words found, expected a transcript; read one, or leave the run out")
    end = run.start + len(run.data) / run.rate
    if run.transcript.onsets[-1] >= end:
        raise DataError(
            f"run {run.name!r}: its last word ({run.transcript.words[-1]!r}) begins at {run.transcript.onsets[-1]:.2f} "
            f"s, but the recording ends at {end:.2f} s of the transcript's clock; set the run's start right, or crop "
            "the transcript"
        )
    return run.transcript


def _during(run: Run, transcript: Transcript) -> np.ndarray:
    """(W,) int64: the sample during which each word begins; negative for words before the first sample."""
    # An onset that was meant to be at a sample may have been written down with an error in its last digits.
    return np.floor((transcript.onsets - run.start) * run.rate + 1e-6).astype(np.int64)


def _sums(run: Run, sample: np.ndarray, values: np.ndarray) -> np.ndarray:
    """float64 (T, p): the values of each sample's words added; words of samples below 0 are left out."""
    word = np.flatnonzero((sample >= 0) & (sample < len(run.data)))
    return _weighted(np.ones(len(word)), sample[word], word, len(run.data), values)


def _weighted(
    weights: np.ndarray, sample: np.ndarray, word: np.ndarray, samples: int, values: np.ndarray
) -> np.ndarray:
    """float64 (samples, p): at each place of ``sample`` the value of its word is added, times its weight."""
    from scipy.sparse import csr_array

    return csr_array((weights, (sample, word)), shape=(samples, len(values))) @ values.astype(np.float64)
