"""fastText beside gensim's: speed of the whole job from raw text, and quality; called by `tests.benchmarks.text`.

Run alone: GROUNDING_DATA=FOLDER python -m tests.benchmarks._text_fasttext

Skip-gram, dim 100, window 5, 5 negatives, n-grams of 3 to 6 characters, two passes over the Standard Ebooks corpus, two
threads. Both read the same compressed books and tokenise with the same function: gensim gets a `corpus_file` with one
tokenised paragraph a line, and the making of it counts, as does `Corpus.build`. Compiling, half a minute once in the
life of an installation, does not count. Ours is trained with each seed, gensim with the first alone, since a run of it
takes several minutes; both thus scored by the same functions, words outside the vocabulary by their n-grams.
"""

import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.datasets.language import read_analogies, read_word_similarity
from grounding.text.corpus import Corpus
from grounding.text.evaluation import analogies, word_similarity
from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.static.gensim_vectors import from_gensim
from tests.benchmarks._rows import row
from tests.benchmarks._text_static import write_lines

SEEDS = (0, 1, 2)
THREADS = 2
EPOCHS = 2
BOOKS = "*.txt.gz"
SIMILARITY = ("WS-353-ALL", "MEN-TR-3k", "MTurk-771")
REACH = 3.0


@dataclass(frozen=True)
class Pairs:
    """Word pairs of several tests."""

    first: list[str]
    second: list[str]
    scores: np.ndarray


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    data = Path(os.environ["GROUNDING_DATA"]) / "text"
    books = sorted((data / "standard_ebooks").glob(BOOKS))
    settings = FastTextSettings(epochs=EPOCHS, threads=THREADS)
    _compile(settings)
    speeds, scores = [], []
    for seed in SEEDS:
        model, speed = _ours(books, settings, seed)
        speeds.append(speed)
        scores.append(_scores(model, data))
    peer, peer_speed = _gensim(books, settings, SEEDS[0])
    theirs = _scores(peer, data)
    job = f"fastText skip-gram, {EPOCHS} epochs of Standard Ebooks"
    found = [
        row(f"{job}, tokenising included", float(np.mean(speeds)), peer_speed, "gensim", "words/CPU-s", REACH),
    ]
    for name in theirs:
        values = [score[name] for score in scores]
        what = f"{job}, {name}, {len(SEEDS)} seeds ± {np.std(values):.3f}"
        found.append(row(what, float(np.mean(values)), theirs[name], "gensim, one seed", "score", 1.0))
    return found


def _compile(settings: FastTextSettings) -> None:
    FastText.train(Corpus.of([["open", "the", "drawer"]] * 5), settings)


def _ours(books: list[Path], settings: FastTextSettings, seed: int) -> tuple[FastText, float]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        corpus = Corpus.build(books, Path(folder) / "corpus")
        model = FastText.train(corpus, settings, seed=seed)
        return model, len(corpus.tokens) * settings.epochs / (time.process_time() - began)


def _gensim(books: list[Path], settings: FastTextSettings, seed: int) -> tuple[FastText, float]:
    from gensim.models import FastText as Peer

    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        model = Peer(
            corpus_file=str(write_lines(books, Path(folder) / "lines.txt")),
            sg=1,
            vector_size=settings.dim,
            window=settings.window,
            negative=settings.negatives,
            min_n=settings.min_ngram,
            max_n=settings.max_ngram,
            bucket=settings.buckets,
            sample=settings.sample,
            min_count=settings.min_count,
            epochs=settings.epochs,
            workers=THREADS,
            seed=seed,
        )
        speed = model.corpus_total_words * settings.epochs / (time.process_time() - began)
    return from_gensim(model.wv), speed  # type: ignore[return-value]


def _scores(model: FastText, data: Path) -> dict[str, float]:
    """Spearman correlations with people, and the share of right analogies."""
    tests = {name: read_word_similarity(data / "word_similarity" / f"EN-{name}.txt") for name in SIMILARITY}
    scores = {name: word_similarity(model, pairs).spearman.value for name, pairs in tests.items()}
    scores["their pairs with unseen words"] = word_similarity(model, _unseen(tests.values(), model)).spearman.value
    questions = read_analogies(data / "google_analogies")
    scores["analogies"] = analogies(model, questions, vocabulary=30_000).overall.share.value
    return scores


def _unseen(tests: Iterable, model: FastText) -> Pairs:
    """The pairs with a word outside the vocabulary; scores as ranks within their test, whose scales differ."""
    kept = []
    for pairs in tests:
        ranks = np.argsort(np.argsort(pairs.scores)) / len(pairs.scores)
        for a, b, rank in zip(pairs.first, pairs.second, ranks, strict=True):
            if a.lower() not in model.words or b.lower() not in model.words:
                kept.append((a, b, rank))
    first, second, scores = zip(*kept, strict=True)
    return Pairs(list(first), list(second), np.array(scores))


if __name__ == "__main__":
    for entry in rows():
        print(entry)
