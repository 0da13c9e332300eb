"""An encoder that is not trained, with its features cached."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grounding.encoders.data import Data, contents, select
from grounding.errors import DataError, InputError, StorageError

QUERY_KEYS = 500


class Frozen(nn.Module):
    """Wraps an encoder so that it is never trained and encodes each content once.

    Features are kept in memory and, with `cache`, in a small SQLite file of that folder, under the digest of the
    encoder's weights and of the content: a second epoch and a second run read them back. Several processes may
    share the folder. The wrapped weights are neither trained nor parameters of this module.

    Args:
        encoder: a module with `.width`; its `fingerprint()`, where it has one, names its weights.
        cache: folder of the cache file, made when needed; None keeps features in memory until `fit` names the run's.

    Example:
        >>> text = Frozen(SentenceEncoder(), cache=Path("cache"))
        >>> text(["open the top drawer"]).shape
        torch.Size([1, 384])

    Raises:
        DataError: the cache file is not readable.
        StorageError: the cache file cannot be written.
    """

    def __init__(self, encoder: nn.Module, cache: Path | None = None) -> None:
        super().__init__()
        if isinstance(encoder, Frozen):
            raise InputError("Frozen: a Frozen found, expected an encoder; it is frozen already")
        self.width: int = int(encoder.width)  # type: ignore[arg-type]
        # A tuple is not registered, so the frozen weights stay out of `parameters()` and `state_dict()`.
        self._held = (encoder.eval(),)
        self._features: dict[bytes, np.ndarray] = {}
        self._fingerprint: str | None = None
        self._cache = cache

    @property
    def encoder(self) -> nn.Module:
        """The wrapped encoder."""
        return self._held[0]

    def _apply(self, fn: Any, recurse: bool = True) -> "Frozen":
        # What moves a module to a device passes by what is not registered.
        self.encoder._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def fingerprint(self) -> str:
        """Digest of the encoder's weights and of its `settings`, such as the size that pictures are brought to."""
        if self._fingerprint is None:
            own = getattr(self.encoder, "fingerprint", None)
            if own is not None:
                self._fingerprint = own()
            else:
                settings = repr(sorted(getattr(self.encoder, "settings", {}).items()))
                self._fingerprint = hashlib.sha256((digest_of(self.encoder) + settings).encode()).hexdigest()
        return self._fingerprint

    def keep_in(self, folder: Path) -> None:
        """Cache on disk in this folder from now on, unless a folder was given before."""
        if self._cache is None:
            self._cache = folder

    def release(self) -> None:
        """Drop the features in memory if they are on disk too."""
        if self._cache is not None:
            self._features.clear()

    def forget(self) -> None:
        """Call after the encoder's weights were changed: its fingerprint and the features in memory are dropped."""
        self._fingerprint = None
        self._features.clear()

    def forward(self, data: Data) -> Tensor:
        """Features (B, width) float32, as the encoder gives them in evaluation mode, without gradient."""
        salt = self.fingerprint().encode()
        keys = [hashlib.sha256(salt + content).digest() for content in contents(data)]
        missing = {key: position for position, key in enumerate(keys) if key not in self._features}
        if missing:
            self._fill(data, missing)
        return torch.from_numpy(np.stack([self._features[key] for key in keys]))

    def _fill(self, data: Data, missing: dict[bytes, int]) -> None:
        stored = self._read(list(missing))
        self._features.update(stored)
        fresh = {key: position for key, position in missing.items() if key not in stored}
        if not fresh:
            return
        device = next((parameter.device.type for parameter in self.encoder.parameters()), "cpu")
        with torch.no_grad(), torch.autocast(device, enabled=False):
            features = self.encoder(select(data, list(fresh.values()))).float().cpu().numpy()
        found = dict(zip(fresh, features, strict=True))
        self._features.update(found)
        self._write(found)

    @property
    def _file(self) -> Path | None:
        if self._cache is None:
            return None
        name = hashlib.sha256(self.fingerprint().encode()).hexdigest()[:16]
        return Path(self._cache) / f"features-{name}.sqlite"

    def _read(self, keys: list[bytes]) -> dict[bytes, np.ndarray]:
        file = self._file
        found: dict[bytes, np.ndarray] = {}
        if file is None or not file.exists():
            return found
        try:
            with closing(sqlite3.connect(file, timeout=60)) as connection:
                # A process that was killed, or is just beginning, may have made the file and not yet the table.
                if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'features'").fetchone()[0]:
                    return found
                for start in range(0, len(keys), QUERY_KEYS):
                    chunk = keys[start : start + QUERY_KEYS]
                    marks = ",".join("?" * len(chunk))
                    rows = connection.execute(f"SELECT key, feature FROM features WHERE key IN ({marks})", chunk)
                    found.update(
                        (key, np.frombuffer(feature, dtype=np.float32).reshape(self.width)) for key, feature in rows
                    )
        except (sqlite3.Error, ValueError) as error:
            raise DataError(f"feature cache {file}: not readable ({error}); delete it, it is made anew") from error
        return found

    def _write(self, found: dict[bytes, np.ndarray]) -> None:
        file = self._file
        if file is None:
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(file, timeout=60)) as connection, connection:
                connection.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, feature BLOB NOT NULL)")
                rows = [(key, feature.tobytes()) for key, feature in found.items()]
                connection.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", rows)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"feature cache {file}: cannot be written ({error}); free space or choose another folder"
            ) from error


def digest_of(module: nn.Module) -> str:
    """sha256 over the names, shapes and bytes of a module's parameters and buffers."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
