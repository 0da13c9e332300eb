"""The figures of an evaluation: which pairs, which items, which kind, and that several processes give the same."""

import json
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.encoders import Frozen
from grounding.errors import DataError, InputError, WeightsError
from grounding.space import SharedSpace, evaluate, fit
from tests.space.evaluating import figures
from tests.space.small import SETTINGS, Linear, Words, small_samples, small_space

ROOT = Path(__file__).parents[2]


def captioned(count: int = 12) -> list[dict[str, object]]:
    """One signal and three captions a sample, each sample its own id."""
    generator = np.random.default_rng(0)
    return [
        {
            "id": f"picture {row}",
            "signal": generator.normal(size=6).astype(np.float32),
            "text": tuple(f"caption{generator.integers(99)} words{row}" for _ in range(3)),
        }
        for row in range(count)
    ]


def test_every_ordered_pair_is_reported() -> None:
    samples = small_samples(96)
    table = evaluate(small_space(), samples)
    numbers = json.loads(json.dumps(table.as_dict(), allow_nan=False))
    assert list(numbers) == ["->".join(pair) for pair in permutations(("points", "signal", "text"), 2)]
    row = numbers["text->points"]
    for rate in ("R@1", "R@5", "R@10", "mAP"):
        assert 0 <= row[f"{rate} low"] <= row[rate] <= row[f"{rate} high"] <= 1
        assert 0 < row[f"chance {rate}"] <= 1
    assert row["R@1"] <= row["R@5"] <= row["R@10"]
    assert row["n"] == 3 * sum("text" in sample for sample in samples)
    assert row["gallery"] == sum("points" in sample for sample in samples)
    assert row["gap"] == numbers["points->text"]["gap"] > 0
    assert row["alignment"] == numbers["points->text"]["alignment"] > 0
    assert row["query uniformity"] == numbers["signal->text"]["gallery uniformity"] == table.uniformity["text"] < 0
    shown = str(table)
    for part in ("text->points", "untrained", "R@1", "95 % interval", "chance", "mAP", "gap", f"{row['R@1']:.3f}"):
        assert part in shown, part
    assert all(len(line) <= 120 for line in shown.splitlines())


def test_figures_are_those_of_a_plain_loop() -> None:
    space, samples = small_space(), captioned()
    result = evaluate(space, samples)
    texts = [caption for sample in samples for caption in sample["text"]]  # type: ignore[attr-defined]
    vectors = space.encode(text=texts, signal=[sample["signal"] for sample in samples])
    similar = vectors["signal"].astype(np.float64) @ vectors["text"].T
    owner = np.arange(36) // 3
    found = [1 + np.flatnonzero(owner[np.argsort(-similar[query])] == query) for query in range(12)]
    forth, back = result.pairs["signal->text"], result.pairs["text->signal"]
    assert (forth.n, forth.gallery, back.n, back.gallery) == (12, 36, 36, 12)
    for cut in (1, 5, 10):
        assert forth.recall[cut] == pytest.approx(np.mean([ranks[0] <= cut for ranks in found]))
    assert forth.median_rank == np.median([ranks[0] for ranks in found])
    assert forth.mean_average_precision == pytest.approx(np.mean([np.mean(np.arange(1, 4) / r) for r in found]))
    single = [1 + np.flatnonzero(np.argsort(-similar[:, caption]) == owner[caption])[0] for caption in range(36)]
    assert back.recall[5] == pytest.approx(np.mean(np.array(single) <= 5))
    assert back.mean_average_precision == pytest.approx(np.mean(1 / np.array(single)))
    assert back.chance[1] == pytest.approx(1 / 12) and forth.chance[1] == pytest.approx(3 / 36)
    gap = np.linalg.norm(vectors["signal"].mean(0) - vectors["text"].mean(0))
    assert forth.gap == pytest.approx(gap, rel=1e-5)
    assert forth.alignment == pytest.approx(np.mean(2 - 2 * similar[owner, np.arange(36)]), rel=1e-5)


def test_pairs_without_a_loss_are_emergent(tmp_path: Path) -> None:
    space = small_space(anchor="text")
    assert {pair.kind for pair in evaluate(space, small_samples(40), resamples=0).pairs.values()} == {"untrained"}
    fit(space, {"small": small_samples()}, run=tmp_path, settings=SETTINGS)
    for again in (space, SharedSpace.load(tmp_path, text=Frozen(Words()), signal=Linear())):
        kinds = {name: pair.kind for name, pair in evaluate(again, small_samples(40), resamples=0).pairs.items()}
        assert {name for name, kind in kinds.items() if kind == "emergent"} == {"points->signal", "signal->points"}
        assert list(kinds.values()).count("paired") == 4


