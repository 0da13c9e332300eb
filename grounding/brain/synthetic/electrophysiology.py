"""Synthetic EEG and ECoG of people who hear stories."""

from collections.abc import Mapping, Sequence

import numpy as np

from grounding.brain.recording import Features, Transcript
from grounding.brain.synthetic.planting import Channels, Design, Response, heard, one_source_each, simulate
from grounding.brain.synthetic.truth import Region, Simulation
from grounding.errors import InputError

MONTAGE = "biosemi64"
"""The standard montage of MNE-Python that the EEG sensors are those of."""

EEG_REGIONS = (
    Region("auditory", (0.0, 0.037, 0.128), None, 0.10, ceiling=0.06, word_rate=0.3, sound=0.7),
    Region("left temporal", (-0.090, -0.029, 0.037), 0.4, 0.25, ceiling=0.04),
    Region("centro-parietal", (0.0, -0.052, 0.118), 1.0, 0.40, ceiling=0.06, word_rate=0.1, sound=0.0),
)
"""A response to sound at FCz, one to words at TP7, and the N400 between CPz and Pz, in head space."""

ECOG_REGIONS = (
    Region("mSTG", (-0.062, -0.020, 0.002), 0.2, 0.10, ceiling=0.12),
    Region("aSTG", (-0.056, 0.004, -0.010), 0.5, 0.20, ceiling=0.10),
    Region("TP", (-0.044, 0.016, -0.028), 0.75, 0.30, ceiling=0.08),
    Region("IFG", (-0.052, 0.026, 0.010), 1.0, 0.40, ceiling=0.08),
    Region("precentral", (-0.052, -0.006, 0.044), None, ceiling=0.0),
)
"""Deeper layers later, along the ventral stream, as Goldstein et al. (2025) find; the last hears nothing."""

SPREAD = 0.04
"""Metres on the scalp over which a source, or noise, falls to exp(-1/2)."""

WIDTH = 0.06
"""Seconds, the standard deviation of the Gaussian response to a word."""

VOLTS = 1e-5
"""Standard deviation of the noise: 10 microvolts."""


def simulate_eeg(
    layers: Sequence[Features] | None = None,
    transcripts: Mapping[str, Transcript] | None = None,
    *,
    stories: int = 4,
    minutes: float = 4.0,
    rate: float = 100.0,
    regions: Sequence[Region] = EEG_REGIONS,
    subjects: int = 1,
    repeats: int = 1,
    autocorrelation: float = 0.9,
    individuality: float = 0.5,
    seed: int = 0,
) -> Simulation:
    """64 sensors over sources that answer each word after a lag, in spatially smooth AR(1) noise, in volts.

    A source answers with a Gaussian of 60 ms whose peak comes at its lag and whose height is its own combination of
    the layer's columns; all sensors hear it, the less the further away they are.

    Args:
        layers: as of `simulate_fmri`, as are all arguments that are not named here.
        transcripts: by story.
        stories: how many to make up.
        minutes: length of each.
        rate: samples a second.
        regions: sources; see `Region` for the meaning of their ceiling.
        subjects: who share the regions' series and, by 1 - ``individuality``, the sources' mixtures of them.
        repeats: how often each story is heard.
        autocorrelation: of the noise from one sample to the next.
        individuality: of the sources' mixtures.
        seed: of everything.

    Raises:
        InputError: as `simulate_fmri`.
    """
    design = _design(layers, transcripts, stories, minutes, rate, regions, subjects, repeats, autocorrelation,
                     individuality, seed)  # fmt: skip
    names, positions = _standard_sensors()
    spread = [_nearness(np.array([region.centre]), positions) for region in design.regions]
    noise = _nearness(positions, positions)
    channels = Channels(
        names, positions.astype(np.float32), [one / one.max() for one in spread], noise / np.linalg.norm(noise, axis=0)
    )
    return simulate("eeg", design, channels, rate=rate, after=1.5, response=_hump, sound_lag=0.1, unit=VOLTS)


