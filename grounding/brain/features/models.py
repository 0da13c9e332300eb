"""Features from language models: the states of their layers, and how surprising each word is to them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.brain.features.cache import StateCache
from grounding.brain.features.stimulus import Stimulus, each_word
from grounding.brain.recording import Features, Transcript
from grounding.errors import InputError

if TYPE_CHECKING:
    from grounding.text.contextual import Context


def states(
    stimulus: Stimulus,
    model: Any,
    layers: Sequence[int],
    *,
    context: "Context | None" = None,
    by_sentence: bool = False,
    subword: str = "mean",
    cache: Path | str | None = None,
    name: str = "model",
) -> dict[int, Features]:
    """The states of words in their context, by layer.

    The model is run once for all layers, and not at all for those that the cache holds. Runs with the same words, such
    as those of several subjects, are computed once. A run is one document: nothing is seen across its ends.

    Args:
        stimulus: what was heard.
        model: a `ContextualModel`, or a `CharacterLM`. ``model.untrained(seed)`` is the control of what the make of a
            model explains without training.
        layers: which, 0 for the embeddings, negative ones from the end.
        context: how much of its document a word sees, such as ``Context(words=64)``. Unless given, all that came before
            it; of a model that looks both ways, which would see words that were not heard yet, it must be given:
            ``Context(words=64)`` shows it the past alone, ``Context()`` everything.
        by_sentence: whether a word sees its own sentence alone.
        subword: whether a word's state is that of its "first" or "last" subword or their "mean".
        cache: a folder for the states, see `StateCache`; None to keep none.
        name: of the model in tables; the features are named "NAME layer L".

    Returns:
        Features with a row a word, (W, width), by the layers' numbers as they were given.

    Raises:
        InputError: no layer, or one that there is not; a word that the tokenizer has no subword for; a run without
            sentences where ``by_sentence`` needs them; no context for a model that looks both ways; a context or
            subword for a `CharacterLM`, which reads whole documents in both directions and whole words.
        DataError: a file of the cache is torn.
        StorageError: the cache cannot be written.

    Example:
        >>> by_layer = states(recording, ContextualModel("models/gpt2"), (0, 6, 12), context=Context(64), cache="cache")
        >>> series = averaged(by_layer[6], recording)
    """
    if not len(layers) or any(not -model.layers <= layer < model.layers for layer in layers):
        raise InputError(f"layers: {list(layers)} found, expected some of 0 (embeddings) to {model.layers - 1}")
    places = [int(layer) % model.layers for layer in layers]
    options = _options(model, context, {} if subword == "mean" else {"subword": subword})
    known: dict[tuple[tuple[str, ...], ...], dict[int, np.ndarray]] = {}

    def of_layer(place: int, transcript: Transcript) -> np.ndarray:
        documents = _documents(transcript, by_sentence)
        if documents not in known:
            stored = (
                None if cache is None else StateCache(Path(cache), model.fingerprint(), documents, context, subword)
            )
            known[documents] = _by_layer(model, documents, list(dict.fromkeys(places)), options, stored)
        return known[documents][place]

    return {
        layer: each_word(f"{name} layer {place}", stimulus, partial(of_layer, place))
        for layer, place in zip(layers, places, strict=True)
    }


def surprisal(
    stimulus: Stimulus,
    model: Any,
    *,
    context: "Context | None" = None,
    by_sentence: bool = False,
    name: str = "surprisal",
) -> Features:
    """How surprising each word is given those before it, (W, 1), in bits.

    Where a model cannot say, as for the first word of a document if it knows no beginning of a text, the mean of the
    run's other words stands in.

    Args:
        stimulus: what was heard.
        model: a `ContextualModel` with a head, or a `CharacterLM`, to which rare words are all one unknown word.
        context: as for `states`.
        by_sentence: whether a word is predicted from its own sentence alone.
        name: of the features.

    Raises:
        InputError: the model has no head; nothing can be predicted; or as `states`.
    """
    options = _options(model, context, {})

    def bits(transcript: Transcript) -> np.ndarray:
        found = model.surprisal(_documents(transcript, by_sentence), **options).surprisal
        if np.isnan(found).all():
            raise InputError(
                f"{name}: the model predicts none of {len(found)} words, each the first of its document; give longer "
                "documents or a model that knows the beginning of a text"
            )
        return np.where(np.isnan(found), np.nanmean(found), found)

    return each_word(name, stimulus, bits)


def _options(model: Any, context: "Context | None", options: dict[str, Any]) -> dict[str, Any]:
    from grounding.text.contextual.character_lm import CharacterLM

    options = options if context is None else {**options, "context": context}
    if isinstance(model, CharacterLM):
        if options:
            raise InputError(f"{', '.join(sorted(options))}: found with a CharacterLM, which reads whole documents and "
                             "whole words; leave it out, or use by_sentence")  # fmt: skip
        return options
    if context is None and not model.causal:
        raise InputError(
            "context: none found with a model that looks both ways, to which words not heard yet would be known; give "
            "Context(words=64) for the past alone, or Context() if everything is meant to be seen"
        )
    return options


def _documents(transcript: Transcript, by_sentence: bool) -> tuple[tuple[str, ...], ...]:
    if not by_sentence:
        return (transcript.words,)
    if transcript.sentences is None:
        raise InputError("by_sentence: a transcript without sentences found; find them by its text, or leave it out")
    begins = np.flatnonzero(np.r_[True, transcript.sentences[1:] != transcript.sentences[:-1]])
    return tuple(
        transcript.words[start:stop] for start, stop in zip(begins, [*begins[1:], len(transcript)], strict=True)
    )


def _by_layer(
    model: Any,
    documents: tuple[tuple[str, ...], ...],
    layers: list[int],
    options: dict[str, Any],
    cache: StateCache | None,
) -> dict[int, np.ndarray]:
    """The states (words, width) of each layer, from the cache where it has them and otherwise by the model."""
    found = {} if cache is None else {layer: kept for layer in layers if (kept := cache.read(layer)) is not None}
    missing = [layer for layer in layers if layer not in found]
    if missing:
        computed = dict(zip(missing, model.states(documents, layers=missing, **options), strict=True))
        if cache is not None:
            for layer, values in computed.items():
                cache.write(layer, values)
        found |= computed
    return found
