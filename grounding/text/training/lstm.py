"""A sentence encoder that reads word by word: an LSTM, trained from pairs."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from grounding.errors import InputError, WeightsError
from grounding.text.sentence.folder import read_json
from grounding.text.sentence.pooling import pool
from grounding.text.tokens import tokenise
from grounding.text.training.encoder import TrainableEncoder, padded
from grounding.text.training.folders import PLAN, WEIGHTS, as_json, read_weights, write_folder

if TYPE_CHECKING:
    from grounding.text.static.embedding import StaticEmbedding


class LstmEncoder(TrainableEncoder):
    """Words one after another through an LSTM, then one vector of unit length.

    With the pooling "last", the state after the last word (Palangi et al., 2016); with "max", the highest value of each
    number over the states of two LSTMs, one of which reads backwards (InferSent, Conneau et al., 2017). Words are those
    of `tokenise`; all that are not in the vocabulary share one vector.

    Args:
        vocabulary: the words, as `tokenise` gives them, each once; `LstmEncoder.of` takes them from sentences.
        width: length of the vectors; even for "max".
        word_width: length of the vectors of words.
        pooling: "last" or "max".
        dropout: share of the numbers of word vectors that are left out in training.
        seed: of the first weights.

    Example:
        >>> encoder = LstmEncoder.of(captions, width=256)
        >>> fine_tune(encoder, pairs, InBatchNegatives(), run="runs/lstm")

    Raises:
        InputError: an empty vocabulary, words that repeat, an unknown pooling, an odd width with "max", or
            a number out of range.
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        width: int = 256,
        word_width: int = 128,
        pooling: Literal["last", "max"] = "max",
        dropout: float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(vocabulary, str) or not len(vocabulary):
            raise InputError(f"vocabulary: {vocabulary!r} found, expected at least one word; see LstmEncoder.of")
        if pooling not in ("last", "max"):
            raise InputError(f"pooling: {pooling!r} found, expected last or max")
        if width < 1 or (pooling == "max" and width % 2):
            raise InputError(f"width: {width} found, expected at least 1, and even with max, half for each direction")
        if word_width < 1 or not 0 <= dropout < 1:
            raise InputError(
                f"word_width, dropout: {word_width}, {dropout} found, expected at least 1, and from 0 to below 1"
            )
        self.settings: dict[str, Any] = {
            **{"vocabulary": list(vocabulary), "width": width, "word_width": word_width},
            **{"pooling": pooling, "dropout": dropout, "seed": seed},
        }
        self.width = width
        self.pooling = pooling
        self.places = {word: place for place, word in enumerate(vocabulary)}
        if len(self.places) < len(vocabulary):
            repeated = Counter(vocabulary).most_common(1)[0]
            raise InputError(f"vocabulary: {repeated[0]!r} found {repeated[1]} times, expected each word once")
        both = pooling == "max"
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.words = nn.Embedding(len(vocabulary) + 1, word_width)
            self.dropout = nn.Dropout(dropout)
            self.lstm = nn.LSTM(word_width, width // 2 if both else width, batch_first=True, bidirectional=both)

    @classmethod
    def of(
        cls,
        sentences: Sequence[str],
        *,
        minimum_count: int = 2,
        vectors: "StaticEmbedding | None" = None,
        **settings: Any,
    ) -> "LstmEncoder":
        """An untrained encoder with the words of some sentences, in alphabetical order.

        Args:
            sentences: to be trained on.
            minimum_count: how often a word must occur. With 1, the vector of unknown words is never trained.
            vectors: first vectors of the words that it has, brought to the spread of the others; then `word_width` is
                its width.
            settings: further arguments of the class.

        Raises:
            InputError: no word occurs that often.
        """
        counts = Counter(word for sentence in sentences for word in tokenise(sentence))
        vocabulary = sorted(word for word, count in counts.items() if count >= minimum_count)
        if not vocabulary:
            raise InputError(
                f"sentences: none of {len(counts)} words occurs {minimum_count} times, expected at least one; lower "
                "minimum_count"
            )
        if vectors is None:
            return cls(vocabulary, **settings)
        encoder = cls(vocabulary, **(settings | {"word_width": vectors.width}))
        known = [word for word in vocabulary if word in vectors]
        if known:
            found = torch.from_numpy(vectors.vectors(known)).float()
            with torch.no_grad():
                encoder.words.weight[[encoder.places[word] for word in known]] = found / found.std()
        return encoder

    @classmethod
    def load(cls, folder: Path | str) -> "LstmEncoder":
        """The encoder of a folder that `save` wrote.

        Raises:
            WeightsError: files are missing or damaged, or do not belong together.
        """
        folder = Path(folder)
        weights, digest = read_weights(folder)
        try:
            encoder = cls(**read_json(folder / PLAN))
            encoder.load_state_dict(weights)
        except (TypeError, RuntimeError, InputError) as error:
            raise WeightsError(f"{folder}: not an LstmEncoder ({error}); save the folder again") from error
        encoder.origin, encoder.trained = digest, (folder / WEIGHTS).is_file()
        return encoder

    def tokens(self, sentences: Sequence[str]) -> list[list[int]]:
        """The places of the words of each sentence in the vocabulary; all others have the place after the last.

        Raises:
            InputError: a sentence without words.
        """
        places = []
        for position, sentence in enumerate(sentences):
            words = tokenise(sentence)
            if not words:
                raise InputError(f"text {position}: no words found in {sentence!r}; write what is meant")
            places.append([self.places.get(word, len(self.places)) for word in words])
        return places

    def embed(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Vectors (B, width) of unit length, differentiable."""
        numbers, mask = padded(tokens, 0, self.device)
        words = self.dropout(self.words(numbers))
        packed = pack_padded_sequence(words, mask.sum(1).cpu(), batch_first=True, enforce_sorted=False)
        states, (last, _) = self.lstm(packed)
        if self.pooling == "last":
            return functional.normalize(last[-1], dim=1)
        return functional.normalize(pool(pad_packed_sequence(states, batch_first=True)[0], mask, "max"), dim=1)

    def save(self, folder: Path | str) -> None:
        """Write settings and weights into a folder."""
        write_folder(folder, {PLAN: as_json(self.settings)}, self.state_dict(), trained=self.trained)
