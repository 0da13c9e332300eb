"""word2vec: vectors of words that predict the words around them (Mikolov et al. 2013)."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.sampling import alias_table, huffman_paths, thresholds
from grounding.text.static.training import check_pass_settings, train_passes
from grounding.text.vocabulary import Vocabulary

Architecture = Literal["skip-gram", "cbow"]
ObjectiveName = Literal["negative-sampling", "hierarchical-softmax", "nce"]

# In CBOW a step is shared out to the whole context, six words on the average. word2vec and gensim give each of them
# the whole step instead, which is not the gradient; with it, and a larger rate, CBOW is better (İrsoy et al. 2021).
CBOW_RATE = 6


@dataclass(frozen=True)
class Word2VecSettings:
    """Settings of `Word2Vec.train`; the defaults are those of word2vec and gensim.

    Attributes:
        dim: length of a vector.
        window: largest distance between a word and a word of its context; each occurrence of a word draws its own
            from 1 to this, so that near words weigh more.
        architecture: "skip-gram", where each context word predicts the centre word, or "cbow", where the mean of the
            context does.
        objective: "negative-sampling", whose optimum are vectors with v·o = PMI − log `negatives` (Levy and Goldberg
            2014); "hierarchical-softmax", a Huffman tree of binary decisions (Morin and Bengio 2005); or "nce",
            noise-contrastive estimation, whose scores v·o + bias become log probabilities of the word given its
            context (Gutmann and Hyvärinen 2010; Mnih and Kavukcuoglu 2013).
        negatives: samples of noise a window; with "nce" rather 25 and more.
        noise_power: noise is drawn ∝ count**noise_power.
        epochs: passes over the corpus.
        min_count: words that occur less often get no vector and are left out of the text.
        sample: share of the corpus above which a word is subsampled; 0 for none.
        rate: learning rate at the first word, of skip-gram; CBOW takes `CBOW_RATE` times as much.
        final_rate: learning rate at the last word; linear in between.
        threads: None for as many as there are processors. With one, the vectors depend on nothing but the arguments.

    Raises:
        InputError: a value that cannot be used.
    """

    dim: int = 100
    window: int = 5
    architecture: Architecture = "skip-gram"
    objective: ObjectiveName = "negative-sampling"
    negatives: int = 5
    noise_power: float = 0.75
    epochs: int = 5
    min_count: int = 5
    sample: float = 1e-3
    rate: float = 0.025
    final_rate: float = 1e-4
    threads: int | None = None

    def __post_init__(self) -> None:
        check_pass_settings(self)
        for name in ("dim", "window", "negatives", "min_count"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} found, expected 1 or more")
        for name, choices in (("architecture", Architecture), ("objective", ObjectiveName)):
            if getattr(self, name) not in get_args(choices):
                raise InputError(
                    f"{name}: {getattr(self, name)!r} found, expected one of {', '.join(get_args(choices))}"
                )
        for name in ("sample", "noise_power"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)} found, expected a number of at least 0")


class Word2Vec(StaticEmbedding):
    """word2vec vectors; `matrix` has the input vectors, `arrays["output"]` the others, float32.

    Outputs are (V, dim), one row a word, or (V - 1, dim), one an inner node of the tree, for hierarchical softmax. With
    "nce", `arrays["bias"]` (V,) belongs to them.

    Example:
        >>> corpus = Corpus.build("books/*.txt.gz", "runs/books")
        >>> embedding = Word2Vec.train(corpus, Word2VecSettings(epochs=5), seed=0, run="runs/words")
        >>> embedding.similar("king", k=1)
        [('prince', 0.78)]
    """

    Settings = Word2VecSettings

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        settings: Word2VecSettings = Word2VecSettings(),
        seed: int = 0,
        run: str | Path | None = None,
        progress: bool = False,
    ) -> "Word2Vec":
        """Vectors of the words of a corpus.

        All context words of a window share one set of negatives (Ji et al. 2016): each pair sees as many as in the
        original, and the work is several times faster. Threads write to the vectors without locks.

        Args:
            corpus: encoded text; windows do not reach across its documents.
            settings: see :class:`Word2VecSettings`.
            seed: of the first vectors, windows, subsampling and negatives.
            run: folder that gets checkpoints after every pass, `metrics.jsonl`, and the embedding in the end as `save`
                writes it. Called again with the same arguments, training goes on where it was, and one with a single
                thread to the same vectors, bit for bit.
            progress: show a bar with words a second.

        Raises:
            InputError: no word occurs `min_count` times.
            DataError: the folder has another run, or a damaged one.
            StorageError: the folder cannot be written.
        """
        from grounding.text.static.lanes import padded
        from grounding.text.static.window_kernels import new_step
        from grounding.text.static.word2vec_kernels import train_chunk

        words = corpus.vocabulary.cut(settings.min_count)
        objective = _objective(words, settings)
        shape = (len(words), padded(settings.dim))
        vectors, output = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        first = np.random.default_rng(seed).random((len(words), settings.dim), dtype=np.float32)
        vectors[:, : settings.dim] = (first - 0.5) / settings.dim
        bias = np.zeros(0, dtype=np.float32)
        if settings.objective == "nce":
            # From the frequencies of the words on, there is but the difference that the context makes to learn.
            bias = np.log(words.counts / words.counts.sum()).astype(np.float32)
        keep = thresholds(words.keep_probabilities(settings.sample))
        cbow = settings.architecture == "cbow"

        def update(tokens: np.ndarray, starts: np.ndarray, rate: float, chunk_seed: np.uint64) -> float:
            step = new_step(objective, 2 * settings.window, shape[1], len(tokens), chunk_seed)
            mean = np.zeros((1 if cbow else 0, shape[1]), dtype=np.float32)
            rate *= CBOW_RATE if cbow else 1
            summed, measured = train_chunk(
                *(tokens, starts, rate, vectors, output, bias, keep, objective, settings.window, mean, step)
            )
            return summed / measured if measured else math.nan

        arrays = {"vectors": vectors, "output": output, "bias": bias}
        train_passes(corpus, arrays, update, settings, seed=seed, run=run, progress=progress)
        outputs = len(words) - 1 if settings.objective == "hierarchical-softmax" else len(words)
        kept = {"output": np.ascontiguousarray(output[:outputs, : settings.dim])}
        if settings.objective == "nce":
            kept["bias"] = bias
        embedding = cls(words, vectors[:, : settings.dim], settings, kept)
        if run is not None:
            embedding.save(run)
        return embedding


def _objective(words: Vocabulary, settings: Word2VecSettings):
    """The `Objective` of the kernels."""
    from grounding.text.static.window_kernels import Objective

    nothing = np.zeros(0, dtype=np.float32)
    if settings.objective == "hierarchical-softmax":
        none = np.zeros(0, dtype=np.int64)
        return Objective(0, none.astype(np.uint64), none, nothing, *huffman_paths(words.counts))
    noise = words.noise(settings.noise_power)
    accept, alias = alias_table(noise)
    log_noise = nothing
    if settings.objective == "nce":
        log_noise = np.log(settings.negatives * noise).astype(np.float32)
    no_paths = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32), nothing)
    return Objective(settings.negatives, accept, alias, log_noise, *no_paths)
