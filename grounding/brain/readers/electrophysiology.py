"""EEG, MEG and intracranial recordings and epochs, from files or objects of MNE-Python; volts, as MNE has them."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.brain.readers.runs import without_bad_channels
from grounding.brain.readers.tables import existing_file
from grounding.brain.recording import Epochs, Kind, Recording, Run, Transcript
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError

if TYPE_CHECKING:
    import mne

# The channel types of MNE that make up each kind of recording.
CHANNEL_TYPES: dict[Kind, tuple[str, ...]] = {
    "ecog": ("ecog", "seeg", "dbs"),
    "meg": ("mag", "grad"),
    "eeg": ("eeg",),
}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MNE and its kin from printing and warning; what matters is raised or reported by name instead."""
    import mne

    with warnings.catch_warnings(), mne.utils.use_log_level("error"):
        warnings.simplefilter("ignore")
        yield


def read_raw(
    source: "str | Path | mne.io.BaseRaw",
    *,
    name: str | None = None,
    subject: str = "",
    story: str = "",
    kind: Kind | None = None,
) -> Recording:
    """One continuous file as a recording of one run, or of one run for each unbroken part of it.

    A file is parted where its annotations say that samples do not follow each other: pieces joined by MNE ("BAD
    boundary"), cuts of EEGLAB ("boundary"), pauses of BrainVision ("New Segment/") and gaps ("BAD_ACQ_SKIP", whose
    samples are left out). The parts are named NAME_part-1 and so on, share one clock, which begins with the file, and
    one story. Channels of the kind that are marked bad, not finite or constant are left out and named in
    ``excluded``; channels of other types are not read. Words are added by `with_transcripts`.

    Args:
        source: any file that `mne.io.read_raw` knows (FIF, EDF, BDF, BrainVision, EEGLAB, …), or a Raw object.
        name: of the run; the file's name without ending unless given.
        subject: who.
        story: what was heard; the run's name unless given.
        kind: needed where the file holds EEG beside MEG or electrodes in the brain.

    Raises:
        DataError: a file that is missing, empty or unreadable, or no channel of the kind.
        InputError: several kinds of channel and none chosen, or an object without a name.

    Example:
        >>> recording = read_raw("sub-01_raw.fif", subject="01", story="alice")
        >>> recording = with_transcripts(recording, {"alice": read_transcript("alice.TextGrid")})
    """
    raw = _opened(source)
    name = _name(source, name)
    kind = _kind(name, raw.get_channel_types(), kind)
    types = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    picked = [one for one in raw.ch_names if types[one] in CHANNEL_TYPES[kind]]
    excluded = {one: f"marked bad in run {name!r}" for one in raw.info["bads"] if one in picked}
    channels = tuple(one for one in picked if one not in excluded)
    if not channels:
        raise DataError(f"run {name!r}: all {len(picked)} channels are marked bad, expected at least one good")
    rate = float(raw.info["sfreq"])
    parts = unbroken(raw)
    runs = []
    for number, (first, last) in enumerate(parts, 1):
        try:
            with quiet():
                data = raw.get_data(picks=list(channels), start=first, stop=last).T.astype(np.float32, order="C")
        except Exception as error:  # data are read only now, so a file that breaks off is found out here
            raise DataError(f"run {name!r}: the samples cannot be read by MNE ({_first_line(error)})") from error
        part = name if len(parts) == 1 else f"{name}_part-{number}"
        runs.append(Run(part, data, rate, start=first / rate, subject=subject, story=story or name))
    positions = _positions(raw, channels, kind)
    return without_bad_channels(Recording(tuple(runs), channels, kind, positions=positions, excluded=excluded))


def annotated_words(source: "str | Path | mne.io.BaseRaw", *, prefix: str = "") -> Transcript:
    """The annotations of a raw file as a transcript on the file's clock, for files whose events are the words.

    Args:
        prefix: keep the annotations that begin with it, such as "word/", and take it off.

    Raises:
        DataError: no annotation is left; the message lists what there is.
    """
    raw = _opened(source)
    kept = [one for one in raw.annotations if one["description"].startswith(prefix) and not _is_break(one)]
    if not kept:
        there = ", ".join(sorted(set(raw.annotations.description.tolist()))) or "none"
        raise DataError(f"raw: no annotation begins with {prefix!r}; there are {there}")
    onsets = np.array([one["onset"] for one in kept]) - raw.first_time
    lengths = np.array([one["duration"] for one in kept])
    return Transcript(tuple(str(one["description"])[len(prefix) :] for one in kept), onsets, onsets + lengths)


