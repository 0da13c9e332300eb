"""Made-up layers of a language model: from what a word is to what it means after the words before it."""

from collections.abc import Mapping

import numpy as np

from grounding.brain.recording import Features, Transcript
from grounding.errors import InputError

KEPT = 0.6
"""The part of a layer's variance that comes from the layer below."""


def made_up_layers(
    transcripts: Mapping[str, Transcript], *, layers: int = 6, width: int = 16, seed: int
) -> tuple[Features, ...]:
    """Vectors for the words of each story, by layer.

    Layer 0 has one random vector for each spelling. Each next one keeps 60 % of its variance and takes the rest from
    products of the word with a memory of the words before it that fades the more slowly the deeper the layer. So
    neighbouring layers are alike, distant ones are not, and the deeper one is, the more it holds of the context.

    Args:
        transcripts: by story.
        layers: how many.
        width: p, of each layer.
        seed: of all weights.

    Returns:
        Features named "layer 0" to the last, (W, p) a story, each column with mean 0 and variance 1 over all words.

    Raises:
        InputError: no transcript, or fewer than 1 layer or column.
    """
    if not transcripts or layers < 1 or width < 1:
        raise InputError(
            f"{len(transcripts)} transcripts, {layers} layers of width {width}: expected at least 1 of each"
        )
    generator = np.random.default_rng(seed)
    # Sorted, so that the vectors depend on the words alone.
    vocabulary = sorted({word.lower() for transcript in transcripts.values() for word in transcript.words})
    vectors = dict(zip(vocabulary, generator.standard_normal((len(vocabulary), width)), strict=True))
    words = {name: np.stack([vectors[word.lower()] for word in t.words]) for name, t in transcripts.items()}
    state = _standardised(words)
    found = [state]
    for depth in range(1, layers):
        mix_word, mix_memory = generator.standard_normal((2, width, width)) / np.sqrt(width)
        fading = 1 - 1 / (1 + depth)
        new = _standardised({name: (x @ mix_word) * (_memory(x, fading) @ mix_memory) for name, x in words.items()})
        state = _standardised({name: np.sqrt(KEPT) * state[name] + np.sqrt(1 - KEPT) * new[name] for name in state})
        found.append(state)
    return tuple(
        Features(f"layer {depth}", {name: x.astype(np.float32) for name, x in states.items()})
        for depth, states in enumerate(found)
    )


def _memory(x: np.ndarray, fading: float) -> np.ndarray:
    """What is left of the words before each one, (W, p)."""
    from scipy.signal import lfilter

    return lfilter([0.0, 1.0], [1.0, -fading], x, axis=0)


def _standardised(runs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    everything = np.concatenate(list(runs.values()))
    mean, deviation = everything.mean(0), everything.std(0)
    return {name: (x - mean) / np.where(deviation > 0, deviation, 1) for name, x in runs.items()}
