"""How loud a stimulus was: features from its sound, whatever was said."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from grounding.brain.recording import Features, Recording, Run
from grounding.errors import DataError, InputError


def read_wave(file: Path | str) -> tuple[np.ndarray, float]:
    """The sound of a WAVE file, float32 (N,) within −1 … 1, the mean of its channels, and its samples a second.

    Raises:
        DataError: the file is missing, is no WAVE file, is of an unusual kind, or has no sound.
    """
    from scipy.io import wavfile

    try:
        rate, sound = wavfile.read(file)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: not readable as a WAVE file ({error}); convert the sound to WAVE (PCM)") from error
    if not sound.size:
        raise DataError(f"{file}: no sound found, expected at least one sample")
    if sound.dtype.kind in "iu":
        # Eight bits are written without a sign, around 128.
        middle = 128 if sound.dtype == np.uint8 else 0
        largest = 128 if sound.dtype == np.uint8 else -float(np.iinfo(sound.dtype).min)
        sound = (sound.astype(np.float32) - middle) / np.float32(largest)
    sound = sound.astype(np.float32)
    return (sound.mean(1) if sound.ndim == 2 else sound), float(rate)


def sound_envelope(recording: Recording, sounds: Mapping[str, tuple[np.ndarray, float]]) -> Features:
    """The mean amplitude of the sound during each sample, (T, 1) a run: a control, and what many EEG models are fed.

    The amplitude is the magnitude of the analytic signal (Hilbert transform) of the whole band; its mean from one
    sample to the next is what filters it down to the recording's rate. 0 where there is no sound.

    Args:
        recording: gives the times of the samples.
        sounds: by story, (N,) numbers and their rate in samples a second, as `read_wave` gives them. The sound's first
            number is at 0 s of the transcript's clock.

    Raises:
        InputError: a story without a sound, or a sound that is not (N,) finite numbers at a rate above 0.

    Example:
        >>> envelope = sound_envelope(recording, {"alice": read_wave("alice.wav")})
    """
    return _each_run("sound envelope", recording, sounds, _amplitude)


def sound_power(recording: Recording, sounds: Mapping[str, tuple[np.ndarray, float]]) -> Features:
    """The mean square of the sound during each sample, such as a TR, (T, 1) a run; otherwise as `sound_envelope`."""
    return _each_run("sound power", recording, sounds, np.square)


def _each_run(
    name: str,
    recording: Recording,
    sounds: Mapping[str, tuple[np.ndarray, float]],
    loudness: Callable[[np.ndarray], np.ndarray],
) -> Features:
    added: dict[str, np.ndarray] = {}
    runs = {}
    for run in recording.runs:
        if run.story not in sounds:
            raise InputError(f"{name}: no sound for story {run.story!r} of run {run.name!r}; there are "
                             f"{', '.join(map(repr, sounds)) or 'none'}")  # fmt: skip
        sound, rate = sounds[run.story]
        if run.story not in added:
            if np.ndim(sound) != 1 or not np.size(sound) or not np.isfinite(sound).all() or not rate > 0:
                raise InputError(
                    f"{name}: the sound of story {run.story!r} is {np.shape(sound)} at {rate} samples a second, "
                    "expected (N,) finite numbers at a rate above 0; take the mean of its channels"
                )
            added[run.story] = np.concatenate([[0.0], np.cumsum(loudness(np.asarray(sound)), dtype=np.float64)])
        runs[run.name] = _means(run, added[run.story], rate)
    return Features(name, runs)


def _amplitude(sound: np.ndarray) -> np.ndarray:
    from scipy.fft import next_fast_len
    from scipy.signal import hilbert

    # A length with a large prime factor would take a transform many times as long.
    return np.abs(hilbert(sound, next_fast_len(len(sound)))[: len(sound)])


def _means(run: Run, added: np.ndarray, rate: float) -> np.ndarray:
    """float32 (T, 1): the mean from each sample to the next, from the running sum of what was loud, silence outside."""
    edges = (run.start + np.arange(len(run.data) + 1) / run.rate) * rate
    # Samples of the sound do not begin where those of the recording do; between two, the sum grows evenly.
    sums = np.interp(edges, np.arange(len(added)), added)
    return (np.diff(sums)[:, None] / (rate / run.rate)).astype(np.float32)
