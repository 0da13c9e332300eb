"""The contrastive decoder: patterns or epochs of several subjects in one `SharedSpace` with word or picture vectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from grounding.brain.decoding.linear import check_finite, scored_folds, vectors_of
from grounding.brain.decoding.retrieval import Decoding, summarise
from grounding.brain.folds import ByWordType, Splitting
from grounding.brain.recording import Epochs, Responses
from grounding.brain.rows import Rows
from grounding.encoders import NeuralEncoder, VoxelEncoder
from grounding.errors import InputError
from grounding.space import FitSettings, InfoNCE, SharedSpace, fit
from grounding.space.losses import Loss
from grounding.space.sampling import reseed

Layers = Literal["shared", "subject"]
Brain = Responses | Epochs

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


@dataclass(frozen=True)
class _Signals:
    """Rows of all subjects, whose channels may differ.

    Attributes:
        rows: what the n rows are.
        signals: n, as the encoders take them.
        channels: how many each subject has.
        encoder: of such signals.
        synthetic: whether a generator made any of them.
    """

    rows: Rows
    signals: list[dict[str, Any]]
    channels: dict[str, int]
    encoder: type[NeuralEncoder] | type[VoxelEncoder]
    synthetic: bool


def train_decoder(
    brain: Brain | Mapping[str, Brain],
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
        brain: (n, v) patterns or (n, C, L) epochs, rows with words: all are trained on. Subjects with different
            channels by their name.
        vectors: (d,) by word.
        run: folder of the training.
        layers: "shared" gives all subjects one first layer, so that a subject that was never seen can be encoded;
            "subject" one each, as different channels need.
        dim: of the shared space.
        width: of the encoder.
        dropout: of encoder and heads.
        loss: of the pairs.
        settings: of the training, its seed with it.

    Raises:
        InputError: as `grounding.brain.decoding.decode`; other ``layers``, or those shared by different channels;
            patterns beside epochs, or rows of another subject under a subject's name.

    Example:
        >>> space = train_decoder({"S01": epochs_of_64, "S02": epochs_of_61}, vectors, run="runs/d", layers="subject")
    """
    found = _signals(brain, layers)
    return _trained(
        found,
        np.arange(len(found.rows)),
        vectors,
        run=run,
        layers=layers,
        dim=dim,
        width=width,
        dropout=dropout,
        loss=loss,
        settings=settings,
    )


def decode_contrastively(
    brain: Brain | Mapping[str, Brain],
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
    found = _signals(brain, layers)
    words, _ = vectors_of(found.rows, vectors)
    parted = folds.split(found.rows)
    subjects = found.rows.subject
    if layers == "subject" and any(set(subjects[f.test]) - set(subjects[f.train]) for f in parted):
        raise InputError("layers: 'subject' found with subjects held out, who then have no layer; expected 'shared'")
    numbers = iter(range(len(parted)))

    def score(train: np.ndarray, test: np.ndarray, items: list[str]) -> np.ndarray:
        folder = Path(run) / f"fold-{next(numbers)}"
        space = _trained(found, train, vectors, run=folder, layers=layers, **training)
        told = space.encode(
            neural=[found.signals[row] for row in test.tolist()],
            vectors=np.array([vectors[item] for item in items], dtype=np.float32),
        )
        return told["neural"] @ told["vectors"].T

    return summarise(
        f"contrastive {found.encoder.__name__}, {layers} first layer",
        parted,
        scored_folds(parted, words, score),
        found.rows,
        words,
        synthetic=found.synthetic,
        permutations=permutations,
        resamples=resamples,
        seed=seed,
    )


def _signals(brain: Brain | Mapping[str, Brain], layers: str) -> _Signals:
    """All subjects' rows behind one another.

    Raises:
        InputError: as `train_decoder`.
    """
    if layers not in ("shared", "subject"):
        raise InputError(f"layers: {layers!r} found, expected 'shared' or 'subject'")
    parts = list(brain.values()) if isinstance(brain, Mapping) else [brain]
    if len({isinstance(part, Epochs) for part in parts}) != 1:
        raise InputError("brain: patterns beside epochs, or no subject, found; expected one kind for all subjects")
    for name, part in brain.items() if isinstance(brain, Mapping) else ():
        if others := sorted(set(part.rows.subject.tolist()) - {name}):
            raise InputError(f"brain: rows of subject {others[0]!r} found under {name!r}, expected its own only")
    runs = [run for part in parts for run in part.rows.runs()]
    if twice := sorted({run for run in runs if runs.count(run) > 1}):
        raise InputError(f"brain: two subjects have a run {twice[0]!r}; give each run a name of its own")
    channels: dict[str, int] = {}
    for part in parts:
        check_finite(part)
        channels |= dict.fromkeys(sorted(set(part.rows.subject.tolist())), part.data.shape[1])
    if layers == "shared" and len(set(channels.values())) > 1:
        raise InputError(f"layers: 'shared' found for channels {channels}, which differ; expected 'subject'")
    signals = [
        {"signal": signal.astype(np.float32, copy=False), "subject": subject}
        for part in parts
        for signal, subject in zip(part.data, part.rows.subject.tolist(), strict=True)
    ]
    return _Signals(
        Rows.joined([part.rows for part in parts]),
        signals,
        channels,
        NeuralEncoder if isinstance(parts[0], Epochs) else VoxelEncoder,
        any(part.synthetic for part in parts),
    )


def _trained(
    found: _Signals,
    train: np.ndarray,
    vectors: Mapping[str, np.ndarray],
    *,
    run: Path | str,
    layers: Layers,
    dim: int = 64,
    width: int = 128,
    dropout: float = 0.25,
    loss: Loss = InfoNCE(),
    settings: FitSettings = SETTINGS,
) -> SharedSpace:
    """As `train_decoder`, on the rows at the places ``train``."""
    words, targets = vectors_of(found.rows.take(train), vectors)
    mean, spread = targets.mean(0), np.where(targets.std(0) > 0, targets.std(0), 1)
    trained = sorted(set(found.rows.subject[train].tolist()))
    own = {subject: found.channels[subject] for subject in trained}
    sizes: int | dict[str, int] = own if layers == "subject" else own[trained[0]]
    with torch.random.fork_rng(devices=[]):
        reseed(settings.seed, torch.device("cpu"))
        encoder = found.encoder(sizes, width, dropout=dropout)
        # Few different vectors are there to learn from, so their head is a plain linear map.
        space = SharedSpace(dim, dropout=dropout, head="linear", neural=encoder, vectors=GivenVectors(mean, spread))
    samples = [
        {"id": word, "neural": found.signals[row], "vectors": target}
        for row, word, target in zip(train.tolist(), words.tolist(), targets.astype(np.float32), strict=True)
    ]
    fit(space, {"brain": samples}, loss, run=run, settings=settings)
    return space
