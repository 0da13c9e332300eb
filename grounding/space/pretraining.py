"""The first of two stages: each encoder by itself, as an autoencoder, before the space is trained."""

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders.data import Data, Padded, contents, gather, to_device
from grounding.encoders.frozen import digest_of
from grounding.errors import DataError, InputError
from grounding.files import write_atomically
from grounding.space.batch import Sample, check_sample, renderings
from grounding.space.distributed import rank, wait, world
from grounding.space.model import SharedSpace
from grounding.space.sampling import MODEL, RENDERING, reseed, seed_of

log = logging.getLogger(__name__)

DECODER = "pretraining"
RECORD = "grounding"
SEEN_FIRST = 512  # samples whose mean and spread stand for those of all


@dataclass(frozen=True)
class PretrainSettings:
    """Settings of `pretrain`.

    Attributes:
        steps: optimizer steps, of each encoder.
        batch: samples a step.
        learning_rate: the highest; a cosine to zero.
        noise: chance that a point, pixel, pose, channel or voxel of the input is set to zero (Vincent et al., 2008).
        seed: of everything random.
    """

    steps: int = 200
    batch: int = 64
    learning_rate: float = 1e-3
    noise: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or not 0 <= self.noise < 1:
            raise InputError(f"{self} found, expected steps and batch of at least 1 and noise from 0 to below 1")


def pretrain(
    space: SharedSpace,
    data: Mapping[str, Sequence[Sample]],
    *,
    run: Path | str,
    modalities: Sequence[str] | None = None,
    settings: PretrainSettings = PretrainSettings(),
) -> dict[str, float]:
    """Train encoders one by one as denoising autoencoders, on all data of their modality, paired or not.

    From the features of the corrupted input, a small decoder that is thrown away afterwards has to rebuild the
    encoder's `reconstruction_target` of the clean one, as Sung et al. (2017) prepared the towers of their space. What
    follows is `fit`. (The other way to a unimodal first stage is contrastive: `fit` a space with `intra=...` and
    `pair_weights` of 0 for the pairs of different modalities.)

    A finished encoder is kept in `run/pretraining` and read back the next time.

    Args:
        space: changed in place.
        data: as for `fit`.
        run: folder of the run.
        modalities: which to train; None for all whose encoder has a `reconstruction_target`.
        settings: how.

    Returns:
        By modality, the share of the variance of the target that the decoder explained over the last tenth of the
        steps: 0 is what the mean would, 1 is all.

    Raises:
        InputError: an encoder that has no `reconstruction_target`.
        DataError: samples that cannot be used, or none of a modality.
    """
    able = [name for name in space.modalities if hasattr(space.encoders[name], "reconstruction_target")]
    chosen = able if modalities is None else list(modalities)
    if unable := sorted(set(chosen) - set(able)):
        raise InputError(
            f"pretrain: {unable} found, expected some of {able}, whose encoder has a reconstruction_target"
        )
    values: dict[str, list[Any]] = {name: [] for name in chosen}
    for part, samples in data.items():
        for row, sample in enumerate(samples):
            check_sample(part, row, sample, space.modalities)
            for name in chosen:
                values[name].extend(renderings(sample.get(name)))
    if empty := [name for name in chosen if not values[name]]:
        raise DataError(f"pretrain: no data of {empty[0]} found; leave it out of `modalities`")
    folder = Path(run) / DECODER
    for number, name in enumerate(chosen):
        if number % world() == rank():
            _pretrain_one(space.encoders[name], name, values[name], folder / f"{name}.safetensors", settings)
    wait()
    return {name: _read(space.encoders[name], folder / f"{name}.safetensors")["explained"] for name in chosen}


def _pretrain_one(encoder: nn.Module, name: str, values: list[Any], file: Path, settings: PretrainSettings) -> None:
    from rich.progress import track

    identity = _identity(encoder, name, values, settings)
    if file.is_file() and _read(None, file).get("identity") == identity:
        return
    first = {key: value.clone() for key, value in encoder.state_dict().items()}
    with torch.random.fork_rng(devices=[]):
        device = next(encoder.parameters()).device
        reseed(seed_of(settings.seed, 0, RENDERING), device)
        batch = min(settings.batch, len(values))
        shuffled = torch.randperm(len(values))[:SEEN_FIRST].tolist()
        # What is the same in all samples need not be learned, and no scale of the target should change the steps.
        seen = encoder.reconstruction_target(to_device(gather(name, [values[row] for row in shuffled]), device))  # type: ignore[operator]
        center, spread = seen.mean(0), (seen - seen.mean(0)).square().mean().sqrt().clamp_min(1e-6)
        hidden = 2 * int(encoder.width)  # type: ignore[arg-type]
        decoder = nn.Sequential(nn.Linear(hidden // 2, hidden), nn.GELU(), nn.Linear(hidden, len(center))).to(device)
        optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=settings.learning_rate)
        encoder.train()
        errors: list[float] = []
        for step in track(range(settings.steps), f"pre-training {name}", transient=True, disable=rank() > 0):
            reseed(seed_of(settings.seed, step, MODEL), device)
            rows = torch.randperm(len(values))[:batch].tolist()
            data = to_device(gather(name, [values[row] for row in rows]), device)
            target = (encoder.reconstruction_target(data) - center) / spread  # type: ignore[operator]
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
            error = functional.mse_loss(decoder(encoder(corrupted(data, settings.noise))), target)
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            optimizer.step()
            errors.append(float(error.detach()))
    encoder.eval()
    last = errors[-max(1, settings.steps // 10) :]
    explained = 1 - sum(last) / len(last)
    if not math.isfinite(explained):
        encoder.load_state_dict(first)
        raise DataError(f"pretrain: the error of {name} is not finite; try a lower learning rate")
    log.info("%s: %.0f %% of the variance of its target rebuilt", name, 100 * explained)
    _write(encoder, file, {"identity": identity, "explained": explained})


def corrupted(data: Data, noise: float) -> Data:
    """The data with some entries set to zero, each whole: a point, a pixel, a pose, a channel or a voxel.

    Strings stay as they are. Draws from torch's default generator.
    """
    if isinstance(data, dict):
        return {part: corrupted(values, noise) for part, values in data.items()}
    if isinstance(data, Padded):
        return Padded(_masked(data.values, noise), data.mask)
    if isinstance(data, Tensor):
        return _masked(data, noise)
    return data


def _masked(values: Tensor, noise: float) -> Tensor:
    shape = values.shape[:-1] if values.ndim > 2 else values.shape
    kept = torch.rand(shape, device=values.device) >= noise
    return values * (kept[..., None] if values.ndim > 2 else kept)


def _identity(encoder: nn.Module, name: str, values: list[Any], settings: PretrainSettings) -> str:
    digest = hashlib.sha256(digest_of(encoder).encode())
    for value in values:
        for content in contents(gather(name, [value])):
            digest.update(content)
    return json.dumps(asdict(settings) | {"data": digest.hexdigest()}, sort_keys=True)


def _write(encoder: nn.Module, file: Path, record: dict[str, Any]) -> None:
    from safetensors.torch import save

    tensors = {name: value.detach().cpu().contiguous() for name, value in encoder.state_dict().items()}
    write_atomically(file, save(tensors, metadata={RECORD: json.dumps(record)}))


def _read(encoder: nn.Module | None, file: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as stream:
            record = json.loads((stream.metadata() or {})[RECORD])
            if encoder is not None:
                encoder.load_state_dict({name: stream.get_tensor(name) for name in stream.keys()})
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise DataError(f"{file}: not readable as a pre-trained encoder ({error}); delete it") from error
    return record
