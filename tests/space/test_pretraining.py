"""Encoders as autoencoders, before the space is trained."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.encoders import BagOfWords, Padded, PointEncoder, TrajectoryEncoder
from grounding.encoders.frozen import digest_of
from grounding.errors import DataError, InputError
from grounding.space import FitSettings, PretrainSettings, SharedSpace, fit, pretrain
from grounding.space.pretraining import corrupted
from tests.space import synthetic
from tests.space.small import Linear

SETTINGS = PretrainSettings(steps=100, batch=24, learning_rate=3e-3)
DATA = {"made up": [{**sample, "text": sample["text"][0]} for sample in synthetic.demonstrations(40)]}
KEPT = ("id", "text", "points", "trajectory")
SAMPLES = [{name: value for name, value in sample.items() if name in KEPT} for sample in DATA["made up"]]


def space() -> SharedSpace:
    torch.manual_seed(0)
    return SharedSpace(
        dim=16,
        text=BagOfWords.of([sample["text"] for sample in SAMPLES], width=16),
        points=PointEncoder(width=32),
        trajectory=TrajectoryEncoder(width=32),
    )


def test_features_come_to_hold_what_the_data_look_like(tmp_path: Path) -> None:
    trained, untrained = space(), space()
    heads = digest_of(trained.heads)
    explained = pretrain(trained, {"a": SAMPLES}, run=tmp_path, settings=SETTINGS)
    assert set(explained) == {"points", "text", "trajectory"}
    assert explained["trajectory"] > 0.5 and explained["points"] > 0.4 and explained["text"] > 0.3
    assert digest_of(trained.heads) == heads and trained.trained == {}
    for name in explained:
        assert digest_of(trained.encoders[name]) != digest_of(untrained.encoders[name])
    result = fit(trained, {"a": SAMPLES}, run=tmp_path, settings=FitSettings(steps=3, batch=12, extra=0))
    assert result.steps == 3


def test_a_finished_encoder_is_read_back_and_an_interrupted_one_done_again(tmp_path: Path) -> None:
    settings = PretrainSettings(steps=5, batch=8)
    whole = space()
    expected = pretrain(whole, {"a": SAMPLES}, run=tmp_path / "whole", settings=settings)
    first = space()
    pretrain(first, {"a": SAMPLES}, run=tmp_path / "run", modalities=["points"], settings=settings)
    written = os.stat(tmp_path / "run" / "pretraining" / "points.safetensors").st_mtime_ns
    resumed = space()
    assert pretrain(resumed, {"a": SAMPLES}, run=tmp_path / "run", settings=settings) == expected
    assert os.stat(tmp_path / "run" / "pretraining" / "points.safetensors").st_mtime_ns == written
    assert resumed.fingerprint() == whole.fingerprint()
    # Other data, other weights: what was kept is not theirs.
    other = space()
    assert pretrain(other, {"a": SAMPLES[:30]}, run=tmp_path / "run", settings=settings) != expected


def test_noise_sets_whole_entries_to_zero() -> None:
    torch.manual_seed(0)
    cloud = corrupted(torch.ones(4, 500, 3), 0.3)
    assert isinstance(cloud, torch.Tensor)
    gone = (cloud == 0).all(dim=2)
    assert torch.equal(gone, (cloud == 0).any(dim=2)) and 0.25 < gone.float().mean() < 0.35
    pictures = corrupted(torch.full((2, 8, 8, 3), 9, dtype=torch.uint8), 0.5)
    assert (
        isinstance(pictures, torch.Tensor) and pictures.dtype == torch.uint8 and 0 < (pictures == 0).float().mean() < 1
    )
    parts = corrupted(
        {"signal": Padded(torch.ones(2, 30), torch.ones(2, 30, dtype=torch.bool)), "subject": ["a", "b"]}, 0.5
    )
    assert isinstance(parts, dict) and parts["subject"] == ["a", "b"]
    assert isinstance(parts["signal"], Padded) and 0 < (parts["signal"].values == 0).float().mean() < 1
    assert corrupted(["word"], 0.9) == ["word"]


def test_what_cannot_be_pretrained_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected steps and batch of at least 1"):
        PretrainSettings(steps=0)
    plain = SharedSpace(dim=8, signal=Linear(), points=PointEncoder(width=8, inputs=("xyz",)))
    with pytest.raises(InputError, match=r"\['signal'\] found, expected some of \['points'\]"):
        pretrain(plain, {"a": []}, run=tmp_path, modalities=["signal"])
    with pytest.raises(DataError, match="no data of points found"):
        pretrain(plain, {"a": [{"id": "a", "signal": np.ones(6)}]}, run=tmp_path)
    with pytest.raises(DataError, match="sample 0.*NaN"):
        pretrain(plain, {"a": [{"id": "a", "points": np.full((3, 3), np.nan)}]}, run=tmp_path)
    assert not list(tmp_path.iterdir())
