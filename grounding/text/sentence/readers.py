"""What a sentence encoder reads with: sentences to tokens, tokens to vectors that are yet to be pooled.

Every reader has a `width`, gives `tokens` for sentences (numbers, or words), and `states` for a batch of these, sorted
by length: blocks of vectors (B, T, width) with their mask (B, T), in order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
        self._tokenizer = load_tokenizer(folder.weights.folder, folder.max_tokens, folder.lower_case)
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
        self._tokenizer = load_tokenizer(folder.weights.folder, folder.max_tokens, folder.lower_case)
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
        WeightsError: as `empty_transformer` and `fill_weights`.
    """

    def __init__(self, folder: SentenceFolder, dtype: torch.dtype, device: torch.device) -> None:
        self._padding = int(folder.config.get("pad_token_id") or 0)
        self._device = device
        place = folder.weights.folder
        model = empty_transformer(place)
        fill_weights(model, load_tensors(place / "model.safetensors"), place)
        self._model = model.eval().requires_grad_(False).to(device, dtype)

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


def load_tokenizer(folder: Path, max_tokens: int | None, lower_case: bool = False) -> Any:
    """The `tokenizers.Tokenizer` of a folder, which does not pad, and cuts at `max_tokens`; None for never.

    Raises:
        WeightsError: `tokenizer.json` is missing or damaged.
    """
    from tokenizers import Tokenizer, normalizers

    file = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing more specific
        raise WeightsError(f"{file}: not readable as a tokenizer ({error}); fetch the folder again") from error
    tokenizer.no_padding()
    if max_tokens is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_tokens)
    if lower_case:
        following = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *following])
    return tokenizer


def empty_transformer(folder: Path) -> Any:
    """A transformer as a folder's `config.json` describes it, with random weights, for `fill_weights`.

    Raises:
        WeightsError: `config.json` is not one of a model that transformers knows, or of an encoder and decoder in one.
    """
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        # The random weights that are overwritten at once shall not advance the caller's generator.
        with torch.random.fork_rng(devices=[]):
            model = None if config.is_encoder_decoder else AutoModel.from_config(config, trust_remote_code=False)
    except Exception as error:  # transformers lets through what its parts raise
        reason = (str(error).strip().splitlines() or [""])[0]
        raise WeightsError(
            f"{folder / 'config.json'}: not the settings of a model that transformers has ({type(error).__name__}: "
            f"{reason}); fetch the folder again"
        ) from error
    if model is None:
        raise WeightsError(
            f"{folder}: an encoder and decoder in one ({config.model_type}) found, expected one of them; "
            "load it with sentence-transformers"
        )
    return model


def fill_weights(model: Any, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Put the stored weights of a folder into its transformer, which must not keep a single random one but the pooler.

    Raises:
        WeightsError: weights are missing, or have another shape than `config.json` says.
    """
    prefix = f"{model.base_model_prefix}."
    named = {name.removeprefix(prefix): value for name, value in weights.items()}
    try:
        report = model.load_state_dict(named, strict=False)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise WeightsError(f"{folder}: weights do not fit config.json ({reason}); fetch the folder again") from error
    missing = sorted(name for name in report.missing_keys if not name.startswith("pooler"))
    if missing:
        raise WeightsError(
            f"{folder}: {len(missing)} weights are missing, such as {', '.join(missing[:3])}; expected all that "
            "config.json asks for; fetch the folder again"
        )
