"""The contrastive decoder: patterns or epochs of several subjects in one `SharedSpace` with word or picture vectors."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from grounding.brain.decoding.folding import Splitting
from grounding.brain.decoding.linear import check_finite, scored_folds, vectors_of
from grounding.brain.decoding.retrieval import Decoding, summarise
from grounding.brain.folds import ByWordType
from grounding.brain.recording import Epochs, Responses
from grounding.encoders import NeuralEncoder, VoxelEncoder
from grounding.errors import InputError
from grounding.space import FitSettings, InfoNCE, SharedSpace, fit
from grounding.space.losses import Loss
from grounding.space.sampling import reseed

Layers = Literal["shared", "subject"]

SETTINGS = FitSettings(steps=200, batch=256, learning_rate=1e-3, warmup=20, weight_decay=0.1)


class GivenVectors(nn.Module):
    """Vectors (B, width) as their own features, each dimension on the scale of the training vectors.

    Args:
        mean: (width,) to be subtracted.
        spread: (width,) to divide by.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, mean: np.ndarray, spread: np.ndarray) -> None:
        super().__init__()
        self.width = len(mean)
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        self.register_buffer("spread", torch.as_tensor(spread, dtype=torch.float32))

    def forward(self, data: Tensor) -> Tensor:
        """Features (B, width) float32."""
        return (data.float() - self.mean) / self.spread


def train_decoder(
    brain: Responses | Epochs,
    vectors: Mapping[str, np.ndarray],
    *,
    run: Path | str,
    layers: Layers = "shared",
    dim: int = 64,
    width: int = 128,
    dropout: float = 0.25,
    loss: Loss = InfoNCE(),
    settings: FitSettings = SETTINGS,
) -> SharedSpace:
    """Train one trunk for all subjects so that a pattern lies near the vector of its word.

    Epochs are encoded by `NeuralEncoder`, patterns by `VoxelEncoder` (standardise their runs before). Rows with the
    same word are positives of each other, so repetitions are no negatives. The space has the modalities "neural" and
    "vectors"; ``fit`` resumes a run that was killed.

    Args:
        brain: (n, v) patterns or (n, C, L) epochs, rows with words: all are trained on.
        vectors: (d,) by word.
        run: folder of the training.
        layers: "shared" gives all subjects one first layer, so that a subject that was never seen can be encoded;
            "subject" one each.
        dim: of the shared space.
        width: of the encoder.
        dropout: of encoder and heads.
        loss: of the pairs.
        settings: of the training, its seed with it.

    Raises:
        InputError: as `grounding.brain.decoding.decode`; other ``layers``.
    """
    if layers not in ("shared", "subject"):
        raise InputError(f"layers: {layers!r} found, expected 'shared' or 'subject'")
    words, targets = vectors_of(brain.rows, vectors)
    check_finite(brain)
    mean, spread = targets.mean(0), np.where(targets.std(0) > 0, targets.std(0), 1)
    channels = brain.data.shape[1]
    subjects = sorted(set(brain.rows.subject.tolist()))
    sizes: int | dict[str, int] = channels if layers == "shared" else dict.fromkeys(subjects, channels)
    with torch.random.fork_rng(devices=[]):
        reseed(settings.seed, torch.device("cpu"))
        encoder = (
            NeuralEncoder(sizes, width, dropout=dropout)
            if isinstance(brain, Epochs)
            else VoxelEncoder(sizes, width, dropout)
        )
        # Few different vectors are there to learn from, so their head is a plain linear map.
        space = SharedSpace(dim, dropout=dropout, head="linear", neural=encoder, vectors=GivenVectors(mean, spread))
    samples = [
        {"id": word, "neural": _signal(brain, row), "vectors": target}
        for row, (word, target) in enumerate(zip(words.tolist(), targets.astype(np.float32), strict=True))
    ]
    fit(space, {"brain": samples}, loss, run=run, settings=settings)
    return space


def decode_contrastively(
    brain: Responses | Epochs,
    vectors: Mapping[str, np.ndarray],
    folds: Splitting = ByWordType(10),
    *,
    run: Path | str,
    layers: Layers = "shared",
    permutations: int = 1000,
    resamples: int = 1000,
    seed: int = 0,
    **training: Any,
) -> Decoding:
    """Train a decoder in each fold and find the words of its test rows, as `grounding.brain.decoding.decode` does.

    Args:
        brain: as for `train_decoder`.
        vectors: (d,) by word, for every word of the rows.
        folds: how rows are held out; of unseen subjects, ``layers`` must be "shared".
        run: folder; the training of fold k lies in ``fold-k``, and a call with the same arguments goes on from there.
        layers: as for `train_decoder`.
        permutations: of the test; 0 for no p-values.
        resamples: of the bootstrap.
        seed: of both; that of the training is in its ``settings``.
        training: further arguments of `train_decoder`.

    Raises:
        InputError: as `train_decoder`; subjects held out although each has a layer of its own.
    """
    words, _ = vectors_of(brain.rows, vectors)
    parted = folds.split(brain.rows)
    subjects = brain.rows.subject
    if layers == "subject" and any(set(subjects[f.test]) - set(subjects[f.train]) for f in parted):
        raise InputError("layers: 'subject' found with subjects held out, who then have no layer; expected 'shared'")
    numbers = iter(range(len(parted)))

    def score(train: np.ndarray, test: np.ndarray, items: list[str]) -> np.ndarray:
        folder = Path(run) / f"fold-{next(numbers)}"
        space = train_decoder(take(brain, train), vectors, run=folder, layers=layers, **training)
        found = space.encode(
            neural=[_signal(brain, row) for row in test.tolist()],
            vectors=np.array([vectors[item] for item in items], dtype=np.float32),
        )
        return found["neural"] @ found["vectors"].T

    return summarise(
        f"contrastive {'NeuralEncoder' if isinstance(brain, Epochs) else 'VoxelEncoder'}, {layers} first layer",
        parted,
        scored_folds(parted, words, score),
        brain.rows,
        words,
        synthetic=brain.synthetic,
        permutations=permutations,
        resamples=resamples,
        seed=seed,
    )


def take(brain: Responses | Epochs, places: np.ndarray) -> Responses | Epochs:
    """The rows at these ascending places."""
    return replace(brain, data=brain.data[places], rows=brain.rows.take(places))


def _signal(brain: Responses | Epochs, row: int) -> dict[str, Any]:
    return {"signal": brain.data[row].astype(np.float32, copy=False), "subject": str(brain.rows.subject[row])}
