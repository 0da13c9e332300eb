"""Ragged batches."""

import numpy as np
import pytest
import torch

from grounding.encoders import Padded
from grounding.errors import DataError
from grounding.space import collate
from grounding.space.batch import check_samples
from tests.space.small import small_samples


def test_a_missing_modality_is_not_in_its_field() -> None:
    cloud = np.ones((5, 3), dtype=np.float32)
    batch = collate(
        [{"id": "a", "text": "red"}, {"id": "b", "points": cloud, "text": None}, {"id": "a", "points": 2 * cloud}]
    )
    assert batch.ids == ["a", "b", "a"]
    assert sorted(batch.fields) == ["points", "text"]
    assert batch.fields["text"].data == ["red"] and batch.fields["text"].rows.tolist() == [0]
    points = batch.fields["points"]
    assert isinstance(points.data, torch.Tensor) and points.data.shape == (2, 5, 3) and points.rows.tolist() == [1, 2]
    assert points.rows.dtype == torch.int64


def test_other_lengths_are_padded_with_a_mask() -> None:
    batch = collate([{"id": "a", "trajectory": np.ones((n, 8), dtype=np.float32)} for n in (3, 5)])
    data = batch.fields["trajectory"].data
    assert isinstance(data, Padded)
    assert data.values.shape == (2, 5, 8) and data.mask.sum(1).tolist() == [3, 5]
    assert not data.values[0, 3:].any()


def test_of_several_renderings_the_first_is_taken() -> None:
    pictures = tuple(np.full((4, 4, 3), value, dtype=np.uint8) for value in (0, 1))
    batch = collate([{"id": "a", "image": pictures, "text": ("one", "two")}] * 2)
    assert batch.fields["text"].data == ["one", "one"]
    assert not batch.fields["image"].data.any()  # type: ignore[union-attr]


def test_named_parts_are_gathered_each_by_itself() -> None:
    samples = [{"id": str(n), "neural": {"signal": np.ones((n, 5)), "subject": f"S{n}"}} for n in (3, 4)]
    data = collate(samples).fields["neural"].data
    assert isinstance(data, dict) and data["subject"] == ["S3", "S4"]
    assert isinstance(data["signal"], Padded) and data["signal"].values.shape == (2, 4, 5)
    with pytest.raises(DataError, match="in some samples only"):
        collate([samples[0], {"id": "b", "neural": {"signal": np.ones((3, 5))}}])


def test_double_precision_becomes_single() -> None:
    data = collate([{"id": "a", "x": np.ones(3)}, {"id": "b", "x": np.ones(3, np.float16)}]).fields["x"].data
    assert isinstance(data, torch.Tensor) and data.dtype == torch.float32


def test_a_part_of_a_batch_is_a_batch() -> None:
    samples = small_samples(20)
    whole = collate(samples)
    for start, stop in ((0, 20), (3, 11), (7, 8), (15, 20)):
        part, expected = whole.part(start, stop), collate(samples[start:stop])
        assert part.ids == expected.ids and part.fields.keys() == expected.fields.keys()
        for name, field in expected.fields.items():
            found = part.fields[name]
            assert torch.equal(found.rows, field.rows)
            if isinstance(field.data, torch.Tensor):
                assert torch.equal(found.data, field.data)  # type: ignore[arg-type]
            else:
                assert found.data == field.data
    assert whole.part(7, 8).fields.keys() == {"points"}


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([], "no samples"),
        ([{"text": "x"}], "no 'id'"),
        ([{"id": "a", "points": np.ones((2, 3))}, {"id": "b", "points": np.ones((2, 4))}], r"points: \(2, 3\)"),
        ([{"id": "a", "image": np.ones(3)}, {"id": "b", "image": np.ones(3, dtype=np.uint8)}], "uint8"),
        ([{"id": "a", "text": "x"}, {"id": "b", "text": np.ones(3)}], "mixed"),
        ([{"id": "a", "text": ()}], "empty tuple"),
    ],
)
def test_what_does_not_fit_is_named(samples: list[dict[str, object]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        collate(samples)


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ({"id": "a", "text": " "}, "sample 1.*'a'.*text: blank"),
        ({"id": "a", "text": ("fine", "")}, "blank"),
        ({"id": "a", "points": np.array([[0, np.nan, np.inf]])}, "2 numbers are NaN, infinite or beyond float32"),
        ({"id": "a", "points": np.zeros((0, 3))}, "empty array"),
        ({"id": "a", "sound": np.zeros(3)}, "sound"),
        ({"id": "a"}, "expected some of"),
        ({"id": "a", "text": ["a list"]}, "list found"),
        ({"id": "a", "points": object()}, "object found"),
    ],
)
def test_bad_samples_are_found_before_training(sample: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check_samples("mine", [{"id": "b", "text": "x"}, sample], ("text", "points"))
