"""fastText: vectors of words that are made of vectors of their parts (Bojanowski et al. 2017)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.sampling import alias_table, thresholds
from grounding.text.static.subwords import ngram_buckets
from grounding.text.static.training import check_pass_settings, train_passes
from grounding.text.vocabulary import Vocabulary

Architecture = Literal["skip-gram", "cbow"]


@dataclass(frozen=True)
class FastTextSettings:
    """Settings of `FastText.train`; the defaults are gensim's.

    fastText itself differs in `rate`, 0.05, and `sample`, 0.0001.

    Attributes:
        dim: length of a vector.
        window: largest distance between a word and a word of its context; each occurrence of a word draws its own
            from 1 to this, so that near words weigh more.
        architecture: "skip-gram", where each context word predicts the centre word, or "cbow", where the mean of the
            context does.
        negatives: samples of noise a window, drawn ∝ count**0.75.
        min_ngram: characters of the shortest n-grams, counting the < and > around a word.
        max_ngram: characters of the longest n-grams; 0 for none, which makes it word2vec.
        buckets: n-grams share vectors if their hashes have the same remainder by this number. Only buckets that the
            vocabulary uses take memory, 4·dim bytes each; there are never more than this.
        epochs: passes over the corpus.
        min_count: words that occur less often get no vector of their own and are left out of the text.
        sample: share of the corpus above which a word is subsampled; 0 for none.
        rate: learning rate at the first word.
        final_rate: learning rate at the last word; linear in between.
        threads: None for as many as there are processors. With one, the vectors depend on nothing but the arguments.

    Raises:
        InputError: a value that cannot be used.
    """

    dim: int = 100
    window: int = 5
    architecture: Architecture = "skip-gram"
    negatives: int = 5
    min_ngram: int = 3
    max_ngram: int = 6
    buckets: int = 2_000_000
    epochs: int = 5
    min_count: int = 5
    sample: float = 1e-3
    rate: float = 0.025
    final_rate: float = 1e-4
    threads: int | None = None

    def __post_init__(self) -> None:
        check_pass_settings(self)
        least = {"dim": 1, "window": 1, "negatives": 1, "min_count": 1, "min_ngram": 1, "max_ngram": 0, "buckets": 0}
        for name, lowest in least.items():
            if getattr(self, name) < lowest:
                raise InputError(f"{name}: {getattr(self, name)} found, expected {lowest} or more")
        if 0 < self.max_ngram < self.min_ngram:
            raise InputError(
                f"max_ngram: {self.max_ngram} found, expected min_ngram = {self.min_ngram} or more, or 0 for no n-grams"
            )
        if self.architecture not in get_args(Architecture):
            raise InputError(
                f"architecture: {self.architecture!r} found, expected one of {', '.join(get_args(Architecture))}"
            )
        if not 0 <= self.sample < math.inf:
            raise InputError(f"sample: {self.sample} found, expected a number of at least 0")


class FastText(StaticEmbedding):
    """Word vectors, and those of the character n-grams that they are the means of.

    The vector of a word of the vocabulary is the mean of a row of its own and the rows of its n-grams; that of any
    other word is the mean of its n-grams alone. An n-gram whose bucket no word of the vocabulary uses was never trained
    and counts as zero in that mean. So `vectors` and `similar` answer for almost every word, and `word in embedding`
    says whether they do; `word in embedding.words` says whether it has a row of its own.

    Attributes:
        arrays: "input" float32 (V + B, width), the rows of words, then those of buckets; "buckets" int64 (B,), which
            ones these are, ascending; and, where the training is known, "output" float32 (V, width).

    Example:
        >>> embedding = FastText.train(corpus, FastTextSettings(epochs=5), seed=0)
        >>> embedding.similar("unopenable", k=1)
        [('openable', 0.91)]

    Raises:
        InputError: arrays that are missing or do not fit together.
    """

    Settings = FastTextSettings

    def __init__(
        self, words: Vocabulary, matrix: np.ndarray, settings: FastTextSettings, arrays: dict[str, np.ndarray]
    ) -> None:
        if settings is None:
            raise InputError("settings: none found, expected FastTextSettings, which say what the n-grams are")
        if missing := {"input", "buckets"} - set(arrays):
            raise InputError(f"arrays: {', '.join(sorted(missing))} missing, expected input and buckets")
        expected = (len(words) + len(arrays["buckets"]), settings.dim)
        if arrays["input"].shape != expected:
            raise InputError(f"input: shape {arrays['input'].shape} found, expected {expected}: words and n-grams")
        if matrix.shape != (len(words), settings.dim):
            raise InputError(f"matrix: shape {matrix.shape} found, expected {(len(words), settings.dim)}")
        super().__init__(words, matrix, settings, arrays)

    @classmethod
    def of(
        cls,
        words: Vocabulary,
        rows: np.ndarray,
        buckets: np.ndarray,
        settings: FastTextSettings,
        output: np.ndarray | None = None,
    ) -> "FastText":
        """From trained rows, of which the word vectors are the means.

        Args:
            words: V words.
            rows: float32 (V + B, dim), of the words and then of the buckets.
            buckets: int64 (B,), numbers of these, ascending.
            settings: of these, `dim`, `min_ngram`, `max_ngram` and `buckets` have a say.
            output: float32 (V, dim), if known.
        """
        members, starts = word_rows(words.words, buckets, settings)
        arrays = {"input": rows, "buckets": buckets} | ({} if output is None else {"output": output})
        return cls(words, _means(rows, members, starts, np.diff(starts)), settings, arrays)

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        settings: FastTextSettings = FastTextSettings(),
        seed: int = 0,
        run: str | Path | None = None,
        progress: bool = False,
    ) -> "FastText":
        """Vectors of the words of a corpus and of their n-grams.

        All context words of a window share one set of negatives (Ji et al. 2016): each pair sees as many as in the
        original, and the work is several times faster. As in the original, each row of a word takes the whole step
        that their mean is to take. Threads write to the vectors without locks.

        Args:
            corpus: encoded text; windows do not reach across its documents.
            settings: see :class:`FastTextSettings`.
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
        from grounding.text.static.fasttext_kernels import new_reach, train_chunk
        from grounding.text.static.lanes import padded
        from grounding.text.static.window_kernels import Objective, new_step

        words = corpus.vocabulary.cut(settings.min_count)
        found, _ = ngram_buckets(words.words, settings.min_ngram, settings.max_ngram, settings.buckets)
        buckets = np.unique(found)
        rows, row_starts = word_rows(words.words, buckets, settings)
        width = padded(settings.dim)
        inputs = np.zeros((len(words) + len(buckets), width), dtype=np.float32)
        output = np.zeros((len(words), width), dtype=np.float32)
        first = np.random.default_rng(seed).random((len(inputs), settings.dim), dtype=np.float32)
        inputs[:, : settings.dim] = (2 * first - 1) / settings.dim
        keep = thresholds(words.keep_probabilities(settings.sample))
        none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
        objective = Objective(
            settings.negatives, *alias_table(words.noise()), nothing, none, none.astype(np.int32), nothing
        )

        def update(tokens: np.ndarray, starts: np.ndarray, rate: float, chunk_seed: np.uint64) -> float:
            step = new_step(objective, 2 * settings.window, width, len(tokens), chunk_seed)
            reach = new_reach(settings.window, width, settings.architecture == "cbow")
            summed, measured = train_chunk(
                *(tokens, starts, rate, inputs, output, keep, objective, rows, row_starts, settings.window, reach, step)
            )
            return summed / measured if measured else math.nan

        arrays = {"input": inputs, "output": output}
        train_passes(corpus, arrays, update, settings, seed=seed, run=run, progress=progress)
        inputs, output = (np.ascontiguousarray(array[:, : settings.dim]) for array in (inputs, output))
        embedding = cls.of(words, inputs, buckets, settings, output)
        if run is not None:
            embedding.save(run)
        return embedding

    def __contains__(self, word: object) -> bool:
        return word in self.words or (isinstance(word, str) and len(self._ngram_rows([word])[0]) > 0)

    def vectors(self, words: Sequence[str]) -> np.ndarray:
        """The vectors of words, float32 (N, width); of words that are not in the vocabulary, from their n-grams.

        Raises:
            KeyError: a word that is not in the vocabulary and of whose n-grams none was trained, by name.
            InputError: one string instead of a list.
        """
        unseen = [] if isinstance(words, str) else [word for word in dict.fromkeys(words) if word not in self.words]
        if not unseen:
            return super().vectors(words)
        rows, starts, counts = self._ngram_rows(unseen)
        for word, known in zip(unseen, np.diff(starts), strict=True):
            if not known:
                raise KeyError(f"{word}: not in the vocabulary, and no character n-gram of it is")
        made = dict(zip(unseen, _means(self.arrays["input"], rows, starts, counts), strict=True))
        return np.stack([made[word] if word in made else self.matrix[self.words.index[word]] for word in words])

    def _ngram_rows(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows (N,) of the trained n-grams, where those of each word begin (W + 1,), and the number of all (W,)."""
        settings = self.settings
        found, starts = ngram_buckets(words, settings.min_ngram, settings.max_ngram, settings.buckets)
        places, known = _find(found, self.arrays["buckets"])
        before = np.concatenate(([0], np.cumsum(known)))
        return len(self.words) + places[known], before[starts], np.diff(starts)


def word_rows(words: Sequence[str], buckets: np.ndarray, settings: FastTextSettings) -> tuple[np.ndarray, np.ndarray]:
    """Which rows make up the vector of each word of a vocabulary: that of its own, then those of its n-grams.

    Args:
        words: V words.
        buckets: int64 (B,), ascending, with all that the words use; their rows follow those of the words.
        settings: which n-grams.

    Returns:
        Rows int32 (N,), those of a word together, and int64 (V + 1,) where those of each word begin.

    Raises:
        InputError: a bucket is missing.
    """
    found, starts = ngram_buckets(words, settings.min_ngram, settings.max_ngram, settings.buckets)
    places, known = _find(found, buckets)
    if not known.all():
        word = words[int(np.searchsorted(starts, np.flatnonzero(~known)[0], "right")) - 1]
        raise InputError(f"buckets: that of an n-gram of {word!r} missing, expected all that the words use")
    starts = starts + np.arange(len(words) + 1)
    rows = np.empty(starts[-1], dtype=np.int32)
    own = np.zeros(len(rows), dtype=bool)
    own[starts[:-1]] = True
    rows[own] = np.arange(len(words))
    rows[~own] = len(words) + places
    return rows, starts


def _find(wanted: np.ndarray, sorted_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each wanted value is among the sorted ones, and whether it is there."""
    places = np.searchsorted(sorted_values, wanted)
    known = places < len(sorted_values)
    known[known] = sorted_values[places[known]] == wanted[known]
    return places, known


def _means(rows: np.ndarray, members: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The sum of the rows named from each start to the next, by the count of each; float32 (W, width)."""
    from scipy.sparse import csr_array

    ones = np.ones(len(members), dtype=np.float32)
    sums = csr_array((ones, members, starts), shape=(len(counts), len(rows))) @ rows
    return sums / counts.astype(np.float32)[:, None]
