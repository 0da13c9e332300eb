"""From stories and layers to recordings: what the makers of fMRI, EEG and ECoG have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grounding.brain.features.resampling import kernel_sum
from grounding.brain.recording import Features, Kind, Recording, Run, Transcript
from grounding.brain.synthetic.layers import made_up_layers
from grounding.brain.synthetic.speech import loudness, spoken_for
from grounding.brain.synthetic.truth import Region, Simulation, Truth
from grounding.errors import InputError

LATENT = 3
"""Independent series by which a region follows its layer; its channels mix them."""

SOUND_STEP = 0.02
"""Seconds between the values of loudness that the sound's response is summed from."""


@dataclass(frozen=True)
class Response:
    """The response to an impulse: a function of the seconds since, and the span outside which it is 0."""

    kernel: Callable[[np.ndarray], np.ndarray]
    first: float
    last: float


@dataclass(frozen=True)
class Channels:
    """Where a recording is made.

    Attributes:
        names: C.
        positions: (C, 3) float32, metres.
        spread: for each region (k, C): how its k sources reach the channels; dense or scipy's sparse arrays.
        noise: (C, C), by which independent noise is mixed, with columns of length 1; None for independent noise.
    """

    names: tuple[str, ...]
    positions: np.ndarray
    spread: Sequence[Any]
    noise: np.ndarray | None = None


def one_source_each(sizes: Sequence[int]) -> list[Any]:
    """The spread of regions of these sizes whose channels have a source each and hear no other."""
    from scipy.sparse import eye_array

    ends = np.cumsum([0, *sizes])
    everything = eye_array(int(ends[-1]), format="csr")
    return [everything[first:last] for first, last in zip(ends[:-1], ends[1:], strict=True)]


@dataclass(frozen=True)
class Design:
    """What the three makers share; see `grounding.brain.synthetic.simulate_fmri` for the meaning of each."""

    stories: Mapping[str, Transcript]
    layers: tuple[Features, ...]
    regions: tuple[Region, ...]
    subjects: int
    repeats: int
    autocorrelation: float
    individuality: float
    seed: int

    def __post_init__(self) -> None:
        names = [region.name for region in self.regions]
        if not names or len(set(names)) < len(names):
            raise InputError(f"regions: {names}, expected at least one, each with its own name")
        for region in self.regions:
            if not 0 <= region.ceiling < 1 or (region.depth is not None and not 0 <= region.depth <= 1):
                raise InputError(
                    f"region {region.name!r}: ceiling {region.ceiling}, depth {region.depth}; expected a ceiling from "
                    "0 to below 1 and a depth from 0 to 1, or None"
                )
            if min(region.word_rate, region.sound) < 0 or region.word_rate + region.sound > 1:
                raise InputError(
                    f"region {region.name!r}: parts {region.word_rate} by word rate and {region.sound} by sound, "
                    "expected 0 and above and together at most 1"
                )
            if region.lag < 0:
                raise InputError(f"region {region.name!r}: lag {region.lag} s, expected 0 and above: after the word")
        if self.subjects < 1 or self.repeats < 1:
            raise InputError(f"{self.subjects} subjects, {self.repeats} repeats: expected at least 1 of each")
        if not 0 <= self.autocorrelation < 1 or not 0 <= self.individuality <= 1:
            raise InputError(
                f"autocorrelation {self.autocorrelation}, individuality {self.individuality}: expected the first from "
                "0 to below 1 and the second from 0 to 1"
            )

    def layer_of(self, region: Region) -> int:
        """The number of the region's layer, -1 for none."""
        return -1 if region.depth is None else round(region.depth * (len(self.layers) - 1))


def heard(
    transcripts: Mapping[str, Transcript] | None,
    layers: Sequence[Features] | None,
    *,
    stories: int,
    minutes: float,
    start: float,
    seed: int,
) -> tuple[dict[str, Transcript], tuple[Features, ...]]:
    """The transcripts by story and layers by word, as given or made up.

    Raises:
        InputError: layers without transcripts, or of another number of words.
    """
    if transcripts is None:
        if layers is not None:
            raise InputError("layers: given without transcripts; give the transcripts whose words they are for")
        if stories < 1:
            raise InputError(f"stories: {stories} found, expected at least 1")
        transcripts = {
            f"story{n + 1}": spoken_for(minutes, start=start, seed=_seeded(seed, 0, n)) for n in range(stories)
        }
    if layers is None:
        layers = made_up_layers(transcripts, seed=_seeded(seed, 1))
    for layer in layers:
        for story, transcript in transcripts.items():
            rows = len(layer.runs[story]) if story in layer.runs else None
            if rows != len(transcript):
                found = "none" if rows is None else f"{rows} rows"
                raise InputError(
                    f"features {layer.name!r}: {found} for story {story!r}, expected {len(transcript)}, one a word"
                )
    return dict(transcripts), tuple(layers)