def read_epochs(
    source: "str | Path | mne.BaseEpochs",
    *,
    name: str | None = None,
    subject: str = "",
    story: str = "",
    kind: Kind | None = None,
    words: str | None = None,
) -> Epochs:
    """Epochs that were made before, from MNE's ``-epo.fif``, EEGLAB's ``.set`` or an Epochs object.

    Args:
        name: of the run; the file's name without ending unless given.
        words: column of the metadata that holds the words; the names of the events where None.

    Returns:
        Epochs whose ``rows.index`` is the place among the events before any was dropped, and ``dropped`` tells how
        many were, by MNE's reason. Channels marked bad are not in them.

    Raises:
        DataError: unreadable, without epochs or channels of the kind, or a channel that is not finite or constant.
        InputError: no such column, or several kinds of channel and none chosen.
    """
    epochs = _opened_epochs(source)
    name = _name(source, name)
    types = epochs.get_channel_types()
    kind = _kind(name, types, kind)
    channels = [
        one
        for one, type_ in zip(epochs.ch_names, types, strict=True)
        if type_ in CHANNEL_TYPES[kind] and one not in epochs.info["bads"]
    ]
    if not channels or not len(epochs):
        raise DataError(f"epochs {name!r}: {len(epochs)} epochs of {len(channels)} good channels, expected some")
    with quiet():
        data = epochs.get_data(picks=channels).astype(np.float32)
    bad = ~np.isfinite(data).all(axis=(0, 2)) | (np.ptp(data, axis=(0, 2)) == 0)
    if bad.any():
        culprits = ", ".join(one for one, is_bad in zip(channels, bad.tolist(), strict=True) if is_bad)
        raise DataError(f"epochs {name!r}: not finite or constant: {culprits}; mark them bad (epochs.info['bads'])")
    names = {code: event for event, code in epochs.event_id.items()}
    if words is None:
        labels = [names[code] for code in epochs.events[:, 2].tolist()]
    elif epochs.metadata is not None and words in epochs.metadata:
        labels = epochs.metadata[words].astype(str).tolist()
    else:
        there = "none" if epochs.metadata is None else ", ".join(epochs.metadata.columns)
        raise InputError(f"epochs {name!r}: no metadata column {words!r}; there are {there}")
    dropped: dict[str, int] = {}
    for reasons in epochs.drop_log:
        if reasons and reasons != ("IGNORED",):
            dropped[reasons[0]] = dropped.get(reasons[0], 0) + 1
    rows = Rows.of_run(
        name,
        epochs.events[:, 0] / epochs.info["sfreq"],
        index=epochs.selection,
        story=story or name,
        subject=subject,
        word=labels,
    )
    lags = epochs.times.astype(np.float64)
    positions = _positions(epochs, channels, kind)
    excluded = {one: "marked bad" for one in epochs.ch_names if one in epochs.info["bads"]}
    return Epochs(data, lags, rows, tuple(channels), kind, positions=positions, dropped=dropped, excluded=excluded)


def unbroken(raw: "mne.io.BaseRaw") -> list[tuple[int, int]]:
    """The first and one past the last sample of each stretch of a raw file without a break in its annotations."""
    rate, length = raw.info["sfreq"], len(raw.times)
    breaks = []
    for one in raw.annotations:
        if _is_break(one):
            first = int(round((one["onset"] - raw.first_time) * rate))
            # EEGLAB gives a cut the length of what was cut out, which is no longer in the file.
            skipped = int(round(one["duration"] * rate)) if "ACQ_SKIP" in one["description"].upper() else 0
            breaks.append((first, first + skipped))
    parts, begin = [], 0
    for first, last in [*sorted(breaks), (length, length)]:
        if first > begin:
            parts.append((begin, min(first, length)))
        begin = max(begin, last)
    return parts


def _is_break(annotation: Any) -> bool:
    description = annotation["description"].strip().upper()
    return description in ("BAD BOUNDARY", "EDGE BOUNDARY", "BOUNDARY", "NEW SEGMENT/", "BAD_ACQ_SKIP")


def _opened(source: Any) -> Any:
    import mne

    if isinstance(source, mne.io.BaseRaw):
        return source
    path = Path(source) if Path(source).is_dir() else existing_file(source, "a recording that MNE reads")
    try:
        with quiet():
            return mne.io.read_raw(path, preload=False)
    except Exception as error:  # each of MNE's many readers raises what its format stumbles on
        raise DataError(f"{path}: cannot be read by MNE ({_first_line(error)})") from error


def _opened_epochs(source: Any) -> Any:
    import mne

    if isinstance(source, mne.BaseEpochs):
        return source
    path = existing_file(source, "epochs in a -epo.fif or .set file")
    read = mne.read_epochs_eeglab if path.suffix.lower() == ".set" else mne.read_epochs
    try:
        with quiet():
            return read(path)
    except Exception as error:  # as above
        raise DataError(f"{path}: cannot be read as MNE epochs ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _name(source: Any, name: str | None) -> str:
    if name is not None:
        return name
    if isinstance(source, str | Path):
        return Path(source).name.split(".")[0]
    files = [one for one in getattr(source, "filenames", ()) if one is not None]
    if not files:
        raise InputError("raw or epochs: an object that comes from no file has no name; give name=")
    return Path(files[0]).name.split(".")[0]


def _kind(name: str, types: Sequence[str], kind: Kind | None) -> Kind:
    found: list[Kind] = [one for one, wanted in CHANNEL_TYPES.items() if set(wanted) & set(types)]
    if kind is None:
        if len(found) > 1:
            raise InputError(f"run {name!r}: it has channels of {', '.join(found)}; choose one by kind=")
        if found:
            return found[0]
    elif kind in found:
        return kind
    wanted = "eeg, mag, grad, ecog, seeg or dbs" if kind is None else " or ".join(CHANNEL_TYPES.get(kind, (kind,)))
    raise DataError(f"run {name!r}: channels of type {', '.join(sorted(set(types)))} found, expected {wanted}")


def _positions(instance: Any, channels: Sequence[str], kind: Kind) -> np.ndarray | None:
    """(C, 3) float32: electrodes in the brain only where they are in MNI space, others in MNE's head space."""
    if kind == "ecog":
        montage = instance.get_montage()
        if montage is None or montage.get_positions()["coord_frame"] != "mni_tal":
            return None
        places = montage.get_positions()["ch_pos"]
        found = np.array([places.get(one, np.full(3, np.nan)) for one in channels], dtype=np.float32)
    else:
        index = {one: place for place, one in enumerate(instance.ch_names)}
        found = np.array([instance.info["chs"][index[one]]["loc"][:3] for one in channels], dtype=np.float32)
    # Zeros stand for unknown in older files.
    return found if np.isfinite(found).all() and found.any(axis=1).all() else None
