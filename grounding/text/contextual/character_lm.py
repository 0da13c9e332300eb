"""A language model in both directions that reads words letter by letter, as ELMo does."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from grounding.errors import InputError, WeightsError
from grounding.files import write_atomically
from grounding.settings import read_settings, write_settings
from grounding.text.contextual.characters import CharacterEncoder, spell
from grounding.text.contextual.surprisal import Predictability, scores
from grounding.text.contextual.two_way_lstm import DIRECTIONS, Direction, Dropout, Reading, TwoWayLSTM
from grounding.text.contextual.words import Words, as_documents
from grounding.text.vocabulary import Vocabulary

BATCH = 4096  # words at a time, padding included
BLOCK = 256  # words at a time whose probabilities of all words are held
BOUNDARY = ""


@dataclass(frozen=True)
class CharacterLMSettings:
    """Settings of a `CharacterLM` and its training; ELMo's own are about ten times as large.

    Attributes:
        words: the most frequent words, which are predicted; all others are predicted as one unknown word. Every word
            is read.
        projection: numbers a word and direction.
        hidden: cells of each LSTM; if more than `projection`, what they give is projected, as ELMo does.
        character_width: numbers a symbol.
        filters: (width in symbols, how many) of each convolution over a word.
        highways: highway layers over them.
        longest: bytes that are read of a word.
        cutoffs: ranks of words at which the adaptive softmax (Grave et al., 2017) turns to fewer numbers a word.
        segment: words of a document that are read together in training.
        batch: segments a step.
        epochs: passes through the corpus.
        learning_rate: of Adam, the highest; reached after `warmup` steps, then a cosine to zero.
        warmup: steps.
        dropout: chance of each number of the vectors of a segment to be left out.
        save_every: steps between checkpoints and lines of `metrics.jsonl`.

    Raises:
        InputError: a value out of range, by name.
    """

    words: int = 20_000
    projection: int = 192
    hidden: int = 192
    character_width: int = 16
    filters: tuple[tuple[int, int], ...] = ((1, 32), (2, 32), (3, 64), (4, 128))
    highways: int = 2
    longest: int = 48
    cutoffs: tuple[int, ...] = (1_000, 5_000)
    segment: int = 40
    batch: int = 32
    epochs: int = 1
    learning_rate: float = 4e-3
    warmup: int = 50
    dropout: float = 0.1
    save_every: int = 100

    def __post_init__(self) -> None:
        positive = ("words", "projection", "hidden", "character_width", "longest", "segment", "batch", "epochs")
        for name in (*positive, "save_every", "highways", "warmup"):
            value, least = getattr(self, name), int(name not in ("highways", "warmup"))
            if not isinstance(value, int) or value < least:
                raise InputError(f"{name}: {value!r} found, expected a whole number of at least {least}")
        if not self.filters or any(len(pair) != 2 or min(pair) < 1 for pair in self.filters):
            raise InputError(f"filters: {self.filters} found, expected pairs of width and number, such as ((3, 64),)")
        if list(self.cutoffs) != sorted(set(self.cutoffs)) or any(cut < 1 for cut in self.cutoffs):
            raise InputError(f"cutoffs: {self.cutoffs} found, expected rising ranks of at least 1, or ()")
        if self.projection < 4 ** len(self.cutoffs):
            # The adaptive softmax gives each further group of words a quarter of the numbers of the one before.
            raise InputError(
                f"projection: {self.projection} found, expected at least {4 ** len(self.cutoffs)} for "
                f"{len(self.cutoffs)} cutoffs"
            )
        if self.hidden < self.projection:
            raise InputError(f"projection: {self.projection} found, expected at most hidden, which is {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout: {self.dropout} found, expected a number from 0 to below 1")
        if not 0 < self.learning_rate < float("inf"):
            raise InputError(f"learning_rate: {self.learning_rate} found, expected a number above 0")


class Texts(NamedTuple):
    """Texts as the model reads them.

    Attributes:
        spelled: int64 (N, S), the different words of the texts; the first one is the boundary.
        rows: int64 (B, T), which of them each word is; the boundary where a text is shorter.
        lengths: int64 (B,), words of each text.
    """

    spelled: Tensor
    rows: Tensor
    lengths: Tensor


class CharacterLM(nn.Module):
    """ELMo's language model (Peters et al., 2018): any word has a vector, and each occurrence has its own.

    It has the interface of `ContextualModel`. A word's letters become a vector (`CharacterEncoder`), which two LSTMs
    of two layers read, one from the first word to the last and one from the last to the first, each trained to predict
    the next word of its direction. They share the letters and the softmax. The second layer adds to the first. What it
    does not take over from ELMo is the clipping of cells and the carrying of states from one batch to the next: every
    document begins at a boundary, with states of zero.

    `grounding.text.contextual.character_training.train` makes one from a corpus.

    Args:
        vocabulary: words that are predicted, most frequent first; the first `settings.words` of it are used.
        settings: what to build.
        seed: of the first weights.

    Attributes:
        words: the vocabulary of what is predicted.
        width: 2 × projection.
        layers: 3: the letters' vector (twice), and the two layers of both directions.

    Example:
        >>> model = CharacterLM.load("runs/books")
        >>> model.states(["open", "the", "top", "drawer"]).shape
        (3, 4, 384)
    """

    layers = 3

    def __init__(
        self, vocabulary: Vocabulary, settings: CharacterLMSettings = CharacterLMSettings(), *, seed: int = 0
    ) -> None:
        super().__init__()
        self.settings = settings
        self.words = vocabulary.cut(size=settings.words)
        size = settings.projection
        self.width = 2 * size
        classes = len(self.words) + 1
        # The softmax wants one cut at least.
        cutoffs = [cut for cut in settings.cutoffs if cut < classes] or [classes - 1]
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.characters = CharacterEncoder(
                settings.character_width, settings.filters, settings.highways, settings.projection
            )
            self.lstm = TwoWayLSTM(size, settings.hidden)
            self.softmax = nn.AdaptiveLogSoftmaxWithLoss(size, classes, cutoffs)

    def vectors(self, words: Sequence[str]) -> np.ndarray:
        """Vectors of words by their letters alone, float32 (N, projection); layer 0 holds each of them twice."""
        self.eval()
        with torch.inference_mode():
            return self.characters(spell(words, self.settings.longest)).numpy()

    def states(self, words: Words, *, layers: Sequence[int] | None = None) -> np.ndarray:
        """The states of words in their documents, float32 (layers, words, width), forward half first.

        The forward half of a word's state has read its document up to that word, the backward half from that word on.

        Args:
            words: as `ContextualModel.states` takes them, such as a list of words, or several of them whose words do
                not see each other. Words are read as they are written, so prepare them as those of the corpus were.
            layers: which, in the order wanted, negative ones from the end; None for all.

        Raises:
            InputError: unusable words, or a layer that there is not.
        """
        if isinstance(layers, int):
            raise InputError(f"layers: a single number found, expected several; write layers=({layers},)")
        chosen = list(range(self.layers) if layers is None else layers)
        if not chosen or any(not -self.layers <= layer < self.layers for layer in chosen):
            raise InputError(f"layers: {layers} found, expected some of 0 to {self.layers - 1}")
        documents = _documents(words)
        found = [np.empty(0, dtype=np.float32)] * len(documents)
        for places, texts in self._batches(documents):
            states = self.read(texts).states()[chosen]
            for row, place in enumerate(places):
                found[place] = states[:, row, : len(documents[place])].numpy()
        return np.concatenate(found, axis=1)

    def surprisal(self, words: Words, *, direction: Direction = "forward") -> Predictability:
        """How predictable words are given those before them in their document: surprisal in bits, rank, entropy.

        A word that is not in `words` counts as the unknown word: its surprisal is that of any such word, less than
        this very one would have.

        Args:
            words: as for `states`.
            direction: "backward" for words given those behind them.

        Raises:
            InputError: unusable words, or another direction.
        """
        if direction not in DIRECTIONS:
            raise InputError(f"direction: {direction!r} found, expected one of {', '.join(DIRECTIONS)}")
        documents = _documents(words)
        found = [np.empty(0)] * len(documents)
        for places, texts in self._batches(documents):
            before = self.read(texts).before(direction)
            classes = self.classes([documents[place] for place in places])
            for row, place in enumerate(places):
                length = len(documents[place])
                blocks = zip(before[row, :length].split(BLOCK), classes[row, :length].split(BLOCK), strict=True)
                table = [scores(self.softmax.log_prob(block), targets).numpy() for block, targets in blocks]
                found[place] = np.concatenate(table)
        log_probability, rank, entropy = np.concatenate(found).T[:3]
        return Predictability(-log_probability / math.log(2), rank, entropy / math.log(2))

    def perplexity(self, words: Words) -> tuple[float, float]:
        """Perplexity a word, forward and backward: e to the power of the mean of −log p.

        Args:
            words: as for `states`.

        Raises:
            InputError: unusable words.
        """
        documents = _documents(words)
        total, count = torch.zeros(2, dtype=torch.float64), 0
        for places, texts in self._batches(documents):
            chosen = [documents[place] for place in places]
            total += self.losses(chosen, texts).double().sum(1)
            count += sum(map(len, chosen))
        forward, backward = (total / count).exp().tolist()
        return forward, backward

    def fingerprint(self) -> str:
        """Digest of everything that determines the states: settings, words and weights."""
        digest = hashlib.sha256(repr((asdict(self.settings), list(self.words.words))).encode())
        for name, value in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.contiguous().numpy().tobytes())
        return f"character-lm-{digest.hexdigest()[:32]}"

    def save(self, folder: Path | str) -> None:
        """Write `config.toml`, `words.tsv` and `model.safetensors`.

        Raises:
            StorageError: the folder cannot be written.
        """
        from safetensors.torch import save

        folder = Path(folder)
        write_settings(self.settings, folder / "config.toml")
        self.words.save(folder / "words.tsv")
        write_atomically(folder / "model.safetensors", save(self.state_dict(), {"fingerprint": self.fingerprint()}))

    @classmethod
    def load(cls, folder: Path | str) -> "CharacterLM":
        """Read what `save` wrote.

        Raises:
            DataError: settings or words that are missing or damaged.
            WeightsError: weights that are missing, damaged, or of another model.
        """
        from safetensors import SafetensorError, safe_open

        folder = Path(folder)
        settings = read_settings(CharacterLMSettings, folder / "config.toml")
        model = cls(Vocabulary.load(folder / "words.tsv"), settings)
        file = folder / "model.safetensors"
        try:
            with safe_open(file, "pt") as stored:
                model.load_state_dict({name: stored.get_tensor(name) for name in stored.keys()})
                fingerprint = (stored.metadata() or {}).get("fingerprint")
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(
                f"{file}: not readable as the weights of this model ({reason}); train it again"
            ) from error
        if fingerprint != model.fingerprint():
            raise WeightsError(
                f"{file}: fingerprint {fingerprint} found, expected {model.fingerprint()} for these settings and "
                "words; the files of the folder do not belong together: train it again"
            )
        return model.eval()

    def texts(self, texts: Sequence[Sequence[str]]) -> Texts:
        """Words as the model reads them; nothing is checked."""
        place = {BOUNDARY: 0}
        rows = [torch.tensor([place.setdefault(word, len(place)) for word in text]) for text in texts]
        lengths = torch.tensor([len(row) for row in rows])
        return Texts(
            spell(list(place), self.settings.longest), nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths
        )

    def read(self, texts: Texts, dropout: Dropout | None = None) -> Reading:
        """Both directions over a batch of texts."""
        vectors = self.characters(texts.spelled)
        return self.lstm(vectors[texts.rows], texts.lengths, vectors[0], dropout)

    def losses(self, words: Sequence[Sequence[str]], texts: Texts, dropout: Dropout | None = None) -> Tensor:
        """−log p of every word, forward and backward, in nats (2, words), with gradients.

        Args:
            words: of each text.
            texts: the same as they are read.
            dropout: in training.
        """
        reading = self.read(texts, dropout)
        classes = self.classes(words)
        counts = torch.arange(classes.shape[1]) < texts.lengths[:, None]
        found = []
        for direction in DIRECTIONS:
            before = reading.before(direction)
            before = before if dropout is None else dropout(before)
            # In blocks, since a word takes as many numbers as there are frequent words.
            blocks = zip(before[counts].split(BATCH), classes[counts].split(BATCH), strict=True)
            found.append(torch.cat([self.softmax(block, targets).output for block, targets in blocks]))
        return -torch.stack(found)

    def classes(self, texts: Sequence[Sequence[str]]) -> Tensor:
        """What is to be predicted, int64 (B, T): the rank of a word from 1; 0 if it is unknown, and after the end."""
        index = self.words.index
        rows = [torch.tensor([index.get(word, -1) + 1 for word in text]) for text in texts]
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def _batches(self, texts: Sequence[Sequence[str]]) -> Iterator[tuple[list[int], Texts]]:
        """Places of texts of similar length, and what is read of them; without gradients."""
        self.eval()
        order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), place))
        with torch.inference_mode():
            while order:
                count = max(1, BATCH // len(texts[order[-1]]))
                chosen, order = order[-count:], order[:-count]
                yield chosen, self.texts([texts[place] for place in chosen])


def _documents(words: Words) -> list[Sequence[str]]:
    return [document.words for document in as_documents(words)]
