"""The loss of one batch and its exact gradient: whole, in chunks of samples, or over several processes.

All three go the same way. The vectors of the batch are computed, those of all processes are put together, and the loss
of the whole is taken on them as if they were inputs; its gradient with respect to the vectors of this process is then
handed back through the encoders. With chunks, vectors are first computed without a graph and, chunk by chunk, once
more with one (gradient caching, Gao et al., 2021), so that memory is that of one chunk and negatives are those of the
whole batch. Nothing is approximated: temperatures and biases get their gradients from the same loss.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from grounding.errors import DataError
from grounding.space.batch import Batch
from grounding.space.distributed import gather_rows, share, sum_gradients, world
from grounding.space.losses import Loss
from grounding.space.model import SECOND, Embedded, SharedSpace, pair_name
from grounding.space.sampling import Draw, reseed

log = logging.getLogger(__name__)

REMEDY = "try a lower learning rate, a longer warm-up or float32 precision; the last checkpoint is kept"


class Memory:
    """Vectors of earlier batches as further negatives and positives (cross-batch memory, Wang et al., 2020).

    Holds the newest `size` vectors of every name with the codes of their samples; they get no gradient.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.held: dict[str, tuple[Tensor, Tensor]] = {}

    def add(self, embedded: Mapping[str, Embedded], codes: Tensor) -> None:
        """Take in the vectors of a batch whose samples have these codes."""
        for name, (vectors, rows) in embedded.items():
            if name.endswith(SECOND):
                continue
            fresh = vectors.detach(), codes.to(rows.device)[rows]
            old = self.held.get(name, (fresh[0][:0], fresh[1][:0]))
            self.held[name] = (
                torch.cat([old[0], fresh[0]])[-self.size :].clone(),
                torch.cat([old[1], fresh[1]])[-self.size :].clone(),
            )


@dataclass(frozen=True)
class Objective:
    """What is minimised: the mean of `loss` over the observed pairs, by weight.

    Attributes:
        loss: between the vectors of two modalities.
        weights: of pairs by name; 1 if not named, and with 0 a pair is not trained.
        ids: the id of each code, for losses that need to know which samples they compare.
        memory: of earlier batches, if any.
    """

    loss: Loss
    weights: Mapping[str, float]
    ids: Sequence[str]
    memory: Memory | None = None

    def terms(self, space: SharedSpace, embedded: Mapping[str, Embedded], codes: Tensor) -> dict[str, Tensor]:
        """The loss of every pair of modalities that the batch observes, by the name of the pair.

        A pair that is not observed adds nothing, which is logged.
        """
        known = {name: (vectors, codes.to(rows.device)[rows]) for name, (vectors, rows) in embedded.items()}
        seen = {name: found.tolist() for name, (_, found) in known.items()}
        wanted = [pair for pair in space.all_pairs() if self.weights.get(pair_name(pair), 1.0) > 0]
        pairs = [pair for pair in space.observed_pairs(seen) if pair in wanted]
        if len(pairs) < len(wanted):
            missing = ", ".join(pair_name(pair) for pair in wanted if pair not in pairs)
            log.info("pairs not observed in this batch, which add nothing to its loss: %s", missing)
        terms = {}
        for a, b in pairs:
            second = b + SECOND if a == b else b
            terms[pair_name((a, b))] = self._between(space, (a, b), known[a], known[second])
        return terms

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted mean of the terms."""
        losses = torch.stack(list(terms.values()))
        each = torch.tensor([self.weights.get(name, 1.0) for name in terms], device=losses.device)
        return (each * losses).sum() / each.sum()

    def _between(
        self, space: SharedSpace, pair: tuple[str, str], a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]
    ) -> Tensor:
        held = self.memory.held if self.memory is not None else {}
        if pair[0] == pair[1] or pair[0] not in held or pair[1] not in held:
            return self._term(space, pair, a, b)
        # Each side in turn meets the other's past.
        with_past = [
            (torch.cat([now[0], past[0]]), torch.cat([now[1], past[1]]))
            for now, past in ((a, held[pair[0]]), (b, held[pair[1]]))
        ]
        return (self._term(space, pair, a, with_past[1]) + self._term(space, pair, with_past[0], b)) / 2

    def _term(
        self, space: SharedSpace, pair: tuple[str, str], a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]
    ) -> Tensor:
        return self.loss(
            a[0],
            b[0],
            a[1][:, None] == b[1],
            space.scale(*pair),
            bias=space.biases[pair_name(pair)],
            ids=([self.ids[code] for code in a[1].tolist()], [self.ids[code] for code in b[1].tolist()]),
        )


def add_gradients(
    space: SharedSpace,
    draw: Draw,
    objective: Objective,
    *,
    chunk: int | None = None,
    precision: torch.dtype = torch.float32,
    seed: int = 0,
    factor: float = 1.0,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Add `factor` times the gradient of a batch's loss to the gradients of the space.

    With several processes these still have to be summed over the processes, by `exchange`.

    Args:
        space: in training mode.
        draw: the batch, or this process's share of it.
        objective: the loss.
        chunk: samples encoded at a time; None for all at once.
        precision: of the encoders and heads; the loss is always computed in float32.
        seed: of augmentation and dropout.
        factor: of the gradients, 1 / n to average over n batches.

    Returns:
        The loss, 0-dim, and that of each pair; both empty of gradient. No pair at all gives a loss of 0 and no terms.

    Raises:
        DataError: the loss is not finite.
    """
    parts = _parts(draw.batch, chunk)

    def encoded(number: int) -> dict[str, Embedded]:
        # Seeded anew, so that the second time augmentation and dropout are those of the first.
        reseed(seed + number, space.device)
        with torch.autocast(space.device.type, dtype=precision, enabled=precision != torch.float32):
            return space(parts[number], second_views=True)

    if len(parts) == 1:
        first = [encoded(0)]
    else:
        with torch.no_grad():
            first = [encoded(number) for number in range(len(parts))]
    leaves, places = _put_together(space, first, draw)
    if not leaves:
        return torch.zeros((), device=space.device), {}
    terms = objective.terms(space, leaves, draw.codes)
    if not terms:
        return torch.zeros((), device=space.device), {}
    total = objective.total(terms)
    if not torch.isfinite(total):
        bad = [name for name, term in terms.items() if not torch.isfinite(term)]
        raise DataError(f"training: the loss of {', '.join(bad)} is not finite; {REMEDY}")
    (factor * total).backward()
    for number in range(len(parts)):
        again = first[0] if len(parts) == 1 else encoded(number)
        tensors, gradients = [], []
        for name, (vectors, _) in again.items():
            gradient = leaves[name].vectors.grad
            if gradient is not None and vectors.requires_grad:
                start, stop = places[name][number]
                tensors.append(vectors)
                gradients.append(gradient[start:stop].to(vectors.dtype))
        if tensors:
            torch.autograd.backward(tensors, gradients)
    if objective.memory is not None:
        objective.memory.add(leaves, draw.codes)
    for name in terms:
        space.trained[name] = space.trained.get(name, 0) + 1
    return total.detach(), {name: term.detach() for name, term in terms.items()}


