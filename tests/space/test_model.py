"""The space: vectors, pairs, temperatures, encode."""

import math
from itertools import combinations

import numpy as np
import pytest
import torch

from grounding.encoders import Frozen, PointEncoder
from grounding.errors import InputError, WeightsError
from grounding.space import SharedSpace, collate
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
        ({"signal": np.full((1, 6), 1e300)}, "signal 0: 6 numbers are .* beyond float32"),
        ({"text": None}, "text: one NoneType found"),
        ({"signal": 3.0}, "signal: one float found"),
        ({"signal": np.float32(3)}, "signal: one float32 found"),
        ({"points": ["a cloud"]}, "list found, expected arrays"),
        ({"signal": [[[1, 2], [3]]]}, "signal 0: list found, expected a string or an array"),
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


# ---- Fusions


def fused_space(anchor: str | None = None) -> SharedSpace:
    torch.manual_seed(0)
    return SharedSpace(
        dim=16, anchor=anchor, dropout=0.0, fusions={"query": ("signal", "text")},
        text=Frozen(Words()), signal=Linear(), points=PointEncoder(width=16, inputs=("xyz",)),
    ).eval()  # fmt: skip


def test_a_fusion_has_a_vector_wherever_one_of_its_parts_is() -> None:
    signal = np.ones(6, np.float32)
    cloud = np.ones((4, 3), np.float32)
    samples = [
        {"id": "a", "text": "x", "signal": signal},
        {"id": "b", "points": cloud},
        {"id": "c", "signal": 2 * signal},
        {"id": "d", "text": "y"},
    ]
    space = fused_space()
    vectors, rows = space(collate(samples))["query"]
    assert rows.tolist() == [0, 2, 3]
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    for place, row in enumerate((0, 2, 3)):
        torch.testing.assert_close(space(collate([samples[row]]))["query"].vectors[0], vectors[place])
    both, alone = {"text": ["x"], "signal": signal[None]}, {"text": ["x"]}
    assert not np.allclose(space.encode(query=both)["query"], space.encode(query=alone)["query"])
    assert "query" not in space(collate([samples[1]]))


def test_a_fusion_is_paired_with_all_but_its_parts() -> None:
    assert ("points", "query") in fused_space().all_pairs()
    assert not {("query", "signal"), ("query", "text")} & set(fused_space().all_pairs())
    assert fused_space(anchor="points").all_pairs() == [("points", "query"), ("points", "signal"), ("points", "text")]
    assert fused_space(anchor="query").all_pairs() == [("points", "query")]
    batch = collate([{"id": "a", "text": "x", "points": np.ones((4, 3), np.float32)}])
    assert fused_space().pairs(batch) == [("points", "query"), ("points", "text")]


def test_a_fusion_is_encoded_with_parts_missing() -> None:
    space = fused_space()
    signals = np.random.default_rng(0).normal(size=(3, 6))
    texts = ["one", None, "three"]
    vectors = space.encode(query={"text": texts, "signal": [signals[0], signals[1], None]})["query"]
    assert vectors.shape == (3, 16)
    np.testing.assert_allclose(vectors[1], space.encode(query={"signal": signals[1:2]})["query"][0], atol=1e-5)
    np.testing.assert_allclose(vectors[2], space.encode(query={"text": ["three"]})["query"][0], atol=1e-5)
    for value, words in (
        ({"text": ["one"], "signal": signals}, "items found, expected as many"),
        ({"points": signals}, r"\['points'\] found, expected a mapping of some of \['signal', 'text'\]"),
        (signals, "ndarray found, expected a mapping"),
        ({"text": ["one", None]}, "query 1: no part found"),
        ({"text": ["one", " "]}, "text 1: blank"),
    ):
        with pytest.raises(InputError, match=words):
            space.encode(query=value)


