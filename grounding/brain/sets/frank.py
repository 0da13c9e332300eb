"""English sentences read word by word: EEG of 24 people on 205 sentences (Frank et al., 2015)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.brain.recording import Features, Responses
from grounding.brain.rows import Rows
from grounding.brain.sets.files import Layout, as_numbers, read_table
from grounding.errors import DataError

COLUMNS = ("subj_nr", "sent_nr", "word_pos", "baseline", "N400", "reject_data", "word", "log_freq", "nr_char",
           "reject_word")  # fmt: skip
SURPRISAL = "s_GPT2"
PREDICTABILITY = {
    "surprisal GPT-2": SURPRISAL,
    "surprisal trigram": "trigram",
    "surprisal RNN": "rnn",
    "surprisal phrase structure grammar": "psg",
    "surprisal cloze": "cloze_s",
    "predictability rating": "rating_mean",
}
"""What the columns of `Frank.predictability` are, and their names in the file of de Varda et al."""

LAYOUT = Layout(
    "Frank EEG",
    "data_EEG.csv and devarda/all_measures.csv",
    "the supplementary repositories of Aurnhammer and Frank (2019) and of de Varda, Marelli and Amenta (2023)",
)


@dataclass(frozen=True)
class Frank:
    """The N400 of each word that each reader saw, and what is known of the words.

    Rows are words in the order in which a subject read them; a run is a subject. Times were not published: ``time``
    counts words. ``story`` is the sentence, such as "sentence 087", so that folds can hold out whole sentences.

    Attributes:
        responses: (n, 1) float32 in uV, the N400 as published (mean of 300 to 500 ms over its electrodes).
        controls: per run "log-frequency, length, position in sentence, position in experiment, baseline".
        predictability: per run the columns of `PREDICTABILITY`; the surprisals in the units of the files.
        excluded: how many words were left out, by reason; each is counted once.
    """

    responses: Responses
    controls: Features
    predictability: Features
    excluded: Mapping[str, int]


def load(folder: Path | str) -> Frank:
    """Read the set; words that its authors reject, and those without a frequency or a surprisal, are left out.

    The sentences of de Varda et al. are numbered differently, so they are matched by their words; one
    whose first word is misspelt in the EEG table (sentence 43) finds no match.

    The file's ``log_freq`` grows with rarity; log-frequency here grows with frequency.

    Features are given for all 1,931 words of a run, NaN for what is not known of one; the rows that are kept have no
    NaN.

    Raises:
        DataError: a file or a column is missing, or no sentence matches.
    """
    path = LAYOUT.path(folder, "data_EEG.csv")
    table = read_table(path, COLUMNS, delimiter="\t")
    numbers = {name: as_numbers(path, table, name) for name in ("sent_nr", "word_pos", "baseline", "N400", "log_freq",
                                                                "nr_char")}  # fmt: skip
    subjects = np.array([f"s{int(number):02d}" for number in as_numbers(path, table, "subj_nr")])
    places = _places(path, subjects)
    known = _predictability(folder, table, numbers)
    controls = np.column_stack(
        [-numbers["log_freq"], numbers["nr_char"], numbers["word_pos"], places, numbers["baseline"]]
    )
    reasons = {
        "word rejected by the authors (first, last, clitic)": _is_true(table, "reject_word"),
        "trial rejected by the authors (artefact)": _is_true(table, "reject_data"),
        "no N400 or baseline": ~np.isfinite(numbers["N400"] + numbers["baseline"]),
        "no frequency": ~np.isfinite(numbers["log_freq"]),
        "no surprisal": ~np.isfinite(known).all(1),
    }
    keep = np.ones(len(subjects), dtype=bool)
    excluded = {}
    for reason, is_so in reasons.items():
        excluded[reason] = int((keep & is_so).sum())
        keep &= ~is_so
    if not keep.any():
        raise DataError(f"{path}: no usable word; left out were {excluded}; get the set again")
    rows = Rows(
        run=subjects,
        index=places,
        time=places.astype(np.float64),
        story=np.array([f"sentence {int(number):03d}" for number in numbers["sent_nr"]]),
        subject=subjects,
        word=np.array([_plain(word) for word in table["word"]]),
    )
    return Frank(
        Responses(numbers["N400"][keep, None].astype(np.float32), rows.take(keep), ("N400",), "eeg"),
        _by_run("log-frequency, length, position in sentence, position in experiment, baseline", controls, rows),
        _by_run(", ".join(PREDICTABILITY), known, rows),
        excluded,
    )


def _places(path: Path, subjects: np.ndarray) -> np.ndarray:
    """(n,) int64: the how manieth word of its subject each row is."""
    places = np.zeros(len(subjects), dtype=np.int64)
    for subject in dict.fromkeys(subjects.tolist()):
        own = np.flatnonzero(subjects == subject)
        if own[-1] - own[0] + 1 != len(own):
            raise DataError(f"{path}: rows of subject {subject} do not stand together; sort them by subject")
        places[own] = np.arange(len(own))
    return places


def _predictability(folder: Path | str, table: dict[str, list[str]], numbers: dict[str, np.ndarray]) -> np.ndarray:
    """(n, 6): what de Varda et al. say of each row's word; NaN where they say nothing, as of first words."""
    path = LAYOUT.path(folder, "devarda", "all_measures.csv")
    measures = read_table(path, ("sentence", "context_length", *PREDICTABILITY.values()))
    values = np.column_stack([as_numbers(path, measures, name) for name in PREDICTABILITY.values()])
    context = as_numbers(path, measures, "context_length").astype(int)
    of_word = {
        (" ".join(_plain(word) for word in sentence.split()), place): row
        for row, (sentence, place) in enumerate(zip(measures["sentence"], context.tolist(), strict=True))
    }
    number, position = numbers["sent_nr"].astype(int), numbers["word_pos"].astype(int)
    sentences: dict[int, dict[int, str]] = {}
    for row, word in enumerate(table["word"]):
        sentences.setdefault(int(number[row]), {})[int(position[row])] = _plain(word)
    texts = {one: " ".join(words[place] for place in sorted(words)) for one, words in sentences.items()}
    found = np.array(
        [
            of_word.get((texts[one], place - 1), -1)
            for one, place in zip(number.tolist(), position.tolist(), strict=True)
        ]
    )
    if (found < 0).all():
        raise DataError(f"{path}: no sentence of data_EEG.csv found in it; get both files of the same sentences")
    return np.where(found[:, None] >= 0, values[found], np.nan)


def _by_run(name: str, values: np.ndarray, rows: Rows) -> Features:
    return Features(name, {run: values[places].astype(np.float32) for run, places in rows.runs().items()})


def _is_true(table: dict[str, list[str]], name: str) -> np.ndarray:
    return np.array([value == "true" for value in table[name]])


def _plain(word: str) -> str:
    return re.sub(r"[^\w']", "", word.lower())
