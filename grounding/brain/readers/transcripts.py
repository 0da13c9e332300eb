"""Word-timed transcripts from tables, BIDS events, Praat TextGrids and the JSON of aligners and recognisers."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.readers.tables import MISSING, existing_file, numbers, read_columns
from grounding.brain.recording import Transcript
from grounding.errors import DataError, InputError

# What forced aligners write where nobody speaks; compared without case.
SILENCES = ("", "sp", "sil", "spn", "<p:>", "<sil>", "<eps>", "{ns}", "{lg}", "{cg}", "{br}", "#")


def read_transcript(path: str | Path, *, words: str = "word", tier: str | None = None) -> Transcript:
    """Read a transcript, by the ending of its name.

    Args:
        path: ``.tsv`` or ``.csv`` with the columns ``onset``, ``duration`` or ``offset``, and the words;
            ``.TextGrid``; or ``.json``.
        words: the column of the words in a table, or the key of the word in JSON.
        tier: of a TextGrid; needed where there are several interval tiers and none is named ``word`` or ``words``.

    Raises:
        DataError: the file is missing, empty, not of its kind, or its times are out of order, with the place.
        InputError: another ending.

    Example:
        >>> read_transcript("alice.TextGrid").words[:3]
        ('Alice', 'was', 'beginning')
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".tsv", ".csv"):
        return _from_table(path, words)
    if suffix == ".textgrid":
        return read_textgrid(path, tier=tier)
    if suffix == ".json":
        return read_json(path, words=words)
    raise InputError(f"{path}: no transcript is read from {suffix or 'no ending'}; expected .tsv .csv .TextGrid .json")


def read_events(
    path: str | Path, *, words: str = "word", types: Sequence[str] | None = None, type_column: str = "trial_type"
) -> Transcript:
    """The words of a BIDS ``_events.tsv``, on the clock of the recording (0 s is its first sample).

    Rows without an onset or a word (n/a) are passed over, and rows are put in order of time, since BIDS does not
    promise any; a missing duration counts as 0.

    Args:
        words: the column that holds the words, such as "word", "stimulus" or, where each event is one, "trial_type".
        types: keep only the rows whose ``type_column`` is one of these.
        type_column: column that tells kinds of event apart.

    Raises:
        DataError: no file, no such column, no row left, or a time that is no number.
    """
    columns = read_columns(path, "a BIDS events table")
    needed = ["onset", words] + ([] if types is None else [type_column])
    _demand(path, columns, needed)
    keep = [
        place
        for place, (onset, word) in enumerate(zip(columns["onset"], columns[words], strict=True))
        if onset not in MISSING and word not in MISSING and (types is None or columns[type_column][place] in types)
    ]
    if not keep:
        chosen = "" if types is None else f" with {type_column} one of {', '.join(types)}"
        raise DataError(f"{path}: no event{chosen} has an onset and a value in column {words!r}")
    onset = numbers(path, "onset", columns["onset"], missing=True)[keep]
    cells = columns.get("duration", ["0"] * len(columns["onset"]))
    duration = np.nan_to_num(numbers(path, "duration", cells, missing=True)[keep], nan=0.0)
    if (duration < 0).any():
        place = keep[int(np.argmax(duration < 0))]
        raise DataError(f"{path}, row {place + 2}: duration {cells[place]} found, expected 0 or more seconds")
    order = np.argsort(onset, kind="stable")
    return Transcript(
        words=tuple(columns[words][keep[place]] for place in order),
        onsets=onset[order],
        offsets=(onset + duration)[order],
    )


