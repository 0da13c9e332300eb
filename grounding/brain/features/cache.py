"""States of models on disk, so that a model is run once over a text and not once an analysis."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.errors import DataError
from grounding.files import atomic, write_atomically

if TYPE_CHECKING:
    from grounding.text.contextual import Context


class StateCache:
    """The states of one model for one list of documents and one context, one file a layer, in a folder of its own.

    The folder's name is a digest of everything that the states depend on, which `about.json` in it tells in full. The
    name of a layer's file has the digest of its content, so a file that was torn or changed is found out when it is
    read. Several processes may write at once.

    Args:
        folder: of all cached states; made when needed.
        fingerprint: of the model.
        documents: lists of words that do not see each other.
        context: how much of its document a word sees; None for a model that has no choice.
        subword: which subword's state is a word's.

    Example:
        >>> cache = StateCache(Path("cache"), model.fingerprint(), [words], Context(words=64), "mean")
        >>> cache.write(6, states)
        >>> cache.read(6).shape
        (2127, 768)
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str,
        documents: Sequence[Sequence[str]],
        context: "Context | None",
        subword: str,
    ) -> None:
        about: dict[str, Any] = {
            "model": fingerprint,
            "context": None if context is None else asdict(context),
            "subword": subword,
            "documents": [list(words) for words in documents],
        }
        self._about = json.dumps(about, ensure_ascii=False, indent=0)
        self._words = sum(map(len, documents))
        self.folder = folder / hashlib.sha256(self._about.encode()).hexdigest()[:24]

    def read(self, layer: int) -> np.ndarray | None:
        """The states of a layer, float32 (words, width), memory-mapped; None if there are none.

        Raises:
            DataError: the file is not what was written.
        """
        files = sorted(self.folder.glob(f"layer-{layer:03d}-*.npy"))
        if not files:
            return None
        file = files[0]
        remedy = "delete it, it is made anew"
        try:
            states = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{file}: torn ({error}); {remedy}") from error
        if states.dtype != np.float32 or states.ndim != 2 or len(states) != self._words:
            raise DataError(f"{file}: {states.dtype} {states.shape} found, expected float32 ({self._words}, width); "
                            f"{remedy}")  # fmt: skip
        if file.stem.rpartition("-")[2] != _digest(states):
            raise DataError(f"{file}: its content is not what its name says, so it was changed or torn; {remedy}")
        return states

    def write(self, layer: int, states: np.ndarray) -> None:
        """Keep the states of a layer, float32 (words, width).

        Raises:
            StorageError: the folder cannot be written.
        """
        states = np.ascontiguousarray(states, dtype=np.float32)
        if not (self.folder / "about.json").is_file():
            write_atomically(self.folder / "about.json", self._about)
        with atomic(self.folder / f"layer-{layer:03d}-{_digest(states)}.npy", contended=True) as temporary:
            with temporary.open("wb") as stream:
                np.save(stream, states, allow_pickle=False)


def _digest(states: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(states).data).hexdigest()[:24]
