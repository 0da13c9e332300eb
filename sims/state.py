"""A moment of an episode that can be returned to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class State:
    """How an episode came to where it stands: its scene and all that was done in it since.

    To return to it the scene is rebuilt and the actions are done again, without looking. That takes as long as a reset
    and the steps did and its error is zero, bit for bit, contacts and what a task remembers of the past included.
    Bullet's own ``restoreState`` takes 0.01 ms, but knows nothing of what a task remembers, and drifts after contact:
    from a moment with a drawer's handle in the fingers the same second of actions ended up to 0.8 mm (or mrad) apart,
    over six scenes.

    Args:
        arguments: those of the environment, which must be equal where the state is restored.
        scene: number that the scene was drawn from.
        actions: done since its start, checked, in the environment's mode.
        seen: what the cameras showed last.
        sampler: state of the generator that cameras draw from.
    """

    arguments: Mapping[str, Any]
    scene: int
    actions: tuple[np.ndarray, ...]
    seen: Mapping[str, np.ndarray]
    sampler: Mapping[str, Any]

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raises ValueError if an environment made with these arguments cannot come to this state."""
        for name, value in arguments.items():
            if self.arguments[name] != value:
                raise ValueError(
                    f"state of an environment with {name} {self.arguments[name]!r} cannot be restored in one with "
                    f"{value!r}: make the environment with the same arguments"
                )
