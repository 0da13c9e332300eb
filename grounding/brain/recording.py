"""A recording: the runs of one or more subjects, with what was heard or read meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError

Kind = Literal["fmri", "eeg", "ecog", "meg"]


@dataclass(frozen=True)
class Transcript:
    """The words of a stimulus and when each began and ended.

    Attributes:
        words: W words, as written.
        onsets: (W,) float64, seconds on the stimulus's clock, never falling.
        offsets: (W,) float64, seconds; each at or after its onset.
        sentences: (W,) int64, the number of each word's sentence, or None where it is not known.
    """

    words: tuple[str, ...]
    onsets: np.ndarray
    offsets: np.ndarray
    sentences: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("onsets", "offsets", "sentences"):
            values = getattr(self, name)
            if values is not None and values.shape != (len(self.words),):
                raise InputError(f"transcript: {name} {values.shape}, expected ({len(self.words)},), one for each word")
        for name in ("onsets", "offsets"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"transcript: {name} hold a value that is not finite")
        if (falls := np.flatnonzero(np.diff(self.onsets) < 0)).size:
            place = int(falls[0]) + 1
            raise InputError(f"transcript: word {place} ({self.words[place]!r}) begins before the word in front of it")
        if (ends := np.flatnonzero(self.offsets < self.onsets)).size:
            place = int(ends[0])
            raise InputError(f"transcript: word {place} ({self.words[place]!r}) ends before it begins")

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class Run:
    """One stretch of recording without a break.

    Attributes:
        name: unique within a recording.
        data: (T, C) float32, samples by channels; channels are voxels, regions, electrodes or sensors.
        rate: samples a second; 1 / TR for fMRI.
        transcript: what was heard or read, or None.
        start: seconds on the transcript's clock at the first sample.
        subject: who; "" where there is only one.
        story: what was heard; runs that share a stimulus share it. The run's name unless given.
        confounds: (T, K) float32 nuisance series such as head motion, or None.
    """

    name: str
    data: np.ndarray
    rate: float
    transcript: Transcript | None = None
    start: float = 0.0
    subject: str = ""
    story: str = ""
    confounds: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.data.ndim != 2 or not len(self.data):
            raise DataError(f"run {self.name!r}: data {self.data.shape}, expected (samples, channels)")
        if not (np.isfinite(self.rate) and self.rate > 0):
            raise DataError(f"run {self.name!r}: rate {self.rate}, expected samples a second above 0")
        if self.confounds is not None and (self.confounds.ndim != 2 or len(self.confounds) != len(self.data)):
            raise DataError(
                f"run {self.name!r}: confounds {self.confounds.shape}, expected ({len(self.data)}, K), a row a sample"
            )
        if not self.story:
            object.__setattr__(self, "story", self.name)

    @property
    def times(self) -> np.ndarray:
        """(T,) float64: seconds of each sample on the transcript's clock."""
        return self.start + np.arange(len(self.data)) / self.rate

    @property
    def rows(self) -> Rows:
        """A row for each sample."""
        return Rows.of_run(self.name, self.times, story=self.story, subject=self.subject)


@dataclass(frozen=True)
class Recording:
    """Runs with the same channels.

    Attributes:
        runs: with distinct names.
        channels: C names.
        kind: of recording.
        synthetic: whether a generator made it; every output says so.
        positions: (C, 3) float32 in metres where known (MNI space for fMRI and ECoG, head space for EEG), else None.
        excluded: what was left out and why, such as {"Fp1": "constant in run 'run-2'"}.
    """

    runs: tuple[Run, ...]
    channels: tuple[str, ...]
    kind: Kind
    synthetic: bool = False
    positions: np.ndarray | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.runs:
            raise DataError("recording: no run found, expected at least one")
        names = [run.name for run in self.runs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"recording: two runs are named {twice[0]!r}; give each its own name")
        for run in self.runs:
            if run.data.shape[1] != len(self.channels):
                raise DataError(
                    f"run {run.name!r}: {run.data.shape[1]} channels found, expected {len(self.channels)} as named"
                )
        if self.positions is not None and self.positions.shape != (len(self.channels), 3):
            raise DataError(f"recording: positions {self.positions.shape}, expected ({len(self.channels)}, 3)")

    def responses(self) -> "Responses":
        """All samples of all runs, one run behind the other, ready for an encoding model."""
        data = np.concatenate([run.data for run in self.runs]) if len(self.runs) > 1 else self.runs[0].data
        rows = Rows.joined([run.rows for run in self.runs])
        return Responses(data, rows, self.channels, self.kind, self.synthetic, self.excluded)