def exchange(space: SharedSpace) -> None:
    """Make the gradients of every process those of the whole batch; called once before an optimizer step."""
    if world() == 1:
        return
    # Every process has computed the whole loss, so each has these gradients in full already.
    shared = [parameter for parameter in (*space.log_scales.values(), *space.biases.values())]
    known = {id(parameter) for parameter in shared}
    sum_gradients([p for p in space.parameters() if p.requires_grad and id(p) not in known])
    shared = [parameter for parameter in shared if parameter.requires_grad]
    sum_gradients(shared)
    for parameter in shared:
        if parameter.grad is not None:
            parameter.grad /= world()


def check_gradients(space: SharedSpace) -> None:
    """Stop before a step that would spoil the weights.

    Raises:
        DataError: a gradient is not finite.
    """
    named = {name: value.grad for name, value in space.named_parameters() if value.grad is not None}
    if named and not torch.isfinite(torch.stack(torch._foreach_norm(list(named.values())))).all():
        bad = next(name for name, gradient in named.items() if not torch.isfinite(gradient).all())
        raise DataError(f"training: the gradient of {bad} is not finite; {REMEDY}")


def _parts(batch: Batch, chunk: int | None) -> list[Batch]:
    count = len(batch.ids)
    if chunk is None or chunk >= count:
        return [batch]
    return [batch.part(start, min(start + chunk, count)) for start in range(0, count, chunk)]


def _put_together(
    space: SharedSpace, parts: Sequence[Mapping[str, Embedded]], draw: Draw
) -> tuple[dict[str, Embedded], dict[str, list[tuple[int, int]]]]:
    """The vectors of all parts and all processes by name, as leaves that collect a gradient, and where those of each
    part of this process stand among them.
    """
    leaves: dict[str, Embedded] = {}
    places: dict[str, list[tuple[int, int]]] = {}
    for name, rows in _rows(space, draw):
        pieces = [part[name].vectors.detach() for part in parts if name in part]
        own = pieces[0] if len(pieces) == 1 else torch.cat([torch.zeros(0, space.dim, device=space.device), *pieces])
        vectors = gather_rows(own)
        leaves[name] = Embedded(vectors.requires_grad_(), rows.to(space.device))
        # Rows ascend and each process's samples are consecutive, so those of earlier samples stand before its own.
        start = int((rows < share(len(draw.codes)).start).sum())
        places[name] = []
        for part in parts:
            stop = start + (len(part[name].vectors) if name in part else 0)
            places[name].append((start, stop))
            start = stop
    return leaves, places


def _rows(space: SharedSpace, draw: Draw) -> Iterator[tuple[str, Tensor]]:
    """What has vectors in the whole batch, and its rows there, in the same order in every process."""
    for name, rows in draw.rows.items():
        yield name, rows
        if name in space.intra:
            yield name + SECOND, rows
    for name, parts in space.fusions.items():
        present = [draw.rows[part] for part in parts if part in draw.rows]
        if present:
            yield name, torch.cat(present).unique()
