"""The four-modality space, end to end with the real sentence encoder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import DataError, InputError, WeightsError
from grounding.space import (
    FitSettings,
    SharedSpace,
    SpaceSettings,
    build_space,
    evaluate,
    fit,
)
from tests.space import synthetic
from tests.space.small import small_samples, small_space


def build(**settings: object) -> SharedSpace:
    try:
        return build_space(SpaceSettings(dim=32, image_width=32, points_width=32, trajectory_width=16, **settings))  # type: ignore[arg-type]
    except WeightsError as error:
        pytest.skip(str(error))


def test_the_first_weights_come_from_the_seed_and_nothing_else_is_disturbed() -> None:
    state = torch.random.get_rng_state()
    first, second = build(), build()
    assert first.fingerprint() == second.fingerprint()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert first.modalities == ("image", "points", "text", "trajectory")
    assert build(anchor="text").anchor == "text"


def test_words_find_clouds_they_were_never_paired_with(tmp_path: Path) -> None:
    space = build()
    chosen = [f"PlaceInBin small {color} {shape}" for color in synthetic.COLORS for shape in ("cube", "ball")]
    samples = synthetic.demonstrations(60, chosen=chosen) + synthetic.distractors(40, chosen=chosen)
    settings = FitSettings(steps=60, batch=24, extra=8, learning_rate=3e-3, warmup=5)
    fit(space, {"synthetic": samples}, run=tmp_path, settings=settings)
    unseen = synthetic.demonstrations(40, seed=4, chosen=chosen, wordings="unseen")
    result = evaluate(space, unseen).pairs["text->points"]
    assert result.recall[1] > 2.5 * result.chance[1]


def test_encode_takes_each_modality_in_its_natural_form() -> None:
    samples = synthetic.demonstrations(4)
    generator = np.random.default_rng(0)
    vectors = build().encode(
        text=["put the small red cube in the bin"],
        points=np.stack([sample["points"] for sample in samples]),  # type: ignore[misc]
        image=generator.integers(0, 255, (3, 128, 128, 3), dtype=np.uint8),
        trajectory=[synthetic.trajectory("PressButton", generator), synthetic.trajectory("PressButton", generator)],
    )
    assert {name: value.shape for name, value in vectors.items()} == {
        "text": (1, 32), "points": (4, 32), "image": (3, 32), "trajectory": (2, 32),
    }  # fmt: skip


def test_unknown_weights_are_an_error_not_a_random_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsError, match="Remedies"):
        build_space(SpaceSettings(text="someone/no-such-model"))


def test_a_folder_says_how_to_build_its_space(tmp_path: Path) -> None:
    space = build()
    space.save(tmp_path)
    loaded = SharedSpace.load(tmp_path)
    assert loaded.fingerprint() == space.fingerprint()
    assert not loaded.training
    words = {"text": ["open the top drawer"]}
    np.testing.assert_array_equal(loaded.encode(**words)["text"], space.encode(**words)["text"])
    with pytest.raises(DataError, match="run `grounding train` first"):
        SharedSpace.load(tmp_path / "nowhere")


def test_pair_weights_must_be_positive_and_name_pairs_of_the_space(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 0"):
        FitSettings(pair_weights={"a-b": -1.0})
    with pytest.raises(InputError, match="pair_weights: \\['a-nothing'\\] found"):
        fit(
            small_space(0),
            {"x": small_samples(8)},
            run=tmp_path,
            settings=FitSettings(pair_weights={"a-nothing": 1.0}),
        )


def test_a_pair_weighs_as_much_as_its_weight_says(tmp_path: Path) -> None:
    first = {}
    for weight in (1.0, 1e-6):
        settings = FitSettings(steps=1, batch=16, extra=4, log_every=1, pair_weights={"points-text": weight})
        folder = tmp_path / str(weight)
        fit(small_space(0), {"x": small_samples(32)}, run=folder, settings=settings)
        first[weight] = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
    terms = {name: value for name, value in first[1.0].items() if name.startswith("loss/")}
    others = [value for name, value in terms.items() if name != "loss/points-text"]
    assert first[1.0]["loss"] == pytest.approx(sum(terms.values()) / len(terms), rel=1e-5)
    assert first[1e-6]["loss"] == pytest.approx(sum(others) / len(others), rel=1e-4)
