"""How predictable words are to a language model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.errors import InputError
from grounding.text.contextual.words import SPACE_MARKS

# What a row of scores is for; a row may serve several purposes.
SUBWORD, FIRST, BEFORE, AFTER = 1, 2, 4, 8


@dataclass(frozen=True)
class Predictability:
    """How predictable each word was; NaN where a model cannot say.

    Attributes:
        surprisal: float64 (words,), bits: minus log2 of the probability of the word's subwords, each given those before
            it; for masked models the pseudo-surprisal.
        rank: float64 (words,), 1 if the word's first subword was the likeliest of the vocabulary, 2 if second, ...
        entropy: float64 (words,), bits, of the distribution in which that rank was taken.
    """

    surprisal: np.ndarray
    rank: np.ndarray
    entropy: np.ndarray

    def within_top(self, k: int) -> np.ndarray:
        """Bool (words,): whether the word's first subword was among the k likeliest (Goldstein et al., 2022).

        False where the rank is NaN.

        Raises:
            InputError: k is less than 1.
        """
        if k < 1:
            raise InputError(f"top k: {k} found, expected at least 1")
        return self.rank <= k


@dataclass(frozen=True)
class Rows:
    """The places where a model is asked for the next (or the masked) subword.

    Attributes:
        words: int64 (rows,), index of the word that each is asked for.
        purposes: int64 (rows,), bits of `SUBWORD` (counts to the word's surprisal), `FIRST` (rank and entropy),
            `BEFORE` and `AFTER` (probability that a new word begins before and behind it).
        undefined: int64, indices of words that the model cannot predict.
    """

    words: np.ndarray
    purposes: np.ndarray
    undefined: np.ndarray


def scores(logits: Tensor, targets: Tensor, begins_word: Tensor | None = None) -> Tensor:
    """What is kept of a distribution over the vocabulary.

    Args:
        logits: (rows, vocabulary).
        targets: int64 (rows,), the subword that came; that of a row without one is of no consequence.
        begins_word: bool (vocabulary,), subwords that begin a new word.

    Returns:
        float64 (rows, 4): log probability of the target (nats), its rank from 1, entropy (nats), log probability that
        the next subword begins a new word (nats; 0 without `begins_word`).
    """
    logits = logits.float()
    normaliser = logits.logsumexp(1)
    truth = logits.gather(1, targets[:, None])
    # A tie counts for the target, so that a rank does not depend on the order of the vocabulary.
    rank = (logits > truth).sum(1) + 1
    shifted = logits - normaliser[:, None]
    # A subword that the model rules out (minus infinity) adds nothing, where zero times infinity would be NaN.
    entropy = -torch.where(shifted.isneginf(), 0.0, shifted.exp() * shifted).sum(1)
    boundary = torch.zeros_like(entropy) if begins_word is None else shifted[:, begins_word].logsumexp(1)
    columns = (truth[:, 0] - normaliser, rank, entropy, boundary)
    return torch.stack([column.double() for column in columns], 1)


def predictability(rows: Rows, table: np.ndarray, count: int) -> Predictability:
    """Put rows of scores together to words.

    Args:
        rows: what each row is for.
        table: float64 (rows, 4), as `scores` gives them.
        count: number of words.
    """
    bits = table[:, (0, 2, 3)] / np.log(2)
    surprisal = np.zeros(count)
    rank, entropy = np.full((2, count), np.nan)
    one = (rows.purposes & SUBWORD) > 0
    np.subtract.at(surprisal, rows.words[one], bits[one, 0])
    # Where BEFORE or AFTER were not asked for, no row has them and the surprisal stays the sum over subwords.
    for purpose, sign in ((BEFORE, 1.0), (AFTER, -1.0)):
        one = (rows.purposes & purpose) > 0
        np.add.at(surprisal, rows.words[one], sign * bits[one, 2])
    one = (rows.purposes & FIRST) > 0
    rank[rows.words[one]], entropy[rows.words[one]] = table[one, 1], bits[one, 1]
    for values in (surprisal, rank, entropy):
        values[rows.undefined] = np.nan
    return Predictability(surprisal, rank, entropy)


def word_beginnings(tokenizer: Any, vocabulary: int) -> np.ndarray:
    """Bool (vocabulary,): the subwords that begin with a space, and those that end a text.

    Raises:
        InputError: the tokenizer does not write spaces at the beginning of words.
    """
    pieces = tokenizer.convert_ids_to_tokens(list(range(min(vocabulary, len(tokenizer)))))
    begins = np.zeros(vocabulary, dtype=bool)
    # Ċ, ĉ and č are line feed, tabulator and carriage return in byte-level BPE.
    begins[: len(pieces)] = [
        bool(piece) and (piece[0] in SPACE_MARKS + "Ċĉč" or piece[0].isspace()) for piece in pieces
    ]
    if not begins.any():
        raise InputError(
            "whole_words: this tokenizer does not mark the beginning of words by a space, so that its probabilities "
            "are those of whole words already, or cannot be made so; leave whole_words out"
        )
    for special in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if special is not None and special < vocabulary:
            begins[special] = True
    return begins