def simulate(
    kind: Kind,
    design: Design,
    channels: Channels,
    *,
    rate: float,
    after: float,
    response: Callable[[float], Response],
    sound_lag: float,
    unit: float,
) -> Simulation:
    """Put the design into channels.

    Args:
        kind: of recording.
        design: what is planted.
        channels: where.
        rate: samples a second.
        after: seconds recorded after the last word.
        response: to an impulse, by the lag of a region.
        sound_lag: seconds, that of the response to sound.
        unit: what the standard deviation of the noise is in the units of the recording.
    """
    times = {
        story: np.arange(int(np.ceil((transcript.offsets[-1] + after) * rate))) / rate
        for story, transcript in design.stories.items()
    }
    sounds = _sound(design, times, rate)
    heard_sound = {
        story: kernel_sum(series, _fine(times[story], rate), times[story], *_unpacked(response(sound_lag)))
        for story, series in sounds.items()
    }
    drives = [_drive(design, number, times, response) for number in range(len(design.regions))]
    runs, signal = [], {}
    for subject in range(design.subjects):
        label = f"{subject + 1:02d}"
        planted = _signals(design, channels, drives, heard_sound, subject)
        for number, (story, transcript) in enumerate(design.stories.items()):
            clean = (planted[story] * unit).astype(np.float32)
            for repeat in range(design.repeats):
                name = f"sub-{label}_task-{story}" + (f"_run-{repeat + 1}" if design.repeats > 1 else "")
                noise = _noise(design, channels, len(clean), (subject, number, repeat)) * unit
                data = (clean + noise).astype(np.float32)
                runs.append(Run(name, data, rate, transcript, 0.0, label, story))
                signal[name] = clean
    recording = Recording(tuple(runs), channels.names, kind, True, channels.positions)
    return Simulation(
        recording,
        tuple(Features(layer.name, {run.name: layer.runs[run.story] for run in runs}) for layer in design.layers),
        Features("sound", {run.name: _by_sample(sounds[run.story], len(run.data)) for run in runs}),
        _truth(design, channels, signal, unit),
    )


def _truth(design: Design, channels: Channels, signal: dict[str, np.ndarray], unit: float) -> Truth:
    # Nearly 0 rather than 0 for a region that hears nothing: its own channels are still its own.
    strength = np.stack([np.sqrt(_power(region) + 1e-12) * np.asarray(abs(spread).sum(axis=0))
                         for region, spread in zip(design.regions, channels.spread, strict=True)])  # fmt: skip
    own = [design.regions[number] for number in strength.argmax(0)]
    samples = sum(len(clean) for clean in signal.values())
    power = sum(np.square(clean, dtype=np.float64).sum(0) for clean in signal.values()) / samples / unit**2
    return Truth(
        regions=tuple(region.name for region in own),
        layer=np.array([design.layer_of(region) if region.ceiling else -1 for region in own]),
        lag=np.array([region.lag for region in own]),
        ceiling=np.asarray(power / (power + 1)),
        word_rate=np.array([region.word_rate for region in own]),
        sound=np.array([region.sound for region in own]),
        signal=signal,
        autocorrelation=design.autocorrelation,
        individuality=design.individuality,
        seed=design.seed,
    )


def _power(region: Region) -> float:
    """Variance of the stimulus part where that of the noise is 1."""
    return region.ceiling / (1 - region.ceiling)