def read_textgrid(path: str | Path, *, tier: str | None = None, silences: Sequence[str] = SILENCES) -> Transcript:
    """The intervals of one tier of a Praat TextGrid, in its long or short form.

    Args:
        tier: name; where None, the tier named ``word`` or ``words`` in any case, or the only interval tier.
        silences: labels, compared without case, that are no words.

    Raises:
        DataError: not a TextGrid, no such tier, or no word in it.
    """
    from praatio import textgrid
    from praatio.utilities.constants import INTERVAL_TIER

    path = existing_file(path, "a Praat TextGrid")
    try:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="silence")
    except Exception as error:  # praatio raises whatever its parsing stumbles on
        raise DataError(f"{path}: cannot be read as a Praat TextGrid ({error})") from error
    tiers = [name for name in grid.tierNames if grid.getTier(name).tierType == INTERVAL_TIER]
    chosen = [name for name in tiers if (name == tier if tier is not None else name.lower() in ("word", "words"))]
    if tier is None and not chosen and len(tiers) == 1:
        chosen = tiers
    if len(chosen) != 1:
        wanted = f"no interval tier named {tier!r}" if tier is not None else "no single tier named word or words"
        raise DataError(f"{path}: {wanted}; there are {', '.join(tiers) or 'none'}; give tier=")
    silent = {label.lower() for label in silences}
    spoken = [one for one in grid.getTier(chosen[0]).entries if one.label.strip().lower() not in silent]
    return _transcript(
        path, [one.label.strip() for one in spoken], [one.start for one in spoken], [one.end for one in spoken]
    )


def read_json(path: str | Path, *, words: str = "word") -> Transcript:
    """Words with times from JSON: ``[{"word", "start", "end"}, …]``, ``{"words": [...]}`` as the Gentle aligner
    writes it, or ``{"segments": [{"words": [...]}, …]}`` as Whisper and its kin do.

    Words that an aligner found no time for are passed over. Blanks around a word are taken off; punctuation stays.

    Raises:
        DataError: not JSON, another layout, or no word with a time.
    """
    path = existing_file(path, "a transcript in JSON")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    items = _json_words(path, content)
    if not all(isinstance(item, Mapping) and words in item for item in items):
        place = next(place for place, item in enumerate(items) if not (isinstance(item, Mapping) and words in item))
        raise DataError(f"{path}, word {place}: no key {words!r} found, expected {{{words!r}, 'start', 'end'}}")
    timed = [item for item in items if item.get("start") is not None and item.get("end") is not None]
    try:
        starts, ends = ([float(item[key]) for item in timed] for key in ("start", "end"))
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: a start or end is no number ({error})") from error
    return _transcript(path, [str(item[words]).strip() for item in timed], starts, ends)


def take_words(transcript: Transcript, chosen: np.ndarray) -> Transcript:
    """The words where this (W,) boolean mask is true; sentences keep their numbers."""
    return Transcript(
        words=tuple(word for word, kept in zip(transcript.words, chosen.tolist(), strict=True) if kept),
        onsets=transcript.onsets[chosen],
        offsets=transcript.offsets[chosen],
        sentences=None if transcript.sentences is None else transcript.sentences[chosen],
    )


def _from_table(path: str | Path, words: str) -> Transcript:
    columns = read_columns(path, "a transcript table")
    _demand(path, columns, ["onset", words])
    onset = numbers(path, "onset", columns["onset"])
    if "offset" in columns:
        offset = numbers(path, "offset", columns["offset"])
    else:
        _demand(path, columns, ["duration"])
        offset = onset + numbers(path, "duration", columns["duration"])
    spoken = [place for place, word in enumerate(columns[words]) if word.lower() not in SILENCES]
    return _transcript(path, [columns[words][place] for place in spoken], onset[spoken], offset[spoken])


def _demand(path: str | Path, columns: Mapping[str, Any], names: Sequence[str]) -> None:
    for name in names:
        if name not in columns:
            raise DataError(f"{path}: no column {name!r}; there are {', '.join(columns)}")


def _json_words(path: Path, content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    if isinstance(content, Mapping) and isinstance(content.get("words"), list):
        return content["words"]
    segments = content.get("segments") if isinstance(content, Mapping) else None
    if isinstance(segments, list) and all(isinstance(one, Mapping) and "words" in one for one in segments):
        return [item for one in segments for item in one["words"]]
    raise DataError(
        f"{path}: neither a list of words nor an object with 'words' or 'segments' that hold words; a recogniser must "
        "be told to write word times"
    )


def _transcript(path: str | Path, words: Sequence[str], onsets: Any, offsets: Any) -> Transcript:
    if not words:
        raise DataError(f"{path}: no word with a time found, expected at least one")
    try:
        return Transcript(tuple(words), np.asarray(onsets, np.float64), np.asarray(offsets, np.float64))
    except InputError as error:
        raise DataError(f"{path}: {error}") from error
