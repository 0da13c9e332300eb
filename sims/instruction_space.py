"""The space of instructions, which unlike gymnasium's own of texts can be shared between processes.

``gymnasium.vector.AsyncVectorEnv`` reads texts from shared memory once, before there are any, and shows blanks ever
after. An array of texts that looks into the memory itself shows what is there.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils.shared_memory import (
    create_shared_memory,
    read_from_shared_memory,
    write_to_shared_memory,
)


class InstructionSpace(spaces.Text):
    """Texts of at most so many letters; see :class:`gymnasium.spaces.Text`."""


@create_shared_memory.register(InstructionSpace)
def _create(space: InstructionSpace, n: int = 1, ctx: Any = None) -> Any:
    # NumPy holds a letter of a text in four bytes.
    return ctx.Array(np.dtype(np.int32).char, n * space.max_length)


@read_from_shared_memory.register(InstructionSpace)
def _read(space: InstructionSpace, shared_memory: Any, n: int = 1) -> np.ndarray:
    return np.frombuffer(shared_memory.get_obj(), f"<U{space.max_length}", n)


@write_to_shared_memory.register(InstructionSpace)
def _write(space: InstructionSpace, index: int, values: str, shared_memory: Any) -> None:
    np.frombuffer(shared_memory.get_obj(), f"<U{space.max_length}")[index] = values
