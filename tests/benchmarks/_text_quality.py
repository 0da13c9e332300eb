"""How good word vectors trained here are, of every kind, and sentence vectors made of them.

Called by `tests.benchmarks.text_quality`.

All are trained on the 12.0 million words of the Standard Ebooks corpus, tokenised once, with the defaults of each class
(width 100; word2vec and fastText 5 passes, GloVe 25) and each seed, and one thread, so that a seed gives the same
figures again. The defaults are those of the papers and of gensim, but for one: the rate of CBOW was chosen after seeing
these tests. Words a test has and the vocabulary has not are left out; how much was covered is in the name. Sentence
vectors are plain and SIF-weighted means of the skip-gram vectors of the first seed, with the common component of the
sentences of STS-B train.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from grounding.datasets.language import read_analogies, read_sentence_similarity, read_word_similarity
from grounding.text import SentenceEncoder
from grounding.text.corpus import Corpus
from grounding.text.evaluation import analogies, sentence_similarity, word_similarity
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.static.glove import GloVe, GloVeSettings
from grounding.text.static.one_hot import OneHot
from grounding.text.static.ppmi import PPMI, PPMISettings
from grounding.text.static.word2vec import Word2Vec, Word2VecSettings
from tests.benchmarks._rows import row

SEEDS = (0, 1, 2)
SIMILARITY = ("WS-353-ALL", "MEN-TR-3k", "RG-65", "MTurk-287", "MTurk-771")
VOCABULARY = 30_000
"""Analogies are asked among so many of the most frequent words, as usual."""


Train = Callable[[Corpus, int], StaticEmbedding]
TRAINED: dict[str, tuple[tuple[int, ...], Train]] = {
    "skip-gram": (SEEDS, lambda corpus, seed: Word2Vec.train(corpus, Word2VecSettings(threads=1), seed)),
    "CBOW": (
        SEEDS,
        lambda corpus, seed: Word2Vec.train(corpus, Word2VecSettings(architecture="cbow", threads=1), seed),
    ),
    "GloVe": (SEEDS, lambda corpus, seed: GloVe.train(corpus, GloVeSettings(threads=1), seed)),
    "fastText": (SEEDS, lambda corpus, seed: FastText.train(corpus, FastTextSettings(threads=1), seed)),
    "PPMI and SVD": (SEEDS, lambda corpus, seed: PPMI.train(corpus, PPMISettings(threads=1), seed)),
    # Minutes a seed.
    "skip-gram, hierarchical softmax": (
        SEEDS[:1],
        lambda corpus, seed: Word2Vec.train(
            corpus, Word2VecSettings(objective="hierarchical-softmax", threads=1), seed
        ),
    ),
    "skip-gram, NCE of 25": (
        SEEDS[:1],
        lambda corpus, seed: Word2Vec.train(corpus, Word2VecSettings(objective="nce", negatives=25, threads=1), seed),
    ),
}
"""By name, the seeds and what trains with one."""


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh text_quality`: measure, ours, peer, peer_name, ratio, unit, reach."""
    data = Path(os.environ["GROUNDING_DATA"]) / "text"
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus.build(data / "standard_ebooks", Path(folder) / "corpus")
        for name, (seeds, train) in TRAINED.items():
            scores = []
            for seed in seeds:
                embedding = train(corpus, seed)
                scores.append(of_words(embedding, data))
                if name == "skip-gram" and seed == SEEDS[0]:
                    yield from _sentence_rows(embedding, data)
            for test in scores[0]:
                values = [100 * score[test] for score in scores]
                spread = f"± {np.std(values):.1f} over {len(values)} seeds" if len(values) > 1 else "one seed"
                yield _row(f"{name}, {test}", float(np.mean(values)), spread)


def of_words(embedding: StaticEmbedding, data: Path) -> dict[str, float]:
    """Spearman correlations with people, and the share of right analogies by 3CosAdd."""
    scores = {}
    for name in SIMILARITY:
        found = word_similarity(
            embedding, read_word_similarity(data / "word_similarity" / f"EN-{name}.txt"), resamples=1
        )
        scores[f"{name} ({found.covered} of {found.total})"] = found.spearman.value
    answers = analogies(
        embedding, read_analogies(data / "google_analogies"), vocabulary=VOCABULARY, resamples=1
    ).overall
    scores[f"analogies ({answers.covered:,} of {answers.total:,})"] = answers.share.value
    return scores


def _sentence_rows(skip_gram: StaticEmbedding, data: Path) -> list[dict[str, object]]:
    reported = read_sentence_similarity(data / "stsb" / "stsb-en-dev.csv")
    train = read_sentence_similarity(data / "stsb" / "stsb-en-train.csv")
    sif = SentenceEncoder(skip_gram, pooling="sif", unknown="zeros").fit([*train.first, *train.second])
    encoders = {
        "all-MiniLM-L6-v2": SentenceEncoder(),
        "mean of skip-gram vectors": SentenceEncoder(skip_gram, unknown="zeros"),
        "SIF of skip-gram vectors": sif,
        "mean of one-hot vectors (bag of words)": SentenceEncoder(
            OneHot(skip_gram.words.cut(size=20_000)), unknown="zeros"
        ),
    }
    found = []
    for name, encoder in encoders.items():
        alike = sentence_similarity(encoder.encode(reported.first), encoder.encode(reported.second), reported.scores)
        low, high = 100 * alike.spearman.low, 100 * alike.spearman.high
        found.append(
            _row(f"STS-B en dev, {name}", 100 * alike.spearman.value, f"95 % interval {low:.1f} to {high:.1f}")
        )
    return found


def _row(measure: str, value: float, spread: str) -> dict[str, object]:
    return row(measure, value, None, None, f"x 100, {spread}", None)


if __name__ == "__main__":
    for entry in rows():
        print(entry, flush=True)
