"""Samples of a run, read once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from grounding.encoders import Frozen
from grounding.errors import DataError
from grounding.space import SharedSpace
from grounding.space.catalogue import Catalogue
from tests.space.small import Linear, Words, small_samples, small_space


class Lazy(Sequence[Any]):
    """Makes each sample on access and counts."""

    def __init__(self, count: int) -> None:
        self.count, self.asked = count, 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: Any) -> dict[str, object]:
        self.asked += 1
        return {"id": str(row), "text": f"number{row}", "other": f"word{row} again"}


def test_features_of_every_rendering_are_those_of_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grounding.space.catalogue.CHUNK", 7)
    samples = small_samples(40)
    encoded = Catalogue(small_space(), {"a": samples[:25], "b": samples[25:]}).frozen["text"]
    for position, sample in enumerate(samples):
        wordings = sample.get("text", ())
        assert encoded.counts[position] == len(wordings)  # type: ignore[arg-type]
        for number, wording in enumerate(wordings):  # type: ignore[arg-type,var-annotated]
            draw = np.array([(number + 0.5) / len(wordings)])  # type: ignore[arg-type]
            torch.testing.assert_close(encoded.choose(np.array([position]), draw), Words()([wording]))


def test_a_data_set_of_frozen_modalities_is_read_once() -> None:
    space = SharedSpace(dim=8, text=Frozen(Words()), other=Frozen(Words()))
    data = Lazy(20)
    from grounding.space.sampling import Sampler

    sampler = Sampler(Catalogue(space, {"lazy": data}), batch=8, extra=0, seed=0)
    for step in range(5):
        sampler(step)
    assert data.asked == 20


def test_what_is_there_is_counted() -> None:
    samples = small_samples(20)
    found = Catalogue(small_space(), {"a": samples[:12], "b": samples[12:]})
    assert len(found) == 20 and found.sets == {"a": range(12), "b": range(12, 20)}
    assert [found.ids[code] for code in found.codes.tolist()] == [one["id"] for one in samples]
    assert found.names == ("points", "signal", "text")
    assert [[name in one for name in found.names] for one in samples] == found.observed.tolist()


def test_the_digest_is_that_of_the_contents() -> None:
    def digest(samples: list[dict[str, object]]) -> str:
        return Catalogue(small_space(), {"a": samples}).digest

    assert digest(small_samples(20)) == digest(small_samples(20)) != digest(small_samples(20, seed=1))
    parts = [{"id": "a", "signal": {"one": np.zeros(3), "two": np.ones(3)}}]
    other = [{"id": "a", "signal": {"one": np.ones(3), "two": np.zeros(3)}}]
    space = SharedSpace(dim=8, text=Frozen(Words()), signal=Linear())
    assert Catalogue(space, {"a": parts}).digest != Catalogue(space, {"a": other}).digest


def test_unusable_samples_are_named() -> None:
    with pytest.raises(DataError, match="data set 'none': no samples"):
        Catalogue(small_space(), {"a": small_samples(4), "none": []})
    with pytest.raises(DataError, match="data set 'b', sample 0.*no string 'id'"):
        Catalogue(small_space(), {"a": small_samples(4), "b": [{"text": "x"}]})
    with pytest.raises(DataError, match="text is an empty tuple"):
        Catalogue(small_space(), {"a": [{"id": "a", "text": ()}]})
