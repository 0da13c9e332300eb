"""Alice in Wonderland, chapter 1, heard in the scanner: fMRI of 28 people in six regions (Brennan et al., 2016)."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from grounding.brain.readers.sentences import with_text
from grounding.brain.readers.transcripts import read_textgrid
from grounding.brain.recording import Features, Recording, Run, Transcript
from grounding.brain.sets.files import Layout, read_numbers
from grounding.errors import DataError, InputError

REGIONS = ("LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG")
"""Left and right anterior temporal, left posterior temporal, inferior parietal, premotor, inferior frontal."""
REPETITION = 2.0
"""Seconds a volume."""
SAMPLES = 362
DISCARDED = 10
"""Volumes that were taken off the beginning of the time courses, but not off the movement parameters."""
STORY = "Alice in Wonderland, chapter 1"

LAYOUT = Layout(
    "Alice fMRI",
    "alice_data_shared/{6mm,10mm}/sNN-timecourses.txt, alice_data_shared/sNN-{rate,sndpwr,rp_*}.txt and "
    "alice_stim_shared/*.TextGrid",
    "the data page of J. R. Brennan, University of Michigan (fMRI time courses, Alice in Wonderland; CC BY 4.0)",
)


@dataclass(frozen=True)
class Alice:
    """The recording and what is known of the sound.

    Attributes:
        recording: a run a subject, (362, 6) in arbitrary units, named by subject ("s18"), all of one story; confounds
            are the six movement parameters of SPM (mm, radians).
        controls: per run (362, 2), the published word rate and sound power. They are already convolved with a
            haemodynamic response, so they are not to be delayed again.
    """

    recording: Recording
    controls: Features

    @property
    def transcript(self) -> Transcript:
        """The 2,127 words, which all heard at the same times."""
        transcript = self.recording.runs[0].transcript
        assert transcript is not None  # every run is read with it
        return transcript


def load(folder: Path | str, radius: Literal["6mm", "10mm"] = "10mm") -> Alice:
    """Read the set.

    The sound began with 20 s of silence and the first ten volumes (20 s) were discarded, so the first sample lies at
    20 s of the transcript's clock: word onsets convolved with a haemodynamic response correlate at r = 0.99 with the
    published word rate at that offset, and less at any other.

    Subjects whose time courses are constant (s33) or not numbers are left out and named in ``recording.excluded``.
    Where the text of the book is there (``alice/alice-gutenberg.txt``), the words know their sentences.

    Args:
        folder: with ``alice_data_shared`` and ``alice_stim_shared``.
        radius: of the regions' spheres.

    Example:
        >>> alice = load("alice_fmri_brennan2016")
        >>> len(alice.recording.runs), len(alice.transcript)
        (27, 2127)

    Raises:
        InputError: another radius.
        DataError: a file is missing or has another shape, or no subject is left.
    """
    if radius not in ("6mm", "10mm"):
        raise InputError(f"radius: {radius!r} found, expected '6mm' or '10mm'")
    data = Path(folder, "alice_data_shared")
    transcript = _transcript(Path(folder))
    runs, excluded, controls = [], {}, {}
    for path in LAYOUT.matching(folder, f"alice_data_shared/{radius}/s*-timecourses.txt"):
        subject = path.name.split("-")[0]
        courses = read_numbers(path, len(REGIONS), rows=SAMPLES)
        if reason := _unusable(courses):
            excluded[subject] = reason
            continue
        movement = LAYOUT.matching(folder, f"alice_data_shared/{subject}-rp_*.txt")[0]
        confounds = read_numbers(movement, 6, rows=SAMPLES + DISCARDED)[DISCARDED:]
        series = [
            read_numbers(LAYOUT.path(data, f"{subject}-{name}.txt"), 1, rows=SAMPLES) for name in ("rate", "sndpwr")
        ]
        controls[subject] = np.hstack(series).astype(np.float32)
        runs.append(
            Run(
                subject,
                courses.astype(np.float32),
                1 / REPETITION,
                transcript,
                start=DISCARDED * REPETITION,
                subject=subject,
                story=STORY,
                confounds=confounds.astype(np.float32),
            )
        )
    if not runs:
        raise DataError(f"{LAYOUT.name}: no usable subject in {data / radius}: {excluded}; get the set again")
    return Alice(
        Recording(tuple(runs), REGIONS, "fmri", excluded=excluded), Features("word rate and sound power", controls)
    )


def _unusable(courses: np.ndarray) -> str | None:
    if not np.isfinite(courses).all():
        return "values that are not finite in its time courses"
    if constant := [name for name, spread in zip(REGIONS, np.ptp(courses, axis=0), strict=True) if spread == 0]:
        return f"constant time courses in {', '.join(constant)}"
    return None


def _transcript(folder: Path) -> Transcript:
    heard = read_textgrid(LAYOUT.matching(folder, "alice_stim_shared/*.TextGrid")[0])
    text = folder / "alice" / "alice-gutenberg.txt"
    if not text.is_file():
        return heard
    # The published spelling stays; only the sentences come from the book.
    book = chapter(text.read_text(encoding="utf-8"))
    return replace(heard, sentences=with_text(heard, book).transcript.sentences)


def chapter(book: str) -> str:
    """The text of the first chapter of the Project Gutenberg edition.

    Raises:
        DataError: it is not there.
    """
    found = re.search(r"\nCHAPTER I\..*?\n\n(.*?)\nCHAPTER II\.", book, flags=re.DOTALL)
    if found is None:
        raise DataError(
            "alice-gutenberg.txt: no text between CHAPTER I and CHAPTER II; expected Project Gutenberg's #11"
        )
    return found.group(1)
