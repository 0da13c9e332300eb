"""German nouns read one by one: EEG of up to 40 people on 100 nouns in 10 categories (Lindborg et al., 2022)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.brain.sets.files import Layout, as_numbers, read_numeric_table, read_table
from grounding.errors import DataError

LABELS = ("seg", "word_no", "Subject", "badseg")

LAYOUT = Layout(
    "Lindborg EEG",
    "materials/Stimuli.csv and data/channel_300-500ms/N.csv or N.csv.gz, N from 0",
    "the repository of Lindborg, Musiolek, Ostwald and Rabovsky, 'Semantic surprise predicts the N400 brain potential'",
)


@dataclass(frozen=True)
class Noun:
    """One of the words: its category ("Vogel"), length in letters and frequency in the Leipzig corpus (NaN unknown)."""

    category: str
    letters: int
    frequency: float


@dataclass(frozen=True)
class Lindborg:
    """Single trials and the nouns.

    Nouns came in trains of one category (the next noun has the category of this one in 83 % of trials), in another
    order for each subject: within a subject, neighbouring trials share category and slow drifts, so folds that part
    them at random inflate category decoding.

    Attributes:
        responses: (n, 64) float32 in uV, means of 300 to 500 ms after onset; a run is a subject, ``rows.index`` the
            trial in the session, ``rows.time`` the same number, as times were not published.
        nouns: by the word.
        excluded: how many trials were left out, by reason.
    """

    responses: Responses
    nouns: Mapping[str, Noun]
    excluded: Mapping[str, int]

    def category(self, words: np.ndarray) -> np.ndarray:
        """(n,) str: the category of each of these words."""
        return np.array([self.nouns[word].category for word in words.tolist()])


def load(folder: Path | str) -> Lindborg:
    """Read the set; trials that its authors marked bad, and those without a word or a value, are left out and counted.

    Raises:
        DataError: a file or a column is missing, channels differ between subjects, a word is unknown, or a channel is
            constant.
    """
    materials = LAYOUT.path(folder, "materials", "Stimuli.csv")
    names, nouns = _nouns(materials)
    data, parts, channels = [], [], None
    excluded = {"no word number": 0, "marked bad by the authors": 0, "a channel without a value": 0}
    # The number is the subject; sorting by name would put 10 before 2.
    files = LAYOUT.matching(folder, "data/channel_300-500ms/*.csv*")
    for path in sorted(files, key=_number):
        table = read_numeric_table(path, LABELS)
        here = tuple(name for name in table if name not in LABELS)
        if channels not in (None, here):
            raise DataError(f"{path}: channels {', '.join(here)[:80]} ... found, expected those of the other subjects")
        channels = here
        values = np.column_stack([table[name] for name in channels])
        word, bad, trial = (table[name] for name in ("word_no", "badseg", "seg"))
        keep = np.ones(len(values), dtype=bool)
        for reason, is_so in zip(excluded, (~np.isfinite(word), bad != 0, ~np.isfinite(values).all(1)), strict=True):
            excluded[reason] += int((keep & is_so).sum())
            keep &= ~is_so
        if unknown := sorted(set(word[keep].tolist()) - set(names)):
            raise DataError(f"{path}: word numbers {unknown[:5]} found, expected those of {materials}")
        if not keep.any():
            continue
        if constant := [name for name, spread in zip(channels, np.ptp(values[keep], 0), strict=True) if spread == 0]:
            raise DataError(f"{path}: constant in channel {', '.join(constant)}; get the file again")
        subject = f"{_number(path):02d}"
        data.append(values[keep].astype(np.float32))
        trials = trial[keep]
        words = [names[number] for number in word[keep].tolist()]
        parts.append(Rows.of_run(subject, trials, index=trials, story="nouns", subject=subject, word=words))
    if not data or channels is None:
        raise DataError(f"{LAYOUT.name}: no usable trial in {folder}; left out were {excluded}")
    return Lindborg(Responses(np.concatenate(data), Rows.joined(parts), channels, "eeg"), nouns, excluded)


def _nouns(path: Path) -> tuple[dict[float, str], dict[str, Noun]]:
    table = read_table(path, ("Word", "Typelänge_Zeichen", "Kategorie", "Leipzig_Frequenz", "ID"))
    letters, frequency, number = (
        as_numbers(path, table, name) for name in ("Typelänge_Zeichen", "Leipzig_Frequenz", "ID")
    )
    nouns = {
        word: Noun(category, int(letters[row]), float(frequency[row]))
        for row, (word, category) in enumerate(zip(table["Word"], table["Kategorie"], strict=True))
    }
    if len(nouns) != len(number):
        raise DataError(f"{path}: {len(number)} rows and {len(nouns)} different words found, expected each word once")
    return dict(zip(number.tolist(), table["Word"], strict=True)), nouns


def _number(path: Path) -> int:
    name = path.name.split(".")[0]
    if not name.isdigit():
        raise DataError(f"{path}: expected the number of a subject for a name, such as 0.csv.gz")
    return int(name)
