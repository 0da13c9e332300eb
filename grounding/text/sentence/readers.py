"""What a sentence encoder reads with: sentences to tokens, tokens to vectors that are yet to be pooled.

Every reader has a `width`, gives `tokens` for sentences (numbers, or words), and `states` for a batch of these, sorted
by length: blocks of vectors (B, T, width) with their mask (B, T), in order.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from grounding.errors import WeightsError
from grounding.text.sentence.folder import SentenceFolder
from grounding.text.tokens import tokenise

TABLE = "embedding.weight"
Block = tuple[Tensor, Tensor]
Tokens = Sequence[Any]
Network = Callable[[Sequence[Tokens]], Iterable[Block]]


class Reader(Protocol):
    """See the module."""

    width: int

    def tokens(self, sentences: Sequence[str]) -> list[Tokens]:
        """The tokens of each sentence."""

    def names(self) -> dict[Any, str]:
        """The token, as text, of every number; empty if tokens are words."""

    def states(self, batch: Sequence[Tokens]) -> Iterator[Block]:
        """Vectors of tokens; every sentence has at least one token."""


class TransformerReader:
    """Subwords and the states of a transformer's last layer.

    Args:
        folder: where it is and how it reads.
        network: computes the states of a batch of token numbers.
    """

    def __init__(self, folder: SentenceFolder, network: Network) -> None:
        self.width = folder.width
        self._tokenizer = _tokenizer(folder)
        self._network = network

    def tokens(self, sentences: Sequence[str]) -> list[Tokens]:
        """Token numbers, special tokens included."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(sentences))]

    def names(self) -> dict[Any, str]:
        """See `Reader`."""
        return {number: name for name, number in self._tokenizer.get_vocab().items()}

    def prompt_length(self, prompt: str) -> int:
        """How many of the first tokens of a sentence belong to its prompt."""
        encoding = self._tokenizer.encode(prompt)
        return len(encoding.ids) - (encoding.special_tokens_mask[-1] if encoding.ids else 0)

    def states(self, batch: Sequence[Tokens]) -> Iterator[Block]:
        """See `Reader`."""
        yield from self._network(batch)


class SubwordReader:
    """Subwords and a table of their vectors, without context: the StaticEmbedding of sentence-transformers."""

    def __init__(self, folder: SentenceFolder, device: torch.device) -> None:
        self.width = table_width(folder.weights.folder)
        self._tokenizer = _tokenizer(folder)
        self._table = load_tensors(folder.weights.folder / "model.safetensors")[TABLE].to(device, torch.float32)

    def tokens(self, sentences: Sequence[str]) -> list[Tokens]:
        """Token numbers, without special tokens."""
        return [e.ids for e in self._tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False)]

    def names(self) -> dict[Any, str]:
        """See `Reader`."""
        return {number: name for name, number in self._tokenizer.get_vocab().items()}

    def states(self, batch: Sequence[Tokens]) -> Iterator[Block]:
        """See `Reader`."""
        for count, length, run in runs(batch):
            numbers = torch.tensor(run, device=self._table.device).view(count, length)
            yield self._table[numbers], torch.ones(count, length, dtype=torch.bool, device=self._table.device)


class WordReader:
    """Words and their vectors: of a static embedding, or in the context of their sentence.

    Args:
        source: a `StaticEmbedding`, whose unknown words are left out; or a model with `states`, such as a
            `ContextualModel` or a `CharacterLM`, whose last layer is taken.
    """

    def __init__(self, source: Any) -> None:
        self.width = int(source.width)
        self.source = source
        self._in_context = has_context(source)

    def tokens(self, sentences: Sequence[str]) -> list[Tokens]:
        """The words of `tokenise`, without those that the embedding does not know."""
        found = [tokenise(sentence) for sentence in sentences]
        return list(found) if self._in_context else [[word for word in words if word in self.source] for words in found]

    def names(self) -> dict[Any, str]:
        """Words are their own names."""
        return {}

    def states(self, batch: Sequence[Tokens]) -> Iterator[Block]:
        """See `Reader`."""
        vectors = torch.from_numpy(np.ascontiguousarray(self._vectors(batch), dtype=np.float32))
        start = 0
        for count, length, run in runs(batch):
            stop = start + len(run)
            yield vectors[start:stop].view(count, length, -1), torch.ones(count, length, dtype=torch.bool)
            start = stop

    def _vectors(self, batch: Sequence[Tokens]) -> np.ndarray:
        """Of all words of the batch, one behind the other, (words, width)."""
        if self._in_context:
            return self.source.states([list(words) for words in batch], layers=(-1,))[0]
        return self.source.vectors([word for words in batch for word in words])


