"""What every reader does with its runs: leave out bad channels, put runs together, give them their transcripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from grounding.brain.readers.transcripts import take_words
from grounding.brain.recording import Recording, Run, Transcript
from grounding.errors import DataError


def without_bad_channels(recording: Recording) -> Recording:
    """Leave out, in all runs, each channel that holds NaN or infinity, or one value throughout, in any of them.

    What was left out is named with its reason in ``excluded``.

    Raises:
        DataError: no channel is left; the message tells the commonest reason.
    """
    reasons: dict[int, str] = {}
    for run in recording.runs:
        # A NaN spreads to the least and the greatest value, so no second copy of the data is needed to find it.
        least, greatest = run.data.min(axis=0), run.data.max(axis=0)
        finite = np.isfinite(least) & np.isfinite(greatest)
        for place in np.flatnonzero(~finite).tolist():
            count = int((~np.isfinite(run.data[:, place])).sum())
            reasons.setdefault(place, f"{count} of {len(run.data)} samples are not finite in run {run.name!r}")
        for place in np.flatnonzero(finite & (least == greatest)).tolist():
            reasons.setdefault(place, f"constant in run {run.name!r}")
    return without_channels(recording, {recording.channels[place]: reason for place, reason in reasons.items()})


def without_channels(recording: Recording, reasons: Mapping[str, str]) -> Recording:
    """Leave out these channels, named in ``excluded`` with the reasons given.

    Raises:
        DataError: no channel is left.
    """
    if not reasons:
        return recording
    keep = np.array([name not in reasons for name in recording.channels], dtype=bool)
    if not keep.any():
        name, reason = next(iter(reasons.items()))
        raise DataError(
            f"recording: none of the {len(recording.channels)} channels can be used ({name!r}: {reason}); cut bad "
            "stretches out of the recording before it is read"
        )
    return replace(
        recording,
        runs=tuple(replace(run, data=np.ascontiguousarray(run.data[:, keep])) for run in recording.runs),
        channels=tuple(name for name in recording.channels if name not in reasons),
        positions=None if recording.positions is None else recording.positions[keep],
        excluded={**recording.excluded, **reasons},
    )


def join(recordings: Sequence[Recording]) -> Recording:
    """One recording of the runs of several, each run kept apart from the others.

    Channels that one of them lacks or left out are left out of all, by name. Positions are those of the first for
    fMRI, where all must agree, and the mean over recordings otherwise; None where one has none.

    Raises:
        DataError: recordings of different kinds, no channel common to all, two runs of one name or with the same
            samples, or voxels of one name at different places.
    """
    if not recordings:
        raise DataError("recording: nothing to join, expected at least one recording")
    first = recordings[0]
    for other in recordings[1:]:
        if (other.kind, other.synthetic) != (first.kind, first.synthetic):
            raise DataError(
                f"run {other.runs[0].name!r}: {_description(other)}, the first run {_description(first)}; keep them "
                "apart"
            )
    have = [set(one.channels) for one in recordings]
    common = tuple(name for name in first.channels if all(name in names for names in have))
    if not common:
        raise DataError(
            f"recording: no channel is common to the runs {first.runs[0].name!r} … {recordings[-1].runs[-1].name!r}; "
            "electrodes that were placed for each subject are read one subject at a time"
        )
    excluded: dict[str, str] = {}
    for one in recordings:
        for name, reason in one.excluded.items():
            excluded.setdefault(name, reason)
    for lacking, names in zip(recordings, have, strict=True):
        for name in dict.fromkeys(name for one in recordings for name in one.channels if name not in names):
            excluded.setdefault(name, f"no such channel in run {lacking.runs[0].name!r}")
    places = [None if one.channels == common else _places(one.channels, common) for one in recordings]
    runs = [
        run if chosen is None else replace(run, data=run.data[:, chosen])
        for one, chosen in zip(recordings, places, strict=True)
        for run in one.runs
    ]
    _demand_distinct(runs)
    return replace(
        first,
        runs=tuple(runs),
        channels=common,
        positions=_joined_positions(recordings, places, common),
        excluded=excluded,
    )


def with_transcripts(
    recording: Recording,
    transcripts: Mapping[str, Transcript],
    *,
    starts: Mapping[str, float] | None = None,
    crop: bool = False,
) -> Recording:
    """Give each run the transcript of its name or, failing that, of its story.

    Args:
        transcripts: by run or by story.
        starts: by run or by story, the seconds that the transcript's clock shows when the file begins, such as
            {"alice": 20.0} where the first ten volumes of 2 s were thrown away; 0 where not named. They are added to
            ``Run.start``.
        crop: leave out words that begin before or end after their run, rather than refuse them; runs that are parts
            of one file need it.

    Raises:
        DataError: a run without transcript, or a transcript that reaches beyond its run; both lengths are named.
    """
    runs = []
    for run in recording.runs:
        key = run.name if run.name in transcripts else run.story
        if key not in transcripts:
            raise DataError(
                f"run {run.name!r}: no transcript for it or its story {run.story!r}; there are {', '.join(transcripts)}"
            )
        shift = 0.0 if starts is None else starts.get(run.name, starts.get(run.story, 0.0))
        # A scan stands for the whole time that it took, so a word may begin half of that before its moment.
        early = 0.5 / run.rate if recording.kind == "fmri" else 0.0
        runs.append(_with_transcript(replace(run, start=run.start + shift), transcripts[key], early, crop))
    empty = [run for run in runs if not len(run.transcript or ())]
    if len(empty) == len(runs):
        raise DataError(f"run {runs[0].name!r}: no word of its transcript lies in any run; give the right starts")
    return replace(recording, runs=tuple(runs))


def _with_transcript(run: Run, transcript: Transcript, early: float, crop: bool) -> Run:
    end = run.start + len(run.data) / run.rate
    begins = (transcript.onsets > run.start - early - 1e-9) & (transcript.onsets < end - 1e-9)
    # Alignments round the end of the last word, so a sample more is no contradiction.
    inside = begins & (transcript.offsets <= end + 1 / run.rate)
    if not inside.all() and not crop:
        raise DataError(
            f"run {run.name!r}: the recording lasts from {run.start:g} to {end:g} s and the transcript from "
            f"{transcript.onsets[0]:g} to {transcript.offsets.max():g} s; {int((~inside).sum())} of {len(transcript)} "
            "words lie outside; give the right start, or crop the transcript"
        )
    return replace(run, transcript=take_words(transcript, inside))


@dataclass(frozen=True)
class Acquired:
    """When a run was acquired: seconds on any clock that the runs of a subject share."""

    run: str
    subject: str
    begin: float
    seconds: float


def check_apart(acquired: Sequence[Acquired]) -> None:
    """Refuse runs of one subject that were acquired at overlapping times.

    Dates are often rounded, so up to a second is no overlap; and anonymised data sets often give each run one date,
    so runs with exactly the same begin are passed over (`join` finds the same samples under two names).

    Raises:
        DataError: two runs overlap, with both names and by how much.
    """
    for subject in dict.fromkeys(one.subject for one in acquired):
        runs = sorted((one for one in acquired if one.subject == subject), key=lambda one: (one.begin, one.run))
        for earlier, later in zip(runs, runs[1:], strict=False):
            overlap = earlier.begin + earlier.seconds - later.begin
            if later.begin > earlier.begin and overlap > 1.0:
                raise DataError(
                    f"runs {earlier.run!r} and {later.run!r} of subject {subject!r} overlap by {overlap:g} s; one of "
                    "them holds part of the other, or its acquisition time is wrong"
                )


def _demand_distinct(runs: Sequence[Run]) -> None:
    """The same samples under two names would be trained and tested on at once."""
    for place, run in enumerate(runs):
        for other in runs[:place]:
            same = run.data.shape == other.data.shape and np.array_equal(run.data[0], other.data[0])
            if same and np.array_equal(run.data, other.data):
                raise DataError(f"runs {other.name!r} and {run.name!r} hold the same samples; leave one of them out")


def _places(channels: Sequence[str], chosen: Sequence[str]) -> list[int]:
    place_of = {name: place for place, name in enumerate(channels)}
    return [place_of[name] for name in chosen]


def _joined_positions(
    recordings: Sequence[Recording], places: Sequence[list[int] | None], common: tuple[str, ...]
) -> np.ndarray | None:
    taken = [
        None if one.positions is None else one.positions if chosen is None else one.positions[chosen]
        for one, chosen in zip(recordings, places, strict=True)
    ]
    known = [positions for positions in taken if positions is not None]
    if len(known) != len(taken):
        return None
    if recordings[0].kind != "fmri":
        return np.asarray(np.mean(known, axis=0, dtype=np.float64), dtype=np.float32)
    for one, positions in zip(recordings, known, strict=True):
        if (far := np.flatnonzero(np.abs(positions - known[0]).max(axis=1) > 1e-4)).size:
            raise DataError(
                f"run {one.runs[0].name!r}: {common[far[0]]!r} lies at another place than in run "
                f"{recordings[0].runs[0].name!r}; bring the images onto one grid first"
            )
    return known[0]


def _description(recording: Recording) -> str:
    return f"is {'synthetic ' if recording.synthetic else ''}{recording.kind}"
