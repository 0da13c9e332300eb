"""The same training in any number of processes; run by torchrun it does what its first argument names.

python -m torch.distributed.run --standalone --nproc-per-node 2 -m tests.space.parallel gradients FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from grounding.encoders import Frozen
from grounding.encoders.data import Padded, unpad
from grounding.errors import InputError
from grounding.space import (
    Contrastive,
    FitSettings,
    InfoNCE,
    SharedSpace,
    SigLIP,
    Triplet,
    evaluate,
    fit,
)
from grounding.space.catalogue import Catalogue
from grounding.space.distributed import processes, rank
from grounding.space.gradients import Memory, Objective, add_gradients, exchange
from grounding.space.losses import Loss
from grounding.space.sampling import Sampler
from tests.space.small import Linear, Words, small_samples

LOSSES: dict[str, Loss] = {
    "InfoNCE": InfoNCE(),
    "SigLIP": SigLIP(),
    "Triplet sum": Triplet(mining="sum"),
    "Triplet hardest": Triplet(mining="hardest"),
    "Triplet semi-hard": Triplet(mining="semi-hard"),
    "Contrastive": Contrastive(),
}
SETTINGS = FitSettings(steps=6, batch=13, extra=3, warmup=2, checkpoint_every=3, log_every=2, learning_rate=1e-3)


class Cloud(nn.Module):
    """The mean of a small network over the points, without any randomness."""

    width = 12

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 12))

    def forward(self, clouds: Tensor | Padded) -> Tensor:
        points, mask = unpad(clouds)
        weights = mask[..., None].to(points.dtype)
        return (self.each(10 * points) * weights).sum(1) / weights.sum(1)


def quiet_space(cache: Path | None = None) -> SharedSpace:
    """Without dropout or augmentation, so that the gradient does not depend on who draws what."""
    torch.manual_seed(0)
    signal = Linear()
    signal.map[1] = nn.Identity()
    return SharedSpace(
        dim=16,
        dropout=0.0,
        fusions={"query": ("points", "text")},
        intra=("signal",),
        text=Frozen(Words(), cache),
        signal=signal,
        points=Cloud(),
    )


def gradients(
    name: str, chunk: int | None = None, memory: int = 0, batch: int = 13, extra: int = 3
) -> dict[str, Tensor]:
    """Of three batches of ragged samples, the last one's loss also against what the first ones left in memory."""
    space = quiet_space().train()
    catalogue = Catalogue(space, {"small": small_samples(40)})
    sampler = Sampler(catalogue, batch=batch, extra=extra, seed=0, intra=space.intra)
    objective = Objective(LOSSES[name], {"points-text": 0.3}, catalogue.ids, Memory(memory) if memory else None)
    for number in range(3):
        space.zero_grad(set_to_none=True)
        total, _ = add_gradients(space, sampler(number), objective, chunk=chunk)
    exchange(space)
    found = {key: value.grad for key, value in space.named_parameters() if value.grad is not None}
    return found | {"loss": total}


def main(what: str, folder: Path) -> None:
    torch.set_num_threads(1)
    with processes():
        if what in ("gradients", "few"):
            if what == "gradients":
                result = {name: gradients(name) for name in LOSSES}
                result |= {f"{name} in chunks": gradients(name, chunk=4) for name in ("InfoNCE", "Triplet hardest")}
                result["InfoNCE with memory"] = gradients("InfoNCE", memory=20)
            else:
                result = {"InfoNCE": gradients("InfoNCE", batch=2, extra=0)}
            if rank() == 0:
                torch.save(result, folder / "gradients.pt")
        elif what == "unlike":
            space = quiet_space()
            torch.manual_seed(rank())
            for value in space.parameters():
                torch.nn.init.normal_(value)
            samples = small_samples(20)
            fit(space, {"a": samples}, run=folder / "a", settings=SETTINGS)
            torch.save(space.state_dict(), folder / f"unlike-{rank()}.pt")
            try:
                fit(space, {"a": samples[rank() :]}, run=folder / "b", settings=SETTINGS)
            except InputError as error:
                (folder / f"error-{rank()}.txt").write_text(str(error))
        else:
            space = quiet_space(folder / "features")
            encoder = space.encoders["text"].encoder
            samples = small_samples(48)
            training = fit(space, {"small": samples}, run=folder / "run", settings=SETTINGS, validation=samples[:20])
            torch.save(
                {
                    "state": space.state_dict(),
                    "steps": training.resumed_from,
                    "trained": space.trained,
                    "asked": getattr(encoder, "asked", 0),
                    "report": json.dumps(evaluate(space, small_samples(60, seed=9)).as_dict()),
                },
                folder / f"fit-{rank()}.pt",
            )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
