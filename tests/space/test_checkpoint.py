"""Weights on disk."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from grounding.encoders import Frozen
from grounding.errors import DataError, StorageError, WeightsError
from grounding.space import SharedSpace, load_weights, save_weights
from grounding.space.checkpoint import stored
from tests.space.small import Linear, small_space


def test_weights_come_back(tmp_path: Path) -> None:
    from safetensors import safe_open

    space, file = small_space(0), tmp_path / "deep" / "space.safetensors"
    save_weights(space, file, step=7)
    other = small_space(1)
    load_weights(other, file)
    assert other.fingerprint() == space.fingerprint()
    assert stored(file).get("step") == 7
    with safe_open(file, framework="pt") as stream:
        record = json.loads(stream.metadata()["grounding"])
        assert not any(name.startswith("encoders.text") for name in stream.keys())
    assert record["frozen"] == space.frozen_identities()
    assert [path.name for path in file.parent.iterdir()] == ["space.safetensors"]


def test_missing_damaged_or_foreign_files_are_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    space, file = small_space(), tmp_path / "space.safetensors"
    with pytest.raises(DataError, match="no such file"):
        load_weights(space, file)
    save_weights(space, file)
    content = file.read_bytes()
    file.write_bytes(content[:-100])
    with pytest.raises(DataError, match="damaged"):
        load_weights(space, file)
    file.write_bytes(content[:-40] + bytes(40))
    with pytest.raises(DataError, match="fingerprint"):
        load_weights(small_space(1), file)
    save_file({"weight": torch.zeros(2)}, file)
    with pytest.raises(DataError, match="format None"):
        load_weights(space, file)
    assert stored(file).get("step") is None


def test_other_settings_and_other_frozen_weights_are_named(tmp_path: Path) -> None:
    file = tmp_path / "space.safetensors"
    frozen = Linear()
    save_weights(SharedSpace(dim=8, a=Frozen(frozen), b=Linear()), file)
    with pytest.raises(DataError, match="other settings"):
        load_weights(SharedSpace(dim=16, a=Frozen(frozen), b=Linear()), file)
    nn.init.zeros_(frozen.map[0].weight)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="frozen a encoder"):
        load_weights(SharedSpace(dim=8, a=Frozen(frozen), b=Linear()), file)


def test_a_full_disk_keeps_the_last_weights(tmp_path: Path) -> None:
    space, file = small_space(), tmp_path / "space.safetensors"
    save_weights(space, file)
    before = file.read_bytes()
    # A write to this device fails as one to a full disk does.
    (tmp_path / ".space.safetensors.tmp").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"space.safetensors: cannot be written \(No space left on device\)"):
        save_weights(small_space(1), file)
    assert file.read_bytes() == before
    assert not (tmp_path / ".space.safetensors.tmp").is_symlink()
