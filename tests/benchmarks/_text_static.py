"""word2vec beside gensim's: speed of the whole job from raw text, and quality; called by `tests.benchmarks.text`.

Run alone: GROUNDING_DATA=FOLDER OMP_NUM_THREADS=1 python -m tests.benchmarks._text_static

Skip-gram and CBOW, dim 100, window 5, 5 negatives, five passes over the Standard Ebooks corpus, two threads. Both read
the same compressed books and tokenise with the same function: gensim gets a `corpus_file` with one tokenised paragraph
a line, and the making of it counts, as does `Corpus.build`. Each is measured once and added to every training.
Compiling the kernels, some seconds once in the life of an installation, does not count. Words a second are those of the
corpus, times the passes, by processor second.

The rates are the defaults of each: 0.025 to 0.0001, and for our CBOW, whose step is the exact gradient, six times that.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from grounding.datasets.language import read_analogies, read_word_similarity
from grounding.text.corpus import Corpus
from grounding.text.evaluation import analogies, word_similarity
from grounding.text.reading import read_documents
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.gensim_vectors import from_gensim
from grounding.text.static.word2vec import Architecture, Word2Vec, Word2VecSettings
from grounding.text.tokens import tokenise
from tests.benchmarks._rows import row

SEEDS = (0, 1, 2)
THREADS = 2
EPOCHS = 5
REACHES: dict[Architecture, float] = {"skip-gram": 3.5, "cbow": 1.5}
SIMILARITY = ("WS-353-ALL", "MEN-TR-3k")
VOCABULARY = 30_000
"""Analogies are asked among so many of the most frequent words, as usual."""


def rows(
    books: list[Path] | None = None, seeds: tuple[int, ...] = SEEDS, epochs: int = EPOCHS
) -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    data = Path(os.environ["GROUNDING_DATA"]) / "text"
    books = sorted((data / "standard_ebooks").glob("*.txt.gz")) if books is None else books
    found = []
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        corpus = Corpus.build(books, Path(folder) / "corpus")
        ours_encoding = time.process_time() - began
        began = time.process_time()
        lines = write_lines(books, Path(folder) / "lines.txt")
        gensim_encoding = time.process_time() - began
        words = len(corpus.tokens) * epochs
        for architecture, reach in REACHES.items():
            settings = Word2VecSettings(architecture=architecture, epochs=epochs, threads=THREADS)
            _compile(settings)
            ours, peers = [], []
            for seed in seeds:
                began = time.process_time()
                embedding: StaticEmbedding = Word2Vec.train(corpus, settings, seed)
                speed = words / (time.process_time() - began + ours_encoding)
                ours.append({"speed": speed} | _scores(embedding, data))
                began = time.process_time()
                embedding = _gensim(lines, settings, seed)
                speed = words / (time.process_time() - began + gensim_encoding)
                peers.append({"speed": speed} | _scores(embedding, data))
            found += _rows(
                f"{architecture}, {epochs} epochs of {words // epochs / 1e6:.1f} M words", reach, ours, peers
            )
    return found


def _rows(job: str, reach: float, ours: list[dict[str, float]], peers: list[dict[str, float]]) -> list[dict]:
    """Means over the seeds."""
    found = []
    for name in ours[0]:
        mine, theirs = ([score[name] for score in scores] for scores in (ours, peers))
        means = float(np.mean(mine)), float(np.mean(theirs))
        if name == "speed":
            found.append(row(f"{job}, tokenising included", *means, "gensim corpus_file", "words/CPU-s", reach))
        else:
            spread = f"{len(mine)} seeds ± {np.std(mine):.3f}, gensim's ± {np.std(theirs):.3f}"
            found.append(row(f"{job}, {name}, {spread}", *means, "gensim corpus_file", "score", 1.0))
    return found


def _compile(settings: Word2VecSettings) -> None:
    Word2Vec.train(Corpus.of([["open", "the", "drawer"]] * 5), settings)


def write_lines(books: list[Path], file: Path) -> Path:
    """Make gensim's `corpus_file`: one tokenised paragraph a line."""
    with file.open("w", encoding="utf-8") as stream:
        for document in read_documents(books):
            stream.write(" ".join(tokenise(document)) + "\n")
    return file


def _gensim(lines: Path, settings: Word2VecSettings, seed: int) -> StaticEmbedding:
    from gensim.models import Word2Vec as Peer

    model = Peer(
        corpus_file=str(lines),
        sg=int(settings.architecture == "skip-gram"),
        vector_size=settings.dim,
        window=settings.window,
        negative=settings.negatives,
        sample=settings.sample,
        min_count=settings.min_count,
        epochs=settings.epochs,
        workers=THREADS,
        seed=seed,
    )
    return from_gensim(model.wv)


def _scores(embedding: StaticEmbedding, data: Path) -> dict[str, float]:
    """Spearman correlations with people, and the share of right analogies by 3CosAdd."""
    scores = {}
    for name in SIMILARITY:
        pairs = read_word_similarity(data / "word_similarity" / f"EN-{name}.txt")
        scores[name] = word_similarity(embedding, pairs).spearman.value
    questions = read_analogies(data / "google_analogies")
    scores["analogies"] = analogies(embedding, questions, vocabulary=VOCABULARY).overall.share.value
    return scores


if __name__ == "__main__":
    for entry in rows():
        print(entry)
