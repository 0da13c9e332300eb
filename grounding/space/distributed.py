"""Several processes that train or evaluate one space: who this process is, and exchanges between all of them.

Start the processes with `launch/torchrun.sh` (or any launcher that sets RANK and WORLD_SIZE) and wrap the work in
`processes()`. Without it every function here answers as for a single process.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from grounding.errors import InputError


@contextmanager
def processes() -> Iterator[None]:
    """Join the processes that a launcher such as torchrun started; does nothing in a process started by itself.

    NCCL is used where each process has a GPU of its own, gloo otherwise.

    Example:
        >>> with processes():
        ...     fit(space, data, run="runs/many")
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    on_gpus = torch.cuda.is_available() and torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if on_gpus:
        torch.cuda.set_device(local)
    dist.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def world() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def share(count: int) -> range:
    """The part of `count` things that is this process's: contiguous, in the order of the processes."""
    return range(count * rank() // world(), count * (rank() + 1) // world())


def gather_rows(part: Tensor) -> Tensor:
    """The parts (n_i, ...) of all processes in their order, one below the other; without gradient.

    Parts may differ in length, down to none, and must agree in type and in the other dimensions.
    """
    if world() == 1:
        return part
    part = part.detach().contiguous()
    lengths = torch.zeros(world(), dtype=torch.int64, device=part.device)
    lengths[rank()] = len(part)
    dist.all_reduce(lengths)
    longest = int(lengths.max())
    sent = part.new_zeros((longest, *part.shape[1:]))
    sent[: len(part)] = part
    received = [torch.empty_like(sent) for _ in range(world())]
    dist.all_gather(received, sent)
    return torch.cat([piece[:length] for piece, length in zip(received, lengths.tolist(), strict=True)])


def gather_objects(value: Any) -> list[Any]:
    """One object of each process, in their order; for small things, since they are sent as bytes."""
    if world() == 1:
        return [value]
    values: list[Any] = [None] * world()
    dist.all_gather_object(values, value)
    return values


def agree(value: str) -> None:
    """Make sure that all processes have the same value, of data or settings.

    Raises:
        InputError: they have not.
    """
    if len(set(gather_objects(value))) > 1:
        raise InputError(
            f"process {rank()} of {world()} has other data or settings than the others; give every process the same "
            "samples in the same order"
        )


def from_first(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors by those of the first process."""
    if world() > 1:
        with torch.no_grad():
            for tensor in tensors:
                dist.broadcast(tensor, 0)


def wait() -> None:
    """Until all processes have come here."""
    if world() > 1:
        dist.barrier()


def sum_gradients(parameters: list[torch.nn.Parameter]) -> None:
    """Replace each gradient by its sum over all processes; one that no process has stays None.

    A process in whose share a modality does not occur has no gradient of that encoder: it counts as zero.
    """
    if world() == 1 or not parameters:
        return
    device = parameters[0].device
    present = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.int32, device=device)
    dist.all_reduce(present, op=dist.ReduceOp.MAX)
    chosen = [parameter for parameter, flag in zip(parameters, present.tolist(), strict=True) if flag]
    if not chosen:
        return
    parts = [
        torch.zeros_like(parameter).flatten() if parameter.grad is None else parameter.grad.flatten()
        for parameter in chosen
    ]
    total = torch.cat(parts)
    dist.all_reduce(total)
    for parameter, part in zip(chosen, total.split([parameter.numel() for parameter in chosen]), strict=True):
        parameter.grad = part.view_as(parameter).clone()
