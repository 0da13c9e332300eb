"""Cached features of frozen encoders."""

import sqlite3
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from grounding.encoders import Frozen, ImageEncoder, Padded, TrajectoryEncoder
from grounding.errors import DataError, InputError, StorageError


class Counting(nn.Module):
    """Length of a string or sum of an array; counts what it is asked for."""

    width = 2

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.asked = 0

    def forward(self, data: list[str] | Tensor) -> Tensor:
        self.asked += len(data)
        return torch.stack([self.weight * (len(item) if isinstance(item, str) else item.sum()) for item in data])


def test_each_content_is_encoded_once() -> None:
    frozen = Frozen(Counting())
    first = frozen(["one", "three", "one"])
    assert first.tolist() == [[3, 3], [5, 5], [3, 3]]
    assert not first.requires_grad
    frozen(["three", "seven", "one"])
    assert frozen.encoder.asked == 3


def test_a_second_process_reads_the_disk(tmp_path: Path) -> None:
    Frozen(Counting(), cache=tmp_path)(["one", "three"])
    again = Frozen(Counting(), cache=tmp_path)
    assert again(["three", "one"]).tolist() == [[5, 5], [3, 3]]
    assert again.encoder.asked == 0


def test_other_weights_do_not_share_features(tmp_path: Path) -> None:
    Frozen(Counting(), cache=tmp_path)(["one"])
    other = Counting()
    nn.init.constant_(other.weight, 2.0)
    assert Frozen(other, cache=tmp_path)(["one"]).tolist() == [[6, 6]]


def test_arrays_are_told_apart_by_shape_and_type_and_padding_is_not_content() -> None:
    frozen = Frozen(Counting())
    frozen(torch.ones(1, 2, 3))
    frozen(torch.ones(1, 3, 2))
    frozen(torch.ones(1, 3, 2, dtype=torch.float64))
    assert frozen.encoder.asked == 3
    torch.manual_seed(0)
    motions = Frozen(TrajectoryEncoder(width=8))
    short, long = torch.rand(20, 8), torch.rand(30, 8)
    alone = motions(Padded.stack([short]))
    together = motions(Padded.stack([short, long]))
    assert torch.equal(alone[0], together[0])
    assert len(motions._features) == 2


def test_nothing_of_it_is_trained_or_stored_and_augmentation_is_off() -> None:
    frozen = Frozen(ImageEncoder(width=8)).train()
    assert not list(frozen.parameters()) and not frozen.state_dict()
    picture = torch.full((1, 64, 64, 3), 9, dtype=torch.uint8)
    expected = frozen.encoder(picture)
    assert torch.equal(frozen(picture), expected)
    assert not frozen.encoder.training


def test_the_fingerprint_is_that_of_the_weights() -> None:
    first, second = Counting(), Counting()
    assert Frozen(first).fingerprint() == Frozen(second).fingerprint()
    sizes = [ImageEncoder(width=8, size=size) for size in (32, 64)]
    sizes[1].load_state_dict(sizes[0].state_dict())
    assert Frozen(sizes[0]).fingerprint() != Frozen(sizes[1]).fingerprint()
    nn.init.constant_(second.weight, 2.0)
    assert Frozen(first).fingerprint() != Frozen(second).fingerprint()


def test_a_damaged_cache_is_named(tmp_path: Path) -> None:
    Frozen(Counting(), cache=tmp_path)(["one"])
    file = next(tmp_path.glob("features-*.sqlite"))
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(DataError, match=r"features-.*delete it"):
        Frozen(Counting(), cache=tmp_path)(["one"])


def test_an_unwritable_cache_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Frozen(Counting(), cache=tmp_path / "file")(["one"])


def test_the_file_is_a_plain_table(tmp_path: Path) -> None:
    Frozen(Counting(), cache=tmp_path)(["one", "three"])
    with sqlite3.connect(next(tmp_path.glob("features-*.sqlite"))) as connection:
        assert connection.execute("SELECT count(*) FROM features").fetchone() == (2,)


def test_a_cache_that_was_only_begun_is_filled(tmp_path: Path) -> None:
    Frozen(Counting(), cache=tmp_path)(["one"])
    file = next(tmp_path.glob("features-*.sqlite"))
    file.write_bytes(b"")
    assert Frozen(Counting(), cache=tmp_path)(["three"]).tolist() == [[5, 5]]
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE features SET feature = x'00'")
    connection.close()
    with pytest.raises(DataError, match="delete it"):
        Frozen(Counting(), cache=tmp_path)(["three"])


def test_frozen_twice_is_refused() -> None:
    with pytest.raises(InputError, match="frozen already"):
        Frozen(Frozen(Counting()))
