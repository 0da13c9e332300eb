"""The space: vectors, pairs, temperatures, encode."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from grounding.errors import InputError
from grounding.space import SharedSpace, collate
from grounding.space.model import positives_between
from tests.space.small import Linear, Words, small_samples, small_space


def test_vectors_have_unit_length_and_their_rows() -> None:
    space, samples = small_space(), small_samples()
    embedded = space(collate(samples))
    assert sorted(embedded) == list(space.modalities) == ["points", "signal", "text"]
    for name, (vectors, rows) in embedded.items():
        assert rows.tolist() == [row for row, sample in enumerate(samples) if name in sample]
        assert vectors.shape == (len(rows), 16)
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(rows)))


def test_every_observed_pair_or_those_with_the_anchor() -> None:
    batch = collate(small_samples())
    assert small_space().pairs(batch) == list(combinations(("points", "signal", "text"), 2))
    assert small_space(anchor="text").pairs(batch) == [("points", "text"), ("signal", "text")]
    assert (
        small_space().pairs(collate([{"id": "a", "text": "x"}, {"id": "b", "signal": np.zeros(6, np.float32)}])) == []
    )
    assert small_space().pairs(collate([{"id": "a", "text": "x"}])) == []


def test_equal_ids_are_positives() -> None:
    positives = positives_between(["a", "b", "a"], torch.tensor([0, 1]), torch.tensor([0, 1, 2]))
    assert positives.tolist() == [[True, False, True], [False, True, False]]


def test_one_temperature_a_pair_at_most_100() -> None:
    space = small_space()
    assert set(space.scales) == set(combinations(space.modalities, 2))
    assert all(math.isclose(scale, 1 / 0.07, rel_tol=1e-5) for scale in space.scales.values())
    torch.nn.init.constant_(space.log_scales["points-text"], 9.0)
    space.clamp_scales()
    assert math.isclose(space.scales["points", "text"], 100, rel_tol=1e-5)
    assert space.scale("text", "points") == space.scale("points", "text")


def test_encode_in_chunks_is_encode_one_by_one_and_leaves_the_mode() -> None:
    space = small_space().train()
    clouds = [np.random.default_rng(i).normal(size=(5 + i % 3, 3)).astype(np.float32) for i in range(300)]
    vectors = space.encode(points=clouds, text=["one number", "two"])
    assert space.training
    assert vectors["points"].shape == (300, 16) and vectors["points"].dtype == np.float32
    assert vectors["text"].shape == (2, 16)
    for row in (0, 1, 299):
        np.testing.assert_allclose(space.encode(points=[clouds[row]])["points"][0], vectors["points"][row], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors["points"], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "no modality"),
        ({"sound": [1]}, "'sound' is unknown.*points, signal, text"),
        ({"text": []}, "nothing found"),
        ({"text": "open"}, r"text=\[\.\.\.\]"),
        ({"text": ["open", " "]}, "text 1: blank"),
        ({"points": np.full((1, 4, 3), np.nan)}, "points 0: 12 numbers are NaN"),
        ({"points": np.zeros((4, 3), np.float32)}, r"cloud\[None\]"),
        ({"points": [np.zeros((4, 3), np.float32), np.zeros((4, 6), np.float32)]}, r"\(4, 3\).*\(4, 6\)"),
    ],
)
def test_bad_input_to_encode_is_named(data: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        small_space().encode(**data)


def test_the_fingerprint_follows_weights_and_frozen_encoders() -> None:
    assert small_space(0).fingerprint() == small_space(0).fingerprint() != small_space(1).fingerprint()
    space = small_space()
    before = space.fingerprint()
    space.encode(text=["anything"])
    assert space.fingerprint() == before
    assert set(space.frozen_identities()) == {"text"}


def test_a_space_needs_two_modalities_and_a_known_anchor() -> None:
    with pytest.raises(InputError, match="at least two"):
        SharedSpace(text=Words())
    with pytest.raises(InputError, match="anchor: 'sound'"):
        SharedSpace(anchor="sound", text=Words(), signal=Linear())
