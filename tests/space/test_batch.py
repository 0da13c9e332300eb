"""Ragged batches."""

import numpy as np
import pytest
import torch

from grounding.encoders import Padded
from grounding.errors import DataError
from grounding.space import collate
from grounding.space.batch import check_samples


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


def test_one_wording_is_drawn_a_visit_by_the_generator() -> None:
    samples = [{"id": str(i), "text": ("one", "two", "three")} for i in range(300)]
    first = collate(samples, torch.Generator().manual_seed(1)).fields["text"].data
    again = collate(samples, torch.Generator().manual_seed(1)).fields["text"].data
    other = collate(samples, torch.Generator().manual_seed(2)).fields["text"].data
    assert first == again != other
    assert all(80 < first.count(word) < 120 for word in ("one", "two", "three"))  # type: ignore[arg-type]
    assert set(collate(samples).fields["text"].data) == {"one"}


def test_pictures_may_have_several_renderings_too() -> None:
    pictures = tuple(np.full((4, 4, 3), value, dtype=np.uint8) for value in (0, 1))
    data = collate([{"id": "a", "image": pictures}] * 20, torch.Generator().manual_seed(0)).fields["image"].data
    assert isinstance(data, torch.Tensor) and data.dtype == torch.uint8 and set(data.flatten().tolist()) == {0, 1}


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
        ({"id": "a", "points": np.array([[0, np.nan, np.inf]])}, "2 numbers are NaN or infinite"),
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
