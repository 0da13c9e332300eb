"""Filters, references and rates for electrophysiology, and the high-gamma envelope; each run by itself.

Every function takes a recording and returns one; nothing that happens in one run can reach another.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from grounding.brain.readers.electrophysiology import quiet
from grounding.brain.recording import Recording, Run
from grounding.errors import InputError

# Channels that are worked on at once: filters want float64, and this bounds what that takes.
_BLOCK = 16


def filtered(
    recording: Recording, low: float | None = None, high: float | None = None, *, notch: Sequence[float] = ()
) -> Recording:
    """Keep the band from ``low`` to ``high`` Hz, and take out the frequencies of ``notch``.

    MNE's default: a zero-phase FIR filter (firwin), mirrored at the edges of the run.

    Args:
        low: lower edge, such as 0.1; None lets everything below pass.
        high: upper edge, such as 30; None lets everything above pass.
        notch: Hz, such as (50, 100, 150) for the mains and its multiples.

    Raises:
        InputError: an edge that is not between 0 and half the sampling rate, ``low`` not below ``high``, or a run that
            is shorter than the filter.
    """
    if low is None and high is None and not notch:
        raise InputError("filter: neither low, high nor notch given, expected at least one")
    for run in recording.runs:
        for edge in (low, high, *notch):
            if edge is not None and not 0 < edge < run.rate / 2:
                raise InputError(f"filter: {edge:g} Hz, expected between 0 and {run.rate / 2:g} Hz, half the rate")
    if low is not None and high is not None and low >= high:
        raise InputError(f"filter: low {low:g} Hz and high {high:g} Hz, expected low below high")

    def one(data: np.ndarray, run: Run) -> np.ndarray:
        import mne

        if notch:
            # MNE's notches fall off within half a hertz, which takes 3.3 / 0.5 s.
            _demand_longer(run, 6.6, f"notches at {', '.join(f'{one:g}' for one in notch)} Hz ask")
            data = mne.filter.notch_filter(data, run.rate, np.array(notch, dtype=np.float64))
        if low is None and high is None:
            return data
        length = len(mne.filter.create_filter(None, run.rate, low, high))
        _demand_longer(run, length / run.rate, f"{low if low is not None else high:g} Hz asks")
        return mne.filter.filter_data(data, run.rate, low, high)

    return _each_run(recording, one)


def average_referenced(recording: Recording) -> Recording:
    """Take from each sample the mean over all channels that are left."""
    runs = [replace(run, data=run.data - run.data.mean(axis=1, keepdims=True)) for run in recording.runs]
    return replace(recording, runs=tuple(runs))


def resampled(recording: Recording, rate: float) -> Recording:
    """Change the sampling rate (MNE's FFT method, with its filter against aliasing); the first sample keeps its time.

    Confounds are resampled too.

    Raises:
        InputError: a rate that is not above 0.
    """
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"resample: rate {rate}, expected samples a second above 0")

    def one(data: np.ndarray, run: Run) -> np.ndarray:
        import mne

        return data if run.rate == rate else mne.filter.resample(data, up=rate, down=run.rate, axis=1)

    return _each_run(recording, one, rate)


def high_gamma(
    recording: Recording,
    *,
    line: float,
    low: float = 70.0,
    high: float = 150.0,
    rate: float | None = 100.0,
    standardise: bool = False,
) -> Recording:
    """The envelope of high-gamma activity: mean over sub-bands of the log amplitude of the analytic signal.

    The band is parted into sub-bands of about 20 Hz. The log before the mean keeps the lowest, strongest sub-band from
    ruling the others (the spectrum falls with frequency), without any statistic of the run. The mains and its
    multiples are cut out, 4 Hz wide. Sub-bands and notches have cosine edges and zero phase, and the run is mirrored
    at its ends (analytic amplitude after Crone et al. 1998, Edwards et al. 2009).

    Args:
        line: frequency of the mains where the recording was made, 50 or 60 Hz.
        low: lower edge of the band, Hz.
        high: upper edge, Hz; at most 45 % of the sampling rate.
        rate: samples a second of the envelope; the recording's own where None.
        standardise: bring each channel of each run to mean 0 and variance 1. This looks at the whole run, so leave it
            to the encoding model unless runs differ in gain.

    Returns:
        A recording of log amplitudes (log volts, or z where standardised).

    Raises:
        InputError: a band that is empty or above 45 % of the rate, mains of 0 Hz, or a run shorter than a second.
    """
    if not line > 0:
        raise InputError(f"high gamma: mains {line:g} Hz, expected 50 or 60")
    for run in recording.runs:
        if not 0 < low < high <= 0.45 * run.rate:
            raise InputError(
                f"high gamma: {low:g} to {high:g} Hz, expected a band below {0.45 * run.rate:g} Hz (45 % of the rate "
                f"of run {run.name!r})"
            )
        if len(run.data) < run.rate:
            raise InputError(f"high gamma: run {run.name!r} lasts {len(run.data) / run.rate:g} s, expected 1 s or more")
    logs = _each_run(recording, lambda data, run: _log_amplitude(data, run.rate, low, high, line))
    envelope = logs if rate is None else resampled(logs, rate)
    if not standardise:
        return envelope
    runs = [replace(run, data=(run.data - run.data.mean(axis=0)) / run.data.std(axis=0)) for run in envelope.runs]
    return replace(envelope, runs=tuple(runs))


def _each_run(
    recording: Recording, change: Callable[[np.ndarray, Run], np.ndarray], rate: float | None = None
) -> Recording:
    """Apply ``change`` to float64 (channels, T) blocks of each run."""
    runs = []
    for run in recording.runs:
        with quiet():
            blocks = [
                change(run.data[:, first : first + _BLOCK].T.astype(np.float64, order="C"), run).astype(np.float32)
                for first in range(0, run.data.shape[1], _BLOCK)
            ]
            confounds = run.confounds
            if rate is not None and confounds is not None:
                confounds = change(confounds.T.astype(np.float64, order="C"), run).T.astype(np.float32)
        data = np.ascontiguousarray(np.concatenate(blocks).T)
        runs.append(replace(run, data=data, rate=run.rate if rate is None else float(rate), confounds=confounds))
    return replace(recording, runs=tuple(runs))


def _demand_longer(run: Run, seconds: float, what: str) -> None:
    if len(run.data) < seconds * run.rate:
        raise InputError(
            f"filter: run {run.name!r} lasts {len(run.data) / run.rate:g} s, shorter than the filter of {seconds:g} s "
            f"that {what} for; choose gentler edges, or filter before the run is cut"
        )


def _log_amplitude(data: np.ndarray, rate: float, low: float, high: float, line: float) -> np.ndarray:
    """(C, T) volts → (C, T) mean log amplitude over the sub-bands."""
    import scipy.fft

    length = data.shape[1]
    mirrored = int(rate / 2)
    padded = np.pad(data, ((0, 0), (mirrored, mirrored)), mode="reflect")
    size = scipy.fft.next_fast_len(padded.shape[1])
    frequency = np.fft.fftfreq(size, 1 / rate)
    spectrum = scipy.fft.fft(padded, size, axis=1)
    passed = np.ones(size)
    for multiple in np.arange(line, high + 10, line):
        passed *= 1 - _window(frequency, multiple - 2, multiple + 2, 1.0)
    edges = np.linspace(low, high, max(1, round((high - low) / 20)) + 1)
    total = np.zeros((len(data), length))
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        # Twice the positive frequencies and none of the negative: the analytic signal (Gabor 1946).
        analytic = scipy.fft.ifft(spectrum * (2 * passed * _window(frequency, first, last, 4.0)), axis=1)
        amplitude = np.abs(analytic[:, mirrored : mirrored + length])
        total += np.log(np.maximum(amplitude, np.finfo(np.float32).tiny))
    return total / (len(edges) - 1)


def _window(frequency: np.ndarray, low: float, high: float, edge: float) -> np.ndarray:
    """1 from low to high, falling to 0 over ``edge`` Hz outside, as a half cosine."""
    outside = np.maximum(low - frequency, frequency - high)
    return 0.5 * (1 + np.cos(np.pi * np.clip(outside / edge, 0, 1)))
