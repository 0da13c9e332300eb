"""Weights on disk."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from grounding.encoders import Frozen, PointEncoder, TrajectoryEncoder
from grounding.errors import DataError, InputError, StorageError, WeightsError
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
    other = Linear()
    load_weights(SharedSpace(dim=8, a=Frozen(other), b=Linear()), file)
    assert torch.equal(other.map[0].weight, frozen.map[0].weight), "weights of a frozen encoder come with the others"

    class Named(Linear):
        """An encoder that finds its own weights."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def fingerprint(self) -> str:
            return self.name

    save_weights(SharedSpace(dim=8, a=Frozen(Named("one")), b=Linear()), file)
    with pytest.raises(WeightsError, match="frozen a encoder"):
        load_weights(SharedSpace(dim=8, a=Frozen(Named("two")), b=Linear()), file)


def fused(encoder: nn.Module | None = None) -> SharedSpace:
    torch.manual_seed(0)
    return SharedSpace(
        dim=16, anchor="query", head="linear", intra=("trajectory",), fusions={"query": ("points", "touch")},
        points=PointEncoder(width=8, inputs=("xyz", "rgb")), trajectory=Frozen(TrajectoryEncoder(width=8)),
        touch=encoder or Linear(3),
    )  # fmt: skip


def test_a_space_is_built_again_from_its_folder(tmp_path: Path) -> None:
    space = fused()
    space.trained = {"query-trajectory": 12}
    space.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["space.safetensors", "space.toml"]
    touch = Linear(3)
    state = torch.random.get_rng_state()
    loaded = SharedSpace.load(tmp_path, touch=touch)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not loaded.training and loaded.trained == {"query-trajectory": 12}
    assert (loaded.dim, loaded.anchor, loaded.intra, loaded.fusions) == (16, "query", ("trajectory",), space.fusions)
    data = {
        "query": {"points": np.random.default_rng(0).normal(size=(2, 9, 6)), "touch": np.ones((2, 3))},
        "trajectory": np.random.default_rng(1).normal(size=(2, 9, 8)),
    }
    for name, vectors in space.encode(**data).items():
        np.testing.assert_array_equal(loaded.encode(**data)[name], vectors)
    assert (tmp_path / "features").is_dir()


def test_what_cannot_be_built_is_named(tmp_path: Path) -> None:
    fused().save(tmp_path)
    with pytest.raises(InputError, match=r"touch was encoded by tests.space.small.Linear.*SharedSpace.load\(folder"):
        SharedSpace.load(tmp_path)
    with pytest.raises(InputError, match="an encoder for 'sound' was given"):
        SharedSpace.load(tmp_path, touch=Linear(3), sound=Linear(3))
    with pytest.raises(DataError, match="other settings"):
        SharedSpace.load(tmp_path, touch=Linear(4))
    with pytest.raises(DataError, match="the touch encoder was not frozen in training and now is otherwise"):
        SharedSpace.load(tmp_path, touch=Frozen(Linear(3)))
    plan = (tmp_path / "space.toml").read_text()
    for damaged in (
        "",
        plan[:40],
        plan.replace("grounding-plan-1", "plan-9"),
        plan.replace("PointEncoder", "os.system"),
        plan.replace("dim", "depth"),
        plan.replace("width = 8", 'width = "wide"'),
    ):
        (tmp_path / "space.toml").write_text(damaged)
        with pytest.raises(DataError, match=r"space.toml: not the plan of a space"):
            SharedSpace.load(tmp_path, touch=Linear(3))
    with pytest.raises(DataError, match="no such file"):
        SharedSpace.load(tmp_path / "nowhere")


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


def test_an_lstm_of_sentences_is_built_again_from_the_folder(tmp_path: Path) -> None:
    from grounding.text.training import LstmEncoder

    sentences = ["open the drawer", "close the door", "press the button"]
    space = SharedSpace(dim=8, text=LstmEncoder.of(sentences, width=16, word_width=8), points=PointEncoder())
    space.save(tmp_path)
    again = SharedSpace.load(tmp_path)
    np.testing.assert_array_equal(again.encode(text=sentences)["text"], space.encode(text=sentences)["text"])
