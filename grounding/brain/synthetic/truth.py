"""What was put into a synthetic recording, so that an analysis can be held against it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grounding.brain.recording import Features, Recording


@dataclass(frozen=True)
class Region:
    """A place in the brain and what drives it.

    Attributes:
        name: shown in tables.
        centre: x, y, z in metres; MNI space for fMRI and ECoG, head space for EEG.
        depth: which layer drives it, from 0 for the first to 1 for the last; None if words mean nothing to it.
        lag: seconds; of the peak after a word's onset, and for fMRI what is added to the haemodynamic delay.
        ceiling: of r2, the part of the variance of one presentation that the stimulus explains; 0 for noise alone.
            For EEG that of the sensor that hears the region best, if it heard no other.
        word_rate: the part of the explained variance that is the mere number of words.
        sound: the part of it that is the loudness.
    """

    name: str
    centre: tuple[float, float, float]
    depth: float | None
    lag: float = 0.0
    ceiling: float = 0.2
    word_rate: float = 0.15
    sound: float = 0.1


@dataclass(frozen=True)
class Truth:
    """What was planted, by channel.

    Attributes:
        regions: C names; of an EEG sensor, that which it hears best.
        layer: (C,) int64, the number of the layer that drives it, -1 for none.
        lag: (C,) float64, seconds.
        ceiling: (C,) float64, of r2 in one presentation: var(stimulus part) / (var(stimulus part) + var(noise)), with
            the first from the recording itself (mean over subjects) and the second from its definition.
        word_rate: (C,) float64, the part of the stimulus part's variance that was made from the number of words.
        sound: (C,) float64, that from the loudness. The remainder is the layer's.
        signal: by run name, (T, C) float32, the stimulus part alone, in the units of the recording.
        autocorrelation: of the noise at a lag of one sample; the noise is autoregressive of order 1.
        individuality: from 0, all subjects have the same responses, to 1, each has its own.
        seed: that all of it came from.
    """

    regions: tuple[str, ...]
    layer: np.ndarray
    lag: np.ndarray
    ceiling: np.ndarray
    word_rate: np.ndarray
    sound: np.ndarray
    signal: Mapping[str, np.ndarray]
    autocorrelation: float
    individuality: float
    seed: int


@dataclass(frozen=True)
class Simulation:
    """A synthetic recording and everything needed to analyse and to judge it.

    Attributes:
        recording: with ``synthetic=True``.
        layers: of the stimulus, a row a word of the run's transcript.
        sound: loudness, a row a sample.
        truth: what was planted.
    """

    recording: Recording
    layers: tuple[Features, ...]
    sound: Features
    truth: Truth
