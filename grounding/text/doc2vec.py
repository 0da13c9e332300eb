"""Doc2Vec: a vector for each document, trained to predict the document's words (Le and Mikolov 2014), by gensim.

gensim is an optional dependency. What is added to it: documents longer than the 10,000 words at which gensim stops
reading, vectors of new texts that are the same in every process, and files that are no pickles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import atomic
from grounding.settings import read_settings, write_settings
from grounding.text.vocabulary import Vocabulary

LONGEST = 10_000
"""Words that gensim reads of one text."""


@dataclass(frozen=True)
class Doc2VecSettings:
    """How `Doc2Vec` is trained.

    Attributes:
        width: length of the vectors.
        mean_of_context: predict a word from the mean of document and neighbours (PV-DM); else each of its words from
            the document alone (PV-DBOW), which is faster and, on most tasks, as good or better (Lau and Baldwin 2016).
        window: words on either side, for PV-DM.
        negatives: noise words for every word.
        min_count: words that occur less often are left out.
        sample: threshold of the subsampling of frequent words.
        epochs: passes over the documents, in training and when a new text is read.
        learning_rate: at first; it falls linearly to 0.0001.

    Raises:
        InputError: a number that is too small.
    """

    width: int = 100
    mean_of_context: bool = False
    window: int = 5
    negatives: int = 5
    min_count: int = 2
    sample: float = 1e-5
    epochs: int = 20
    learning_rate: float = 0.05

    def __post_init__(self) -> None:
        for name in ("width", "window", "negatives", "min_count", "epochs"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} found, expected 1 or more")
        if not self.sample >= 0 or not self.learning_rate > 0:
            raise InputError(
                f"sample, learning_rate: {self.sample}, {self.learning_rate} found, expected 0 or more, and more than 0"
            )


class Doc2Vec:
    """A trained model; made by `train` or `load`.

    Attributes:
        settings: what it was trained with.
        seed: of the training, and of the vectors of new texts.
        vectors: float32 (N, width), of the training documents.

    Example:
        >>> model = Doc2Vec.train([tokenise(chapter) for chapter in chapters], seed=0)
        >>> model.infer([tokenise("It is a truth universally acknowledged")]).shape
        (1, 100)
    """

    def __init__(self, settings: Doc2VecSettings, seed: int, model: Any) -> None:
        self.settings = settings
        self.seed = seed
        self.vectors: np.ndarray = model.dv.vectors
        self._model = model

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.settings.width

    @classmethod
    def train(
        cls, documents: Sequence[Sequence[str]], settings: Doc2VecSettings | None = None, *, seed: int = 0
    ) -> "Doc2Vec":
        """Learn words and documents together, in one thread, since with several gensim's result is left to chance.

        Args:
            documents: the words of each.
            settings: the defaults, when None.
            seed: of the first vectors and of all draws.

        Raises:
            InputError: gensim is not installed, there are no documents, one is a string or has no words, or none of its
                words is as frequent as `min_count`.
        """
        _check(documents)
        settings = settings or Doc2VecSettings()
        model = _gensim_model(settings, seed)
        tagged = _tagged(documents)
        model.build_vocab(tagged)
        for number, words in enumerate(documents):
            if not any(word in model.wv for word in words):
                raise InputError(
                    f"document {number}: none of its {len(words)} words occurs {settings.min_count} times in all "
                    "documents; lower min_count, or leave it out"
                )
        model.train(tagged, total_examples=model.corpus_count, epochs=settings.epochs)
        return cls(settings, seed, model)

    def infer(self, documents: Sequence[Sequence[str]]) -> np.ndarray:
        """Vectors of new documents, float32 (N, width), each by itself: words and all else stay as they are.

        The result depends on the words, the model and its seed alone. Unknown words are left out.

        Raises:
            InputError: no documents, or one of which no word is known.
        """
        from gensim.models import doc2vec

        _check(documents)
        settings, model = self.settings, self._model
        rates = np.linspace(settings.learning_rate, model.min_alpha, settings.epochs)
        vectors = np.empty((len(documents), settings.width), dtype=np.float32)
        for number, words in enumerate(documents):
            known = [word for word in words if word in model.wv]
            if not known:
                raise InputError(f"document {number}: none of its {len(words)} words is in the vocabulary")
            # gensim seeds the first vector with Python's hash of the words, which differs from process to process.
            model.random = np.random.RandomState(self.seed)
            start = (np.random.default_rng(self.seed).random(settings.width) - 0.5) / settings.width
            vector = start.astype(np.float32)[None]
            arguments: dict[str, Any] = {
                "doctag_vectors": vector,
                "doctags_lockf": np.ones(1, dtype=np.float32),
                "learn_words": False,
                "learn_hidden": False,
            }
            update = doc2vec.train_document_dm if settings.mean_of_context else doc2vec.train_document_dbow
            for rate in rates:
                for piece in _pieces(known):
                    update(model, piece, [0], rate, **arguments)
            vectors[number] = vector[0]
        return vectors

    def save(self, folder: str | Path) -> None:
        """Write `doc2vec.toml`, `words.tsv` and `vectors.safetensors` into a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        from safetensors.numpy import save_file

        folder, words = Path(folder), self._model.wv
        arrays = {"documents": self.vectors, "words": words.vectors, "hidden": self._model.syn1neg}
        with atomic(folder / "vectors.safetensors") as temporary:
            save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
        counts = np.array([words.get_vecattr(word, "count") for word in words.index_to_key], dtype=np.int64)
        Vocabulary(words.index_to_key, counts).save(folder / "words.tsv")
        write_settings(_Saved(self.seed, self.settings), folder / "doc2vec.toml")

    @classmethod
    def load(cls, folder: str | Path) -> "Doc2Vec":
        """Read what `save` wrote.

        Raises:
            DataError: the folder has no such model, or its files do not fit together.
            InputError: gensim is not installed.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = Path(folder)
        saved = read_settings(_Saved, folder / "doc2vec.toml")
        model = _gensim_model(saved.settings, saved.seed)
        known = Vocabulary.load(folder / "words.tsv")
        try:
            arrays = load_file(folder / "vectors.safetensors")
            documents, words, hidden = arrays["documents"], arrays["words"], arrays["hidden"]
        except (OSError, SafetensorError, KeyError) as error:
            raise DataError(f"{folder / 'vectors.safetensors'}: not readable ({error}); save it again") from error
        expected = (len(known), saved.settings.width)
        if words.shape != expected or hidden.shape != expected or documents.shape[1:] != expected[1:]:
            raise DataError(
                f"{folder}: words {words.shape}, hidden {hidden.shape} and documents {documents.shape} found, expected "
                f"{expected} twice and as wide; save it again"
            )
        # The rows are in the order of the file, which must not be sorted anew.
        model.sorted_vocab = 0
        model.build_vocab_from_freq(dict(zip(known.words, known.counts.tolist(), strict=True)))
        model.wv.vectors, model.syn1neg, model.dv.vectors = words, hidden, documents
        return cls(saved.settings, saved.seed, model)


@dataclass(frozen=True)
class _Saved:
    seed: int
    settings: Doc2VecSettings


def _gensim_model(settings: Doc2VecSettings, seed: int) -> Any:
    try:
        from gensim.models import doc2vec
    except ImportError as error:
        raise InputError("Doc2Vec: gensim is not installed; pip install 'grounding[gensim]'") from error
    return doc2vec.Doc2Vec(
        vector_size=settings.width,
        dm=int(settings.mean_of_context),
        window=settings.window,
        negative=settings.negatives,
        min_count=settings.min_count,
        sample=settings.sample,
        alpha=settings.learning_rate,
        epochs=settings.epochs,
        seed=seed,
        workers=1,
    )


def _tagged(documents: Sequence[Sequence[str]]) -> list[Any]:
    """gensim's documents, long ones in several pieces under one number."""
    from gensim.models.doc2vec import TaggedDocument

    return [TaggedDocument(piece, [number]) for number, words in enumerate(documents) for piece in _pieces(words)]


def _pieces(words: Sequence[str]) -> list[list[str]]:
    return [list(words[start : start + LONGEST]) for start in range(0, len(words), LONGEST)]


def _check(documents: Sequence[Sequence[str]]) -> None:
    if not len(documents):
        raise InputError("documents: an empty list found, expected at least one")
    for number, words in enumerate(documents):
        if isinstance(words, str) or not len(words):
            raise InputError(f"document {number}: {words!r} found, expected a list of words; see `tokenise`")
