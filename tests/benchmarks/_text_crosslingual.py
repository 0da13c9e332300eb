"""Words of three languages in one space: what aligned static vectors find; called by `tests.benchmarks.text`.

Run alone: GROUNDING_DATA=FOLDER OMP_NUM_THREADS=1 python -m tests.benchmarks._text_crosslingual

Skip-gram vectors are trained on each side of the Multi30k training captions (29,000 a language) by itself, then brought
to English in ways that need less and less:

    parallel captions    Procrustes between the pooled vectors of captions that translate each other
    identical words      self-learning from the words that both languages spell alike
    nothing              self-learning from the distributions of similarities alone

Measured are, on the validation captions (1,014, not seen in training), how often a caption's nearest is its
translation; and, against the FreeDict dictionary, how often one of an English word's translations is the nearest, or
among the five nearest, of the words of the captions. Search is by CSLS; intervals are over captions and over words.
Of the dictionary's words, those spelled alike are among what the second way learns from.

The captions of one language are translations of those of the other, so the texts are as alike as texts can be: expect
less of other corpora. No peer has the same task on these data; what was aligned with less stands beside what was
aligned with more.
"""

import os
from pathlib import Path

import numpy as np

from grounding.alignment import LinearMap, identical_strings, normalise, procrustes, self_learning
from grounding.datasets.language import read_dictionary, read_parallel
from grounding.text.corpus import Corpus
from grounding.text.documents import SIFDocuments
from grounding.text.evaluation import Estimate, dictionary_induction, sentence_retrieval
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.word2vec import Word2Vec, Word2VecSettings
from grounding.text.tokens import tokenise
from tests.benchmarks._rows import one_thread, row

SETTINGS = Word2VecSettings(dim=100, epochs=10, min_count=2, threads=1)
SEED = 0
VOCABULARY = 3000
PATIENCE = 5
NAMES = {"de": "German", "fr": "French"}


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    folder = Path(os.environ["GROUNDING_DATA"]) / "text"
    found = []
    with one_thread():
        english = None
        for language in NAMES:
            captions, foreign_captions = _captions(folder, "train", language)
            english = english or _vectors(captions)
            foreign = _vectors(foreign_captions)
            for name, map in _maps(foreign, english, foreign_captions, captions).items():
                mapped = StaticEmbedding(foreign.words, map.apply(foreign.matrix))
                pooled = [SIFDocuments(mapped, foreign_captions), SIFDocuments(english, captions)]
                found += _retrieval(folder, language, name, pooled)
                if language == "fr":
                    found += _dictionary(folder, name, english, mapped)
    return found


def _captions(folder: Path, part: str, language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """English captions, and the same in the other language; in training without those of a word or two."""
    both = read_parallel(folder / f"multi30k/{part}.en.gz", folder / f"multi30k/{part}.{language}.gz")
    if part == "val":
        return both
    english, foreign = zip(
        *(pair for pair in zip(*both, strict=True) if min(map(len, map(tokenise, pair))) > 2), strict=True
    )
    return english, foreign


def _vectors(captions: tuple[str, ...]) -> StaticEmbedding:
    trained = Word2Vec.train(Corpus.of(map(tokenise, captions)), SETTINGS, seed=SEED)
    return StaticEmbedding(trained.words, normalise(trained.matrix))


def _maps(
    foreign: StaticEmbedding, english: StaticEmbedding, foreign_captions: tuple[str, ...], captions: tuple[str, ...]
) -> dict[str, LinearMap]:
    """Maps to English, by what they were learned from."""
    pooled = [SIFDocuments(foreign, foreign_captions, components=0), SIFDocuments(english, captions, components=0)]
    alike = identical_strings(foreign.words.words, english.words.words)
    X, Y = foreign.matrix, english.matrix

    def learned(dictionary: np.ndarray | None) -> LinearMap:
        return self_learning(X, Y, dictionary, seed=SEED, vocabulary=VOCABULARY, patience=PATIENCE).map

    return {
        "parallel captions": procrustes(pooled[0].encode(foreign_captions), pooled[1].encode(captions)),
        f"{len(alike)} identical words": learned(alike),
        "nothing": learned(None),
    }


def _retrieval(folder: Path, language: str, name: str, pooled: list[SIFDocuments]) -> list[dict[str, object]]:
    english, foreign = _captions(folder, "val", language)
    result = sentence_retrieval(pooled[0].encode(foreign), pooled[1].encode(english), method="csls")
    ways = {f"{NAMES[language]} to English": result.forward, f"English to {NAMES[language]}": result.backward}
    return [
        _row(f"{way} captions, aligned from {name}, P@1", share, f"chance {result.chance:.3f}")
        for way, share in ways.items()
    ]


def _dictionary(folder: Path, name: str, english: StaticEmbedding, mapped: StaticEmbedding) -> list[dict[str, object]]:
    pairs = read_dictionary(folder / "freedict/eng-fra.tsv")
    result = dictionary_induction(english.matrix, mapped.matrix, english.words.index, mapped.words.index, pairs)
    covered = f"{result.covered:,} of {result.total:,} covered"
    return [
        _row(f"English to French words, aligned from {name}, P@{k}", precision, covered)
        for k, precision in result.precision.items()
    ]


def _row(measure: str, share: Estimate, remark: str) -> dict[str, object]:
    interval = f"95 % from {share.low:.3f} to {share.high:.3f}"
    return row(f"{measure} ({interval}; {remark})", share.value, None, None, "share", None)


if __name__ == "__main__":
    for measured in rows():
        print(measured)