def _drive(
    design: Design, number: int, times: Mapping[str, np.ndarray], response: Callable[[float], Response]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """A region's latent series (T, LATENT) and its response to the mere number of words (T, 1), by story."""
    region = design.regions[number]
    by_word = {story: np.zeros((len(t), LATENT)) for story, t in design.stories.items()}
    if region.depth is not None:
        layer = design.layers[design.layer_of(region)]
        weights = np.random.default_rng([design.seed, 2, number]).standard_normal((layer.width, LATENT))
        mean = np.concatenate([layer.runs[story] for story in design.stories]).mean(0, dtype=np.float64)
        by_word = {story: (layer.runs[story] - mean) @ weights for story in design.stories}
    impulse = _unpacked(response(region.lag))
    answers = {
        story: kernel_sum(np.c_[by_word[story], np.ones(len(t))], t.onsets, times[story], *impulse)
        for story, t in design.stories.items()
    }
    latent = _standardised({story: series[:, :LATENT] for story, series in answers.items()})
    return latent, {story: series[:, LATENT:] for story, series in answers.items()}


def _signals(
    design: Design,
    channels: Channels,
    drives: Sequence[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]],
    sound: dict[str, np.ndarray],
    subject: int,
) -> dict[str, np.ndarray]:
    """The stimulus part of each story (T, C), where the noise has a standard deviation of 1."""
    total = {story: np.zeros((len(series), len(channels.names))) for story, series in sound.items()}
    sound = _standardised(sound)
    for number, (region, (latent, rate)) in enumerate(zip(design.regions, drives, strict=True)):
        spread = channels.spread[number]
        shape = (LATENT, spread.shape[0])
        shared = np.random.default_rng([design.seed, 3, number]).standard_normal(shape)
        own = np.random.default_rng([design.seed, 4, number, subject]).standard_normal(shape)
        mixing = np.sqrt(1 - design.individuality) * shared + np.sqrt(design.individuality) * own
        by_layer = _standardised({story: series @ mixing for story, series in latent.items()})
        by_rate = _standardised(rate)
        of_layer = np.sqrt(max(0.0, 1 - region.word_rate - region.sound))
        whole = _standardised({
            story: of_layer * series + np.sqrt(region.word_rate) * by_rate[story] + np.sqrt(region.sound) * sound[story]
            for story, series in by_layer.items()
        })  # fmt: skip
        for story, series in whole.items():
            total[story] += np.sqrt(_power(region)) * series @ spread
    return total


def _noise(design: Design, channels: Channels, samples: int, place: tuple[int, int, int]) -> np.ndarray:
    noise = autoregressive(
        samples, len(channels.names), design.autocorrelation, np.random.default_rng([design.seed, 5, *place])
    )
    return noise if channels.noise is None else noise @ channels.noise


def autoregressive(samples: int, channels: int, autocorrelation: float, generator: np.random.Generator) -> np.ndarray:
    """Stationary AR(1) noise with variance 1, (samples, channels) float64, independent between channels.

    Args:
        samples: how many.
        channels: how many.
        autocorrelation: at a lag of one sample, from 0 to below 1.
        generator: what it is drawn from.
    """
    from scipy.signal import lfilter

    drawn = generator.standard_normal((samples, channels))
    # The first sample is drawn from the stationary distribution, so the noise has no beginning.
    drawn[1:] *= np.sqrt(1 - autocorrelation**2)
    return lfilter([1.0], [1.0, -autocorrelation], drawn, axis=0)


def _sound(design: Design, times: Mapping[str, np.ndarray], rate: float) -> dict[str, np.ndarray]:
    """Loudness on a grid that is at least as fine as the recording, by story, (fine samples, 1)."""
    return {
        story: loudness(transcript, _fine(times[story], rate), seed=_seeded(design.seed, 6, number))
        for number, (story, transcript) in enumerate(design.stories.items())
    }


def _fine(times: np.ndarray, rate: float) -> np.ndarray:
    """Times of a grid with the same number of steps, at most SOUND_STEP apart, to each sample."""
    each = max(1, int(np.ceil(1 / rate / SOUND_STEP)))
    return np.arange(len(times) * each) / (rate * each)


def _by_sample(fine: np.ndarray, samples: int) -> np.ndarray:
    return fine.reshape(samples, -1).mean(1, keepdims=True).astype(np.float32)


def _standardised(series: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Mean 0 and variance 1 of each column over all stories; 0 where constant."""
    everything = np.concatenate(list(series.values()))
    mean, deviation = everything.mean(0), everything.std(0)
    varies = deviation > 1e-12
    return {story: np.where(varies, (x - mean) / np.where(varies, deviation, 1), 0) for story, x in series.items()}


def _unpacked(response: Response) -> tuple[Callable[[np.ndarray], np.ndarray], float, float]:
    return response.kernel, response.first, response.last


def _seeded(seed: int, *place: int) -> int:
    """Another seed for each place, so that no part's random numbers depend on how many another part draws."""
    return int(np.random.SeedSequence([seed, *place]).generate_state(1)[0])