def test_wrong_fusions_and_names_are_named() -> None:
    for fusions, words in (
        ({"query": ("text",)}, "fusion 'query' of \\['text'\\] found"),
        ({"query": ("text", "sound")}, "expected a new name for at least two of"),
        ({"text": ("text", "signal")}, "fusion 'text'"),
        ({"my query": ("text", "signal")}, "expected a word of letters"),
    ):
        with pytest.raises(InputError, match=words):
            SharedSpace(fusions=fusions, text=Words(), signal=Linear())
    with pytest.raises(InputError, match="intra: \\['sound'\\]"):
        SharedSpace(intra=("sound",), text=Words(), signal=Linear())
    with pytest.raises(InputError, match="head: 'deep'"):
        SharedSpace(head="deep", text=Words(), signal=Linear())


# ---- Composed queries


def test_a_composed_query_is_the_normalised_weighted_sum() -> None:
    space = small_space()
    signals = np.random.default_rng(0).normal(size=(2, 6))
    one, two = space.encode(text=["a", "b"])["text"], space.encode(signal=signals)["signal"]
    expected = one + 0.5 * two
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(
        space.compose(text=["a", "b"], signal=signals, weights={"signal": 0.5}), expected, atol=1e-6
    )
    partly = space.compose(text=["a", None], signal=[None, signals[1]])
    np.testing.assert_allclose(partly, np.stack([one[0], two[1]]), atol=1e-6)
    for data, words in (
        ({"text": ["a"], "signal": signals}, "expected as many"),
        ({"text": ["a", None]}, "nothing found for item 1"),
        ({"text": ["a"], "weights": {"signal": 1.0}}, "a weight for 'signal'"),
        ({"text": ["a"], "weights": {"text": float("nan")}}, "a weight for 'text'"),
        ({"text": "blue"}, "text: one str found"),
        ({"text": []}, "nothing found"),
        ({"query": {"text": ["a"]}}, r"\['query'\] found, expected some of points"),
    ):
        with pytest.raises(InputError, match=words):
            space.compose(**data)  # type: ignore[arg-type]


# ---- Further modalities


def test_a_modality_that_joins_leaves_the_others_as_they_are() -> None:
    space = small_space()
    before = space.encode(text=["one"], signal=np.ones((1, 6)))
    space.add(touch=Linear(3))
    assert space.modalities == ("points", "signal", "text", "touch")
    assert {"text-touch", "points-touch", "signal-touch"} <= set(space.log_scales) & set(space.biases)
    after = space.encode(text=["one"], signal=np.ones((1, 6)), touch=np.ones((2, 3)))
    assert after["touch"].shape == (2, 16)
    for name, vectors in before.items():
        np.testing.assert_array_equal(after[name], vectors)
    names = space.modalities
    for wrong, words in (
        ({"a-b": Linear()}, "'a-b'"),
        ({"keys": Linear()}, "'keys'"),
        ({"id": Linear()}, "'id'"),
        ({"sound": torch.nn.Linear(3, 3)}, "sound: Linear found, expected a torch module with"),
    ):
        with pytest.raises(InputError, match=words):
            space.add(**wrong)
        assert space.modalities == names and set(space.encoders) == set(space.heads) == set(names)
    with pytest.raises(InputError, match="touch found, expected names that the space does not have"):
        space.add(touch=Linear(3))


def test_linear_heads_are_linear_up_to_length() -> None:
    torch.manual_seed(0)
    space = SharedSpace(dim=8, head="linear", text=Words(), signal=Linear()).eval()
    features = torch.randn(2, 16)
    head = space.heads["signal"]
    torch.testing.assert_close(head(3 * features), head(features), atol=1e-4, rtol=1e-4)
    assert sum(parameter.numel() for parameter in head.parameters()) == 16 * 8 + 8


def test_vectors_that_are_not_finite_are_named() -> None:
    space = small_space()
    torch.nn.init.constant_(space.encoders["signal"].map[0].weight, torch.inf)  # type: ignore[index,union-attr]
    with pytest.raises(WeightsError, match="signal 0: the vector is not finite"):
        space.encode(signal=np.ones((1, 6)))


def test_each_module_keeps_its_own_mode() -> None:
    space = small_space().train()
    space.encoders["points"].eval()
    space.encode(text=["one"])
    assert space.training and space.heads["text"].training and not space.encoders["points"].training