@dataclass(frozen=True)
class Responses:
    """What an encoding model predicts.

    Attributes:
        data: (n, v) float32, rows by targets; may be memory-mapped.
        rows: what the n rows are.
        targets: v names.
        kind: of the recording.
        synthetic: whether a generator made it.
        excluded: channels that were left out and why, as in `Recording`.
    """

    data: np.ndarray
    rows: Rows
    targets: tuple[str, ...]
    kind: Kind
    synthetic: bool = False
    excluded: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.data.shape != (len(self.rows), len(self.targets)):
            raise InputError(f"responses: {self.data.shape}, expected ({len(self.rows)}, {len(self.targets)})")


@dataclass(frozen=True)
class Epochs:
    """Stretches of a recording around words.

    Attributes:
        data: (n, C, L) float32, words by channels by lags.
        lags: (L,) float64, seconds after the word's onset.
        rows: what the n words are; ``rows.index`` is the word's place in its run's transcript.
        channels: C names.
        kind: of the recording.
        synthetic: whether a generator made it.
        positions: (C, 3) float32 as in `Recording`, or None.
        dropped: how many words were left out, by reason.
        excluded: channels that were left out and why, as in `Recording`.
    """

    data: np.ndarray
    lags: np.ndarray
    rows: Rows
    channels: tuple[str, ...]
    kind: Kind
    synthetic: bool = False
    positions: np.ndarray | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expected = (len(self.rows), len(self.channels), len(self.lags))
        if self.data.shape != expected:
            raise InputError(f"epochs: {self.data.shape}, expected {expected}, words by channels by lags")

    def mean(self, first: float, last: float) -> Responses:
        """The mean over the lags from ``first`` to ``last`` seconds, both included, such as 0.3 to 0.5 (N400)."""
        chosen = (self.lags >= first - 1e-9) & (self.lags <= last + 1e-9)
        if not chosen.any():
            raise InputError(
                f"window {first} to {last} s: no lag lies in it; there are {self.lags[0]:.3f} to {self.lags[-1]:.3f} s"
            )
        means = self.data[:, :, chosen].mean(2)
        return Responses(means, self.rows, self.channels, self.kind, self.synthetic, self.excluded)


@dataclass(frozen=True)
class Features:
    """A stimulus series: for each run one row a sample (or a word, for word-locked responses), before any delay.

    Attributes:
        name: shown in tables, such as "MiniLM layer 4".
        runs: (T, p) float32 by run name.
    """

    name: str
    runs: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        widths = {name: data.shape[1:] for name, data in self.runs.items()}
        if not widths or any(len(width) != 1 for width in widths.values()) or len(set(widths.values())) > 1:
            raise InputError(
                f"features {self.name!r}: widths {widths}, expected (rows, p) with the same p for each run"
            )

    @property
    def width(self) -> int:
        """How many columns."""
        return next(iter(self.runs.values())).shape[1]

    def matrix(self, rows: Rows) -> np.ndarray:
        """(n, p) float32: the features of these rows, matched by run and index.

        Raises:
            InputError: a run without features, or rows beyond their end.
        """
        matrix = np.empty((len(rows), self.width), dtype=np.float32)
        for run, places in rows.runs().items():
            if run not in self.runs:
                raise InputError(f"features {self.name!r}: none for run {run!r}; there are {', '.join(self.runs)}")
            if (last := int(rows.index[places[-1]])) >= len(self.runs[run]):
                raise InputError(
                    f"features {self.name!r}: {len(self.runs[run])} rows for run {run!r}, expected more than {last}"
                )
            matrix[places] = self.runs[run][rows.index[places]]
        return matrix


def beside(name: str, features: Sequence[Features]) -> Features:
    """Several features side by side as one, for the runs of the first."""
    if not features:
        raise InputError(f"features {name!r}: nothing to put side by side")
    return Features(name, {run: np.hstack([one.runs[run] for one in features]) for run in features[0].runs})