def simulate_ecog(
    layers: Sequence[Features] | None = None,
    transcripts: Mapping[str, Transcript] | None = None,
    *,
    stories: int = 4,
    minutes: float = 4.0,
    rate: float = 100.0,
    regions: Sequence[Region] = ECOG_REGIONS,
    electrodes: int = 10,
    subjects: int = 1,
    repeats: int = 1,
    autocorrelation: float = 0.8,
    individuality: float = 0.5,
    seed: int = 0,
) -> Simulation:
    """Electrodes on the left cortex: the amplitude of high gamma as it is analysed, not the raw voltage.

    As `simulate_eeg`, but an electrode hears its own region alone, by its own mixture of the region's series, and the
    noise is independent between electrodes. Deeper layers come later.

    Args:
        layers: as of `simulate_fmri`, as are all arguments that are not named here.
        transcripts: by story.
        stories: how many to make up.
        minutes: length of each.
        rate: samples a second.
        regions: what is planted where, in MNI space.
        electrodes: in each region, 4 mm apart on a patch.
        subjects: who share the regions' series and, by 1 - ``individuality``, the electrodes' mixtures of them.
        repeats: how often each story is heard.
        autocorrelation: of the noise from one sample to the next.
        individuality: of the electrodes' mixtures.
        seed: of everything.

    Raises:
        InputError: as `simulate_fmri`.
    """
    if electrodes < 1:
        raise InputError(f"electrodes: {electrodes} found, expected at least 1 in each region")
    design = _design(layers, transcripts, stories, minutes, rate, regions, subjects, repeats, autocorrelation,
                     individuality, seed)  # fmt: skip
    names = tuple(f"{region.name}-{n + 1}" for region in design.regions for n in range(electrodes))
    positions = np.concatenate([_patch(region.centre, electrodes) for region in design.regions])
    spread = one_source_each([electrodes] * len(design.regions))
    channels = Channels(names, positions.astype(np.float32), spread)
    return simulate("ecog", design, channels, rate=rate, after=1.5, response=_hump, sound_lag=0.1, unit=VOLTS)


def _design(
    layers: Sequence[Features] | None,
    transcripts: Mapping[str, Transcript] | None,
    stories: int,
    minutes: float,
    rate: float,
    regions: Sequence[Region],
    subjects: int,
    repeats: int,
    autocorrelation: float,
    individuality: float,
    seed: int,
) -> Design:
    if not (np.isfinite(rate) and rate >= 20):
        raise InputError(f"rate: {rate} samples a second, expected at least 20, to hold a response of {WIDTH} s")
    heard_stories, by_word = heard(transcripts, layers, stories=stories, minutes=minutes, start=1.0, seed=seed)
    return Design(heard_stories, by_word, tuple(regions), subjects, repeats, autocorrelation, individuality, seed)


def _hump(lag: float) -> Response:
    """A Gaussian around the lag, cut off 4 standard deviations away."""
    return Response(lambda seconds: np.exp(-(((seconds - lag) / WIDTH) ** 2) / 2), lag - 4 * WIDTH, lag + 4 * WIDTH)


def _standard_sensors() -> tuple[tuple[str, ...], np.ndarray]:
    """Names and positions (64, 3) in head space."""
    import mne

    montage = mne.channels.make_standard_montage(MONTAGE)
    info = mne.create_info(montage.ch_names, 100.0, "eeg", verbose="error").set_montage(montage, verbose="error")
    return tuple(info.ch_names), np.stack([channel["loc"][:3] for channel in info["chs"]])


def _nearness(sources: np.ndarray, sensors: np.ndarray) -> np.ndarray:
    """(k, C), from 0 to 1."""
    distance = np.linalg.norm(sources[:, None] - sensors, axis=-1)
    return np.exp(-((distance / SPREAD) ** 2) / 2)


def _patch(centre: tuple[float, float, float], count: int) -> np.ndarray:
    """(count, 3) metres: a square patch parallel to the side of the head, 4 mm between electrodes."""
    side = int(np.ceil(np.sqrt(count)))
    steps = (np.arange(side) - (side - 1) / 2) * 0.004
    y, z = np.meshgrid(steps, steps, indexing="ij")
    return np.asarray(centre) + np.stack([np.zeros(side * side), y.ravel(), z.ravel()], axis=1)[:count]