def test_training_beats_chance(tmp_path: Path) -> None:
    space = small_space()
    before = evaluate(space, small_samples(80, seed=1)).pairs["signal->text"]
    fit(space, {"small": small_samples()}, run=tmp_path, settings=SETTINGS)
    after = evaluate(space, small_samples(80, seed=1)).pairs["signal->text"]
    assert after.mean_average_precision > before.mean_average_precision
    assert after.intervals["mAP"][0] > after.chance_precision
    assert after.alignment < before.alignment


def test_a_fusion_is_searched_like_a_modality() -> None:
    torch.manual_seed(0)
    space = SharedSpace(
        dim=16, fusions={"both": ("first", "text")}, text=Words(), first=Linear(), second=Linear(), third=Linear()
    )
    samples = captioned()
    generator = np.random.default_rng(1)
    for row, sample in enumerate(samples):
        sample["first"] = sample.pop("signal")
        sample["second"] = generator.normal(size=6).astype(np.float32)
        if row == 3:
            del sample["first"]
    pairs = evaluate(space, samples).pairs
    assert {"both->second", "second->both"} < set(pairs) and "both->text" not in pairs and "first->both" not in pairs
    # Row 3 has one part only, with which nothing is fused; captions are not multiplied.
    assert pairs["both->second"].n == pairs["second->both"].gallery == 11 and pairs["both->second"].gallery == 12


def test_seed_and_resamples_touch_the_intervals_only() -> None:
    space, samples = small_space(), captioned()
    first, again = evaluate(space, samples, seed=1), evaluate(space, samples, seed=1)
    assert first == again
    other, none = evaluate(space, samples, seed=2), evaluate(space, samples, resamples=0)
    assert other.pairs["signal->text"].intervals != first.pairs["signal->text"].intervals
    assert none.pairs["signal->text"].intervals == {} and "R@1 low" not in none.as_dict()["signal->text"]
    for name, pair in first.pairs.items():
        assert pair.recall == other.pairs[name].recall == none.pairs[name].recall
    assert "95 % interval" in str(none)


def test_a_pair_without_common_ids_is_left_out() -> None:
    signal = np.ones(6, np.float32)
    samples = [
        {"id": "a", "text": "x"},
        {"id": "a", "signal": signal},
        {"id": "b", "points": np.ones((4, 3), np.float32)},
        {"id": "c", "signal": signal},
    ]
    result = evaluate(small_space(), samples)
    assert set(result.pairs) == {"text->signal", "signal->text"}
    # One text, so whoever searches texts cannot miss, and so even chance does not.
    assert result.pairs["signal->text"].is_trivial and not result.pairs["text->signal"].is_trivial
    assert "signal->text: nothing but right answers among the 1 searched" in str(result)
    assert "query uniformity" not in result.as_dict()["text->signal"]
    with pytest.raises(DataError, match="no id is seen in two modalities"):
        evaluate(small_space(), samples[1:])


def test_what_cannot_be_evaluated_is_refused() -> None:
    whole = {"id": "a", "text": "x", "signal": np.ones(6, np.float32)}
    with pytest.raises(DataError, match="no samples found"):
        evaluate(small_space(), [])
    with pytest.raises(DataError, match="one id .'a'. found among 1 samples, expected at least two"):
        evaluate(small_space(), [whole])
    with pytest.raises(DataError, match="one id .'a'. found among 2 samples"):
        evaluate(small_space(), [whole, whole])
    for wrong, message in (
        ({"smell": "x"}, "smell.*expected some of"),
        ({"text": " "}, "blank text"),
        ({"text": ()}, "empty tuple"),
        ({"signal": np.full(6, np.nan, np.float32)}, "6 numbers are NaN"),
        ({"id": None}, "id"),
    ):
        with pytest.raises(DataError, match=message):
            evaluate(small_space(), [whole, {"id": "b", "text": "y", **wrong}])
    for options in ({"seed": -1}, {"resamples": -1}):
        with pytest.raises(InputError, match="expected 0 or more"):
            evaluate(small_space(), captioned(), **options)


def test_vectors_that_are_not_finite_are_refused() -> None:
    space = small_space()
    with torch.no_grad():
        space.encoders["signal"].map[0].bias.fill_(torch.nan)
    with pytest.raises(WeightsError, match="signal"):
        evaluate(space, captioned())


@pytest.mark.slow
def test_two_processes_give_the_figures_of_one(tmp_path: Path) -> None:
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "tests.space.evaluating", tmp_path],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=120,
    )
    alone = json.loads(json.dumps(figures()))
    for place in ("0.json", "1.json"):
        assert json.loads((tmp_path / place).read_text()) == alone
