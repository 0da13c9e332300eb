"""Where coefficients are kept, and how they come from the products that cross-validation has made anyway."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from grounding.brain.ridge.arguments import like
from grounding.brain.ridge.checks import ArgumentError
from grounding.brain.ridge.decomposition import Decomposition
from grounding.brain.ridge.targets import Standardised, Targets, let_go
from grounding.errors import StorageError
from grounding.files import put_in_place


@dataclass
class Coefficients:
    """Coefficients of all targets while they are made.

    A context manager: a file that is not finished at its end is removed. Until a target is solved its column holds UᵀY,
    which is no longer than its coefficients: so the refit needs neither Y nor memory of its own.

    Attributes:
        coef: (p, v) numpy, torch or memory map; None where none are wanted.
        mean: (v,) float64 of the targets; zeros without an intercept.
        scale: (v,) float64 by which targets were divided.
        constant: (v,) bool, targets that do not vary.
        path: of the file, or None.
    """

    coef: Any
    mean: Tensor
    scale: Tensor
    constant: Tensor
    path: Path | None

    @classmethod
    def empty(cls, coef: bool | str | Path, design: Decomposition, targets: Targets, X: Any) -> "Coefficients":
        """Room for the coefficients: as the estimators' argument ``coef`` says.

        Raises:
            ArgumentError: ``coef`` is neither True, False nor a path of a .npy file.
            StorageError: the file cannot be made.
        """
        shape, dtype = (len(design.right), targets.v), str(targets.dtype).removeprefix("torch.")
        path = None
        if isinstance(coef, bool):
            room: Any = None
            if coef:
                torch_in = isinstance(X, Tensor)
                room = torch.empty(shape, dtype=targets.dtype, device=X.device) if torch_in else np.empty(shape, dtype)
        else:
            path = Path(coef) if isinstance(coef, (str, Path)) else Path()
            if path.suffix != ".npy":
                raise ArgumentError(f"coef: {coef!r} found, expected True, False or the path of a .npy file")
            try:
                room = np.lib.format.open_memmap(_unfinished(path), mode="w+", dtype=dtype, shape=shape)
            except OSError as error:
                raise StorageError(f"{path}: coefficients cannot be written ({error.strerror})") from error
        zeros = torch.zeros(targets.v, dtype=torch.float64, device=targets.device)
        return cls(room, zeros, zeros.clone(), zeros.bool(), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        if self.path is not None:
            _unfinished(self.path).unlink(missing_ok=True)

    def hold(self, columns: slice, standard: Standardised, totals: Tensor) -> None:
        """Keep what the solution of these targets will need; totals are those of `shared_basis`, (r + 1, columns)."""
        self.mean[columns], self.scale[columns] = standard.mean, standard.scale
        self.constant[columns] = standard.constant
        if self.coef is not None:
            self._room()[: len(totals) - 1, columns] = totals[:-1].to(self._room())
            let_go(self.coef)

    def solve(self, columns: slice, design: Decomposition, alpha: np.ndarray) -> None:
        """Replace what is held for these targets by their coefficients, V diag(σ / (σ² + α)) UᵀY."""
        room, singular = self._room(), design.singular[:, None]
        weights = singular / (singular.square() + torch.as_tensor(alpha, device=singular.device))
        held = room[: len(singular), columns].to(singular.device) * weights.mul_(self.scale[columns]).to(room.dtype)
        room[:, columns] = (design.right.to(room.dtype) @ held).to(room)
        let_go(self.coef)

    def finished(self) -> Any:
        """The coefficients; a file gets its name only now."""
        if self.path is None:
            return self.coef
        self.coef.flush()
        put_in_place(_unfinished(self.path), self.path)
        return np.load(self.path, mmap_mode="r", allow_pickle=False)

    def intercept(self, feature_mean: Tensor, X: Any, one: bool) -> Any:
        """(v,) of the coefficients' dtype, or a number for one target."""
        room = self._room()
        values = torch.empty_like(self.mean)
        for start in range(0, len(values), 4096):
            part = slice(start, start + 4096)
            values[part] = self.mean[part] - feature_mean @ room[:, part].double().to(feature_mean.device)
        found = like(X, values.to(room.dtype))
        return found[0] if one else found

    def _room(self) -> Tensor:
        return torch.as_tensor(self.coef)


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")
