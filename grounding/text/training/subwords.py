"""Tokenizers learned from text, and the cheapest encoder there is: the mean of the vectors of subwords."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError, WeightsError
from grounding.text.sentence.readers import load_tokenizer
from grounding.text.training.encoder import TrainableEncoder
from grounding.text.training.folders import WEIGHTS, modules_files, read_weights, write_folder

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class SubwordAverage(TrainableEncoder):
    """The mean of the vectors of a sentence's subwords, brought to unit length, whatever their order.

    A sentence costs one look-up a subword, some hundred times less than a transformer, in training and after. `save`
    writes the layout of sentence-transformers' `StaticEmbedding`.

    Args:
        tokenizer: a `tokenizers.Tokenizer`.
        width: length of the vectors.
        seed: of the first vectors.

    Example:
        >>> encoder = SubwordAverage.of(captions, width=384)
        >>> encoder.encode(["open the top drawer"]).shape
        (1, 384)
    """

    def __init__(self, tokenizer: Any, width: int = 384, seed: int = 0) -> None:
        super().__init__()
        if width < 1:
            raise InputError(f"width: {width} found, expected at least 1")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.width = width
        self._tokenizer = tokenizer
        drawn = torch.randn(tokenizer.get_vocab_size(), width, generator=torch.Generator().manual_seed(seed))
        self.vectors = nn.EmbeddingBag.from_pretrained(drawn * width**-0.5, freeze=False, mode="mean")

    @classmethod
    def of(cls, sentences: Iterable[str], width: int = 384, vocabulary: int = 16000, seed: int = 0) -> "SubwordAverage":
        """An untrained encoder whose subwords are learned from sentences; see `train_tokenizer`."""
        return cls(train_tokenizer(sentences, vocabulary), width, seed)

    @classmethod
    def load(cls, folder: Path | str) -> "SubwordAverage":
        """The encoder of a folder that `save`, or sentence-transformers, wrote.

        Raises:
            WeightsError: files are missing or damaged.
        """
        folder = Path(folder)
        weights, digest = read_weights(folder)
        matrix = weights.get("embedding.weight")
        tokenizer = load_tokenizer(folder, None)
        if matrix is None or len(matrix) != tokenizer.get_vocab_size():
            found = "none" if matrix is None else str(len(matrix))
            raise WeightsError(
                f"{folder}: {found} vectors in embedding.weight found, expected {tokenizer.get_vocab_size()}, one for "
                "each entry of tokenizer.json; save the folder again"
            )
        encoder = cls(tokenizer, matrix.shape[1])
        encoder.vectors.load_state_dict({"weight": matrix})
        encoder.origin, encoder.trained = digest, (folder / WEIGHTS).is_file()
        return encoder

    def tokens(self, sentences: Sequence[str]) -> list[list[int]]:
        """The numbers of the subwords of each sentence.

        Raises:
            InputError: a sentence without any, such as one of control characters.
        """
        found = [each.ids for each in self._tokenizer.encode_batch_fast(list(sentences), add_special_tokens=False)]
        if [] in found:
            position = found.index([])
            raise InputError(f"text {position}: no subwords found in {sentences[position]!r}; write what is meant")
        return found

    def embed(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Vectors (B, width) of unit length, differentiable."""
        starts = torch.tensor([0, *(len(each) for each in tokens[:-1])], device=self.device).cumsum(0)
        numbers = torch.tensor([number for each in tokens for number in each], device=self.device)
        return functional.normalize(self.vectors(numbers, starts), dim=1)

    def save(self, folder: Path | str) -> None:
        """Write the folder as sentence-transformers lays out a `StaticEmbedding`."""
        files = modules_files("StaticEmbedding")
        write_folder(
            folder,
            files | {"tokenizer.json": self._tokenizer.to_str().encode()},
            {"embedding.weight": self.vectors.weight},
            trained=self.trained,
        )


def train_tokenizer(sentences: Iterable[str], vocabulary: int = 16000) -> Any:
    """Learn a tokenizer of byte pairs for lower-cased text, accents kept: [CLS] subwords [SEP].

    Byte pair encoding (Sennrich et al., 2016) on the bytes of UTF-8 (Radford et al., 2019), so that no character of any
    script is unknown. The same sentences give the same tokenizer.

    Args:
        sentences: in all languages that it shall read.
        vocabulary: most tokens that it may have, 5 special ones and 256 bytes included.

    Raises:
        InputError: no sentences, or a vocabulary that leaves no room for any.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    if isinstance(sentences, str):
        raise InputError("sentences: one string found, expected several; write [text]")
    smallest = len(SPECIAL) + 256
    if vocabulary <= smallest:
        raise InputError(f"vocabulary: {vocabulary} found, expected more than {smallest}, special tokens and bytes")
    tokenizer = Tokenizer(models.BPE())
    # Accents stay: in German and French, as in most languages, they tell words apart.
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    if tokenizer.get_vocab_size() == smallest:
        raise InputError("sentences: no words found in them, expected text to learn subwords from")
    first, last = ((name, SPECIAL.index(name)) for name in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.BertProcessing(last, first)
    return tokenizer