def has_context(source: Any) -> bool:
    """Whether a source of words gives them states in their context; a static embedding does not."""
    return hasattr(source, "states")


class PaddedNetwork:
    """Any other encoder or decoder of transformers, in batches filled up to the longest sentence.

    Raises:
        WeightsError: an encoder and decoder in one, or weights are missing.
    """

    def __init__(self, folder: SentenceFolder, dtype: torch.dtype, device: torch.device) -> None:
        self._padding = int(folder.config.get("pad_token_id") or 0)
        self._device = device
        self._model = _transformer(folder.weights.folder, folder.config).to(device, dtype)

    def __call__(self, batch: Sequence[Tokens]) -> list[Block]:
        """States, float32 (B, T, width), and mask (B, T)."""
        lengths = torch.tensor([len(tokens) for tokens in batch])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        numbers = torch.full(mask.shape, self._padding)
        numbers[mask] = torch.tensor([number for tokens in batch for number in tokens])
        mask = mask.to(self._device)
        found = self._model(input_ids=numbers.to(self._device), attention_mask=mask.long())
        return [(found.last_hidden_state.float(), mask)]


def without_padding(states: Callable[[Sequence[Tokens]], Iterable[Tensor]]) -> Network:
    """A network of what gives (sentences, length, width) for each run of sentences of equal length."""

    def network(batch: Sequence[Tokens]) -> Iterator[Block]:
        for found in states(batch):
            yield found, torch.ones(found.shape[:2], dtype=torch.bool, device=found.device)

    return network


def runs(batch: Sequence[Tokens]) -> Iterator[tuple[int, int, list[Any]]]:
    """Of each run of sentences of equal length: how many, their length, and their tokens one behind the other."""
    for length, run in groupby(batch, key=len):
        sentences = list(run)
        yield len(sentences), length, [token for sentence in sentences for token in sentence]


def table_width(folder: Path) -> int:
    """The width of the vectors that a `SubwordReader` would read, without reading them.

    Raises:
        WeightsError: the file is not readable or has no such table.
    """
    from safetensors import SafetensorError, safe_open

    file = folder / "model.safetensors"
    try:
        with safe_open(file, framework="pt") as stream:
            return int(stream.get_slice(TABLE).get_shape()[1])
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file}: not readable or without {TABLE} ({error}); fetch the folder again") from error


def load_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        WeightsError: not readable.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file}: not readable as safetensors ({error}); fetch the folder again") from error


def _tokenizer(folder: SentenceFolder) -> Any:
    from tokenizers import Tokenizer, normalizers

    file = folder.weights.folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more specific
        raise WeightsError(f"{file}: not readable as a tokenizer ({error}); fetch the folder again") from error
    tokenizer.no_padding()
    if folder.max_tokens is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(folder.max_tokens)
    if folder.lower_case:
        following = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *following])
    return tokenizer


def _transformer(folder: Path, config: Any) -> torch.nn.Module:
    """The transformer with the stored weights; one that would keep a single random weight is refused."""
    from transformers import AutoConfig, AutoModel

    if config.get("is_encoder_decoder"):
        raise WeightsError(
            f"{folder}: an encoder and decoder in one ({config.get('model_type')}) found, expected one of them; "
            "load it with sentence-transformers"
        )
    # The random weights that are overwritten at once shall not advance the caller's generator.
    with torch.random.fork_rng(devices=[]):
        model: Any = AutoModel.from_config(AutoConfig.from_pretrained(str(folder), local_files_only=True))
    prefix = f"{model.base_model_prefix}."
    stored = {name.removeprefix(prefix): value for name, value in load_tensors(folder / "model.safetensors").items()}
    missing = model.load_state_dict(stored, strict=False).missing_keys
    missing = [name for name in missing if not name.startswith("pooler")]
    if missing:
        raise WeightsError(
            f"{folder / 'model.safetensors'}: {len(missing)} weights are missing, such as "
            f"{', '.join(sorted(missing)[:3])}; expected all that config.json asks for; fetch the folder again"
        )
    return model.eval().requires_grad_(False)
