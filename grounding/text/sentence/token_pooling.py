"""From the tokens of many sentences to their pooled vectors, in batches that waste nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.errors import InputError
from grounding.text.sentence.pooling import POOLINGS, pool
from grounding.text.sentence.readers import Reader, Tokens

TOKENS_AT_ONCE = 1024
TOKENS_AT_ONCE_ON_GPU = 16384
Weigh = Callable[[Any], float]


def pool_tokens(
    reader: Reader,
    tokens: Sequence[Tokens],
    poolings: Sequence[str],
    *,
    weigh: Weigh | None = None,
    skip: int = 0,
    device: torch.device,
) -> Tensor:
    """Pooled vectors of sentences given as tokens, (B, poolings * width), in order.

    Equal sentences are computed once. A batch holds sentences of similar length, and so many of them that its number
    of tokens, padding included, stays below a limit. A sentence without a token that counts gets zeros.

    Args:
        reader: gives the states of tokens.
        tokens: of each sentence.
        poolings: as `grounding.text.sentence.pooling` names them; their vectors are concatenated.
        weigh: gives the weight of a token in "weighted" poolings; None for its position.
        skip: how many tokens at the beginning are not pooled.
        device: where the states are.
    """
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, sentence in enumerate(tokens):
        if counts(sentence, weigh):
            places.setdefault(tuple(sentence), []).append(place)
    different = sorted(places, key=lambda sentence: (len(sentence), sentence))
    vectors = torch.zeros(len(tokens), reader.width * len(poolings), device=device)
    most = TOKENS_AT_ONCE_ON_GPU if device.type == "cuda" else TOKENS_AT_ONCE
    for batch in _batches(different, most):
        found = torch.cat(list(_pooled(reader, batch, poolings, weigh, skip))).to(device)
        rows = [(row, place) for row, sentence in enumerate(batch) for place in places[sentence]]
        vectors[[place for _, place in rows]] = found[[row for row, _ in rows]]
    return vectors


def counts(sentence: Tokens, weigh: Weigh | None) -> bool:
    """Whether a sentence has a token of any weight."""
    return bool(len(sentence)) if weigh is None else any(weigh(token) > 0 for token in sentence)


def as_weight(name: str, weight: Any) -> float:
    """The weight of a token as a plain number.

    Raises:
        InputError: not a number, below 0 or not finite.
    """
    if not isinstance(weight, int | float | np.number) or not 0 <= weight < float("inf"):
        raise InputError(f"word_weights: {weight!r} found for {name!r}, expected a number of 0 or more")
    return float(weight)


def weigher(weights: Mapping[str, float], other: float, names: Mapping[Any, str]) -> Weigh:
    """A function that gives the weight of a token.

    Args:
        weights: of tokens as text, 0 or more; lower-cased where a token is not found as it is.
        other: the weight of all others.
        names: the text of tokens that are numbers.

    Raises:
        InputError: when called: a weight that `as_weight` refuses.
    """

    def weigh(token: Any) -> float:
        if token not in known:
            name = names.get(token, token)
            known[token] = as_weight(name, weights.get(name, weights.get(name.lower(), other)))
        return known[token]

    known: dict[Any, float] = {}
    return weigh


def chosen_poolings(pooling: str | Sequence[str] | None, usual: tuple[str, ...], *, weighted: bool) -> tuple[str, ...]:
    """The poolings that are asked for, or the usual; `weighted` if weights of words are given.

    Raises:
        InputError: an unknown one, "sif" among others, or weights for a pooling that has none.
    """
    chosen = usual if pooling is None else (pooling,) if isinstance(pooling, str) else tuple(pooling)
    unknown = [name for name in chosen if name not in (*POOLINGS, "sif")]
    if unknown or not chosen or ("sif" in chosen and len(chosen) > 1):
        raise InputError(f"pooling: {pooling!r} found, expected one or several of {', '.join(POOLINGS)}; or 'sif'")
    if weighted and not {"weighted", "sif"} & set(chosen):
        raise InputError(f"word_weights: found with pooling {'+'.join(chosen)}, expected 'weighted' or 'sif'")
    return chosen


def checked_sentences(sentences: Sequence[str]) -> Sequence[str]:
    """The sentences, if there are any and each has something to read.

    Raises:
        InputError: the list is empty; or a sentence is blank, not a string, or no valid Unicode.
    """
    if isinstance(sentences, str):
        raise InputError("text: one string found, expected a list of strings; write [text]")
    if not len(sentences):
        raise InputError("text: an empty list found, expected at least one sentence")
    for position, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise InputError(f"text {position}: {type(sentence).__name__} found, expected a string")
        if not sentence.strip():
            raise InputError(f"text {position}: no words found in {sentence!r}; write what is meant")
        try:
            sentence.encode()
        except UnicodeEncodeError as error:
            # Half a surrogate pair, as undecodable bytes leave it, is a character that no tokenizer takes.
            raise InputError(
                f"text {position}: a lone surrogate found in {sentence!r}, which is no Unicode; decode it as UTF-8"
            ) from error
    return sentences


def check_known(sentences: Sequence[str], known: Sequence[bool], start: int) -> None:
    """Refuse a sentence without a known word, the first of `sentences` being number `start`."""
    for place, sentence in enumerate(sentences):
        if not known[place]:
            raise InputError(
                f"text {start + place}: none of the words of {sentence!r} is known and weighs more than 0; leave the "
                "sentence out, or ask for unknown='zeros'"
            )


def _batches(sentences: list[tuple[Any, ...]], most: int) -> Iterator[list[tuple[Any, ...]]]:
    """Neighbours, sorted by length, with at most so many tokens in rows as long as the longest; at least one."""
    start = 0
    for stop in range(1, len(sentences) + 1):
        if stop == len(sentences) or (stop + 1 - start) * len(sentences[stop]) > most:
            yield sentences[start:stop]
            start = stop


def _pooled(
    reader: Reader, batch: Sequence[Tokens], poolings: Sequence[str], weigh: Weigh | None, skip: int
) -> Iterator[Tensor]:
    start = 0
    for states, mask in reader.states(batch):
        sentences = batch[start : start + len(states)]
        start += len(states)
        weights = None if weigh is None else _weights(sentences, mask, weigh)
        if skip:
            # Without weights of its own, the weight of a token is its position, counted from the prompt's beginning.
            weights = mask.cumsum(1) if weights is None else weights
            mask = mask.clone()
            mask[:, :skip] = False
        pooled = [pool(states, mask, kind, weights if kind == "weighted" else None) for kind in poolings]
        yield torch.cat(pooled, dim=1)


def _weights(sentences: Sequence[Tokens], mask: Tensor, weigh: Weigh) -> Tensor:
    weights = torch.zeros(mask.shape)
    for row, sentence in enumerate(sentences):
        weights[row, : len(sentence)] = torch.tensor([weigh(token) for token in sentence])
    return weights.to(mask.device)
