"""Nouns found in Lindborg's EEG, means of 300 to 500 ms at 64 electrodes, in people and with nouns held out.

Called by `tests.benchmarks._brain_results`. By itself: `GROUNDING_DATA=FOLDER python -m tests.benchmarks._brain_nouns`.

There is no embedding of German here, so the vectors of nouns are fastText's, trained for the purpose on 625,000 words:
the German sentences of Common Voice and the German captions of Multi30k (10 passes, width 100, seed 0); it puts a noun
next to one of its own category for 35 of 100 nouns. Beside them stand vectors that hold the form of a word alone.
"""

import gzip
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from grounding.brain.decoding import (
    Decoding,
    NewSubjectNewWord,
    Within,
    averaged,
    classify,
    decode,
    decode_contrastively,
    order_only,
)
from grounding.brain.decoding import standardised as standardised_runs
from grounding.brain.folds import ByWordType, Grouped, LeaveOneOut
from grounding.brain.sets import lindborg
from grounding.text.corpus import Corpus
from grounding.text.static.fasttext import FastText, FastTextSettings
from tests.benchmarks._rows import one_thread, row

SEED = 0
LETTERS = "abcdefghijklmnopqrstuvwxyzäöüß"
INNER = Grouped(5, "subject")


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain_results`."""
    data = Path(os.environ["GROUNDING_DATA"])
    found = lindborg.load(data / "neural" / "lindborg2022_n400_words")
    trials = standardised_runs(found.responses)
    means, parts = averaged(trials), averaged(trials, parts=5)
    names = sorted(found.nouns)
    one_hot = dict(zip(names, np.eye(len(names)), strict=True))

    held_out = LeaveOneOut("subject")
    yield from _rates("100 known nouns in a new person, template", decode(means, one_hot, held_out, inner=INNER))
    yield from _rates(
        "the same from the order of trials alone", decode(order_only(means), one_hot, held_out, inner=INNER)
    )
    groups = Grouped(5, "subject")
    yield from _rates("100 known nouns in 6 new people, template", decode(means, one_hot, groups, inner=INNER))
    with tempfile.TemporaryDirectory() as folder:
        network = decode_contrastively(means, one_hot, groups, run=folder)
    yield from _rates("100 known nouns in 6 new people, contrastive network", network)
    within = Within(LeaveOneOut("run"))
    yield from _rates("100 known nouns in a new fifth of a person's session, template", decode(parts, one_hot, within))
    yield from _rates("the same from the order of trials alone", decode(order_only(parts), one_hot, within))

    new = NewSubjectNewWord(5)
    for name, vectors in _vectors(found, names, data / "text").items():
        yield from _rates(f"20 new nouns in a new person, by {name}", decode(means, vectors, new, inner=ByWordType(5)))

    kinds = {name: noun.category for name, noun in found.nouns.items()}
    labels = found.category(means.rows.word)
    for what, folds in (
        ("known nouns", held_out),
        ("new nouns", NewSubjectNewWord(10, kinds)),
    ):
        accuracy = classify(means, labels, folds, seed=SEED).accuracy
        yield row(
            f"Lindborg, category of {what} in a new person, 10 categories, shrunk LDA",
            accuracy.value, None, None,
            f"accuracy, {accuracy.low:.3f} to {accuracy.high:.3f} over people and nouns, chance {accuracy.chance:.2f}, "
            f"p = {accuracy.p:.2g}",
            None,
        )  # fmt: skip


def _rates(what: str, found: Decoding) -> Iterator[dict[str, object]]:
    for name, rate in found.rates.items():
        yield row(
            f"Lindborg, {what}, {name}",
            rate.value, None, None,
            f"{rate.low:.3f} to {rate.high:.3f} over {found.resampled}, chance {rate.chance:.3f}, p = {rate.p:.2g}",
            None,
        )  # fmt: skip


def _vectors(found: lindborg.Lindborg, names: list[str], text: Path) -> dict[str, Mapping[str, np.ndarray]]:
    """Vectors of the nouns by what they hold."""
    kinds = sorted({noun.category for noun in found.nouns.values()})
    generator = np.random.default_rng(SEED)
    frequency = {name: np.log(max(1.0, np.nan_to_num(noun.frequency))) for name, noun in found.nouns.items()}
    return {
        "fastText": dict(zip(names, _fasttext(names, text), strict=True)),
        "length and frequency": {name: np.array([found.nouns[name].letters, frequency[name]]) for name in names},
        "letters and length": {name: _letters(name) for name in names},
        "category": {name: np.eye(len(kinds))[kinds.index(found.nouns[name].category)] for name in names},
        "random vectors": {name: generator.normal(size=100) for name in names},
    }


def _letters(name: str) -> np.ndarray:
    return np.array([*(name.lower().count(letter) for letter in LETTERS), len(name)], dtype=np.float64)


def _fasttext(names: list[str], text: Path) -> np.ndarray:
    sentences = [path.read_text() for path in sorted((text / "common_voice_sentences" / "de").glob("*.txt"))]
    captions = [gzip.open(path, "rt").read() for path in sorted((text / "multi30k").glob("*.de.gz"))]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "german.txt"
        file.write_text("\n".join([*sentences, *captions]))
        corpus = Corpus.build(file, Path(folder) / "corpus")
        embedding = FastText.train(corpus, FastTextSettings(threads=1, epochs=10), SEED)
    return embedding.vectors([name.lower() for name in names])


if __name__ == "__main__":
    with one_thread():
        for entry in rows():
            print(f"{entry['measure']}: {entry['ours']} {entry['unit']}", flush=True)
