"""Training: learning, resuming, being killed, refusing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch

from grounding.encoders import Frozen, PointEncoder
from grounding.errors import DataError, InputError, StorageError
from grounding.space import (
    DropFalseNegatives,
    FitSettings,
    Matryoshka,
    SharedSpace,
    Training,
    evaluate,
    fit,
    info_nce,
    load_weights,
)
from grounding.space.checkpoint import stored
from tests.space.parallel import quiet_space
from tests.space.small import SETTINGS, Linear, Words, small_samples, small_space

ROOT = Path(__file__).parents[2]


def steps_of(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_it_learns_and_a_finished_run_is_read_back_at_once(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=120, learning_rate=3e-3, checkpoint_every=50, log_every=20)
    space, unseen = small_space(), small_samples(60, seed=9)
    before = evaluate(space, unseen).pairs["text->signal"].recall[1]
    result = fit(space, {"small": small_samples()}, run=tmp_path, settings=settings)
    after = evaluate(space, unseen).pairs["text->signal"].recall[1]
    assert before < 0.5 < 0.9 < after
    assert not space.training and result.steps == 120 and result.resumed_from == 0 and result.loss < 2
    assert steps_of(tmp_path) == [20, 40, 60, 80, 100, 120]
    line = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"loss", "loss/points-text", "scale/signal-text", "learning rate", "samples per second"} <= set(line)

    again = small_space(3)
    began = time.monotonic()
    result = fit(again, {"small": small_samples()}, run=tmp_path, settings=settings)
    assert result.resumed_from == 120 and time.monotonic() - began < 1
    assert again.fingerprint() == space.fingerprint()
    loaded = small_space(4)
    load_weights(loaded, tmp_path / "space.safetensors")
    assert loaded.fingerprint() == space.fingerprint()


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.space.small", str(killed)],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    patience = time.monotonic() + 120
    while not (stored(killed / "space.safetensors").get("step") or 0) >= 3:
        assert process.poll() is None and time.monotonic() < patience, "the run ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    resumed, uninterrupted = small_space(), small_space()
    state = torch.random.get_rng_state()
    result = fit(resumed, {"small": small_samples()}, run=killed, settings=SETTINGS)
    assert 3 <= result.resumed_from < SETTINGS.steps
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    fit(uninterrupted, {"small": small_samples()}, run=whole, settings=SETTINGS)
    assert resumed.fingerprint() == uninterrupted.fingerprint()
    assert (killed / "space.safetensors").read_bytes() == (whole / "space.safetensors").read_bytes()
    assert steps_of(killed) == steps_of(whole) == list(range(2, 25, 2))


class StopError(Exception):
    """Ends a run at a chosen place."""


def stop_after(calls: int) -> Callable[..., torch.Tensor]:
    count = 0

    def loss(*arguments: torch.Tensor, **_: object) -> torch.Tensor:
        nonlocal count
        count += 1
        if count > calls:
            raise StopError
        return info_nce(*arguments)

    return loss


@pytest.mark.parametrize("calls", [1, 10, 31])
def test_wherever_it_stops_between_checkpoints_it_resumes_to_the_same_weights(tmp_path: Path, calls: int) -> None:
    settings = replace(SETTINGS, steps=12, checkpoint_every=4)
    whole = small_space()
    fit(whole, {"small": small_samples()}, stop_after(10_000), run=tmp_path / "whole", settings=settings)
    with pytest.raises(StopError):
        fit(small_space(), {"small": small_samples()}, stop_after(calls), run=tmp_path / "run", settings=settings)
    resumed = small_space()
    result = fit(resumed, {"small": small_samples()}, stop_after(10_000), run=tmp_path / "run", settings=settings)
    assert result.resumed_from % 4 == 0
    assert resumed.fingerprint() == whole.fingerprint()
    assert steps_of(tmp_path / "run") == [2, 4, 6, 8, 10, 12]


def test_a_kill_between_the_two_files_of_a_checkpoint(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=6, checkpoint_every=3)
    space = small_space()
    fit(space, {"small": small_samples()}, run=tmp_path, settings=settings)
    last = (tmp_path / "space.safetensors").read_bytes()
    (tmp_path / "space.safetensors").unlink()
    fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=settings)
    assert (tmp_path / "space.safetensors").read_bytes() == last


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=8, checkpoint_every=4)
    with pytest.raises(StopError):
        fit(small_space(), {"small": small_samples()}, stop_after(13), run=tmp_path, settings=settings)
    good = (tmp_path / "trainer.pt").read_bytes()
    (tmp_path / ".trainer.pt.tmp").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"trainer.pt: cannot be written \(No space left"):
        fit(small_space(), {"small": small_samples()}, stop_after(10_000), run=tmp_path, settings=settings)
    assert (tmp_path / "trainer.pt").read_bytes() == good
    result = fit(small_space(), {"small": small_samples()}, stop_after(10_000), run=tmp_path, settings=settings)
    assert result.resumed_from == 4


def test_numbers_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="metrics.jsonl"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=replace(SETTINGS, steps=2))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path / "file", settings=replace(SETTINGS, steps=2))


def test_damaged_or_foreign_checkpoints_are_named(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=2)
    fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=settings)
    good = (tmp_path / "trainer.pt").read_bytes()
    with pytest.raises(DataError, match=r"batch 16 there, 12 now.*another run folder"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=replace(settings, batch=12))
    with pytest.raises(DataError, match="data"):
        fit(small_space(), {"small": small_samples(seed=1)}, run=tmp_path, settings=settings)
    for damaged in (b"", good[: len(good) // 2], b"not a checkpoint" * 100, good[:2000] + bytes(3000) + good[5000:]):
        (tmp_path / "trainer.pt").write_bytes(damaged)
        with pytest.raises(DataError, match=r"trainer.pt: damaged.*delete"):
            fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=settings)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    torch.save({"step": 1, "identity": Trap()}, tmp_path / "trainer.pt")
    with pytest.raises(DataError, match="damaged"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=SETTINGS)
    assert not (tmp_path / "trapped").exists()


def test_unusable_settings_and_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="steps: 0"):
        FitSettings(steps=0)
    with pytest.raises(InputError, match="at least 2"):
        FitSettings(batch=1)
    samples = small_samples()
    samples[3]["signal"] = np.full(6, np.nan, np.float32)
    with pytest.raises(DataError, match=r"'mine', sample 3.*signal: 6 numbers are NaN"):
        fit(small_space(), {"mine": samples}, run=tmp_path, settings=SETTINGS)
    assert not list(tmp_path.iterdir())


# ---- Ways to train

EVERYTHING = replace(
    SETTINGS, steps=12, checkpoint_every=4, accumulate=2, chunk=7, modality_dropout=0.2, ema=0.9, memory=30,
    pair_weights={"points-signal": 0.3}, mix={"one": 2.0, "two": 1.0}, evaluate_every=3, patience=3,
)  # fmt: skip


def full_space() -> SharedSpace:
    torch.manual_seed(0)
    return SharedSpace(
        dim=16, fusions={"query": ("points", "text")}, intra=("signal",),
        text=Frozen(Words()), signal=Linear(), points=PointEncoder(width=16, inputs=("xyz",)),
    )  # fmt: skip


@pytest.mark.parametrize("calls", [80, 130])
def test_with_everything_switched_on_it_resumes_to_the_same_weights(tmp_path: Path, calls: int) -> None:
    data = {"one": small_samples(), "two": small_samples(24, seed=5)}

    def train(space: SharedSpace, folder: str, limit: int) -> Training:
        return fit(
            space, data, stop_after(limit), run=tmp_path / folder, settings=EVERYTHING, validation=small_samples(30, 8)
        )

    whole = full_space()
    uninterrupted = train(whole, "whole", 10_000)
    with pytest.raises(StopError):
        train(full_space(), "run", calls)
    resumed = full_space()
    result = train(resumed, "run", 10_000)
    assert 0 < result.resumed_from < uninterrupted.steps
    assert resumed.fingerprint() == whole.fingerprint() and resumed.trained == whole.trained
    files = [(tmp_path / folder / "space.safetensors").read_bytes() for folder in ("run", "whole")]
    assert files[0] == files[1]
    assert (result.best_step, result.best_score) == (uninterrupted.best_step, uninterrupted.best_score)
    lines = [(tmp_path / folder / "metrics.jsonl").read_text().splitlines() for folder in ("run", "whole")]
    assert [json.loads(line)["loss"] for line in lines[0]] == [json.loads(line)["loss"] for line in lines[1]]


def test_chunks_change_neither_the_run_nor_its_identity(tmp_path: Path) -> None:
    spaces = [quiet_space(), quiet_space()]
    for space, chunk in zip(spaces, (None, 5), strict=True):
        fit(space, {"a": small_samples()}, run=tmp_path / str(chunk), settings=replace(SETTINGS, steps=8, chunk=chunk))
    for one, two in zip(spaces[0].parameters(), spaces[1].parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)


def test_locked_towers_do_not_move_and_learn_again_afterwards(tmp_path: Path) -> None:
    space = small_space()
    before = space.encode(signal=np.ones((1, 6)), text=["one"])
    settings = replace(SETTINGS, steps=6, locked=("signal", "text"))
    fit(space, {"a": small_samples()}, run=tmp_path, settings=settings)
    after = space.encode(signal=np.ones((1, 6)), text=["one"])
    for name, vectors in before.items():
        np.testing.assert_array_equal(after[name], vectors)
    assert all(parameter.requires_grad for parameter in space.parameters())
    points = small_space().encoders["points"]
    assert any(
        not torch.equal(one, two)
        for one, two in zip(space.encoders["points"].parameters(), points.parameters(), strict=True)
    )
    with pytest.raises(InputError, match="locked: \\['sound'\\]"):
        fit(space, {"a": small_samples()}, run=tmp_path / "b", settings=replace(settings, locked=("sound",)))


def test_the_averaged_weights_are_those_of_the_formula(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=5, batch=12, extra=0)
    weights = weights_by_step(tmp_path / "raw", settings)
    expected = weights[0]
    for value in weights[1:]:
        expected = 0.8 * expected + 0.2 * value
    averaged = quiet_space()
    fit(averaged, {"a": small_samples()}, run=tmp_path / "average", settings=replace(settings, ema=0.8))
    torch.testing.assert_close(averaged.heads["signal"].first.weight.detach(), expected)  # type: ignore[union-attr]
    loaded = quiet_space()
    load_weights(loaded, tmp_path / "average" / "space.safetensors")
    assert loaded.fingerprint() == averaged.fingerprint()


def test_it_stops_early_with_the_best_weights(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=200, learning_rate=3e-3, evaluate_every=4, patience=2, checkpoint_every=50)
    space, samples = small_space(), small_samples(40, seed=3)
    result = fit(space, {"a": small_samples()}, run=tmp_path, settings=settings, validation=samples)
    assert result.steps < 200 and result.best_step == result.steps - 8
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    scores = {line["step"]: line["validation recall"] for line in lines if "validation recall" in line}
    assert result.best_score == max(scores.values()) == scores[result.best_step]
    again = small_space(5)
    assert fit(again, {"a": small_samples()}, run=tmp_path, settings=settings, validation=samples).steps == result.steps
    assert again.fingerprint() == space.fingerprint()
    with pytest.raises(DataError, match="data set 'validation', sample 0"):
        fit(space, {"a": small_samples()}, run=tmp_path / "b", settings=settings, validation=[{"id": "a"}])


def test_accumulated_batches_are_averaged(tmp_path: Path) -> None:
    seen: list[int] = []

    def counting(
        za: torch.Tensor, zb: torch.Tensor, positives: torch.Tensor, scale: torch.Tensor, **_: object
    ) -> torch.Tensor:
        seen.append(len(za))
        return info_nce(za, zb, positives, scale)

    settings = replace(SETTINGS, steps=3, accumulate=4, log_every=1)
    fit(small_space(), {"a": small_samples()}, counting, run=tmp_path, settings=settings)
    assert len(seen) == 3 * 4 * 3


def test_a_unimodal_stage_before_the_joint_one(tmp_path: Path) -> None:
    torch.manual_seed(0)
    space = SharedSpace(dim=16, intra=("points", "signal"), text=Frozen(Words()), signal=Linear(),
                        points=PointEncoder(width=16, inputs=("xyz",)))  # fmt: skip
    between = {name: 0.0 for name in space.log_scales if len(set(name.split("-"))) > 1}
    fit(space, {"a": small_samples()}, run=tmp_path / "one", settings=replace(SETTINGS, steps=4, pair_weights=between))
    assert set(space.trained) == {"points-points", "signal-signal"}
    fit(space, {"a": small_samples()}, run=tmp_path / "two", settings=replace(SETTINGS, steps=4))
    assert set(space.trained) == set(space.log_scales)


def test_nan_from_a_high_learning_rate_is_told_and_the_checkpoint_kept(tmp_path: Path) -> None:
    def diverging(
        za: torch.Tensor, zb: torch.Tensor, positives: torch.Tensor, scale: torch.Tensor, **_: object
    ) -> torch.Tensor:
        diverging.calls += 1  # type: ignore[attr-defined]
        return info_nce(za, zb, positives, scale) * (float("nan") if diverging.calls > 30 else 1.0)  # type: ignore[attr-defined]

    diverging.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="is not finite; try a lower learning rate"):
        fit(
            small_space(),
            {"a": small_samples()},
            diverging,
            run=tmp_path,
            settings=replace(SETTINGS, checkpoint_every=4),
        )
    assert stored(tmp_path / "space.safetensors")["step"] == 8


def weights_by_step(folder: Path, settings: FitSettings) -> list[torch.Tensor]:
    """The first weights and those after every step."""
    space = quiet_space()
    found = [space.heads["signal"].first.weight.detach().clone()]  # type: ignore[union-attr]

    class Watching(torch.optim.AdamW):
        def step(self, closure: object = None) -> None:  # type: ignore[override]
            super().step()
            found.append(space.heads["signal"].first.weight.detach().clone())  # type: ignore[union-attr]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Watching)
        fit(space, {"a": small_samples()}, run=folder, settings=settings)
    return found


# ---- What must not go wrong


def test_the_order_in_which_modalities_joined_does_not_matter(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=8, checkpoint_every=4)
    samples = [{name: value for name, value in one.items() if name != "points"} for one in small_samples()]
    samples = [one for one in samples if len(one) > 1]

    def space(joins: bool) -> SharedSpace:
        torch.manual_seed(0)
        words, signal, again = Frozen(Words()), Linear(), Linear()
        if not joins:
            made = SharedSpace(dim=16, text=words, signal=signal, other=again)
        else:
            made = SharedSpace(dim=16, text=words, signal=signal)
            made.add(other=again)
        generator = torch.Generator().manual_seed(1)
        for _, value in sorted(made.named_parameters()):
            torch.nn.init.normal_(value, std=0.1, generator=generator)
        return made

    both = [{**one, "other": -one["signal"]} if "signal" in one else one for one in samples]  # type: ignore[operator]
    whole = space(joins=True)
    fit(whole, {"a": both}, stop_after(10_000), run=tmp_path / "whole", settings=settings)
    with pytest.raises(StopError):
        fit(space(joins=True), {"a": both}, stop_after(17), run=tmp_path / "run", settings=settings)
    resumed = space(joins=False)
    assert fit(resumed, {"a": both}, stop_after(10_000), run=tmp_path / "run", settings=settings).resumed_from == 4
    assert resumed.fingerprint() == whole.fingerprint()


def test_a_gradient_that_is_not_finite_spoils_nothing(tmp_path: Path) -> None:
    def broken(za: torch.Tensor, zb: torch.Tensor, *rest: object, **_: object) -> torch.Tensor:
        broken.calls += 1  # type: ignore[attr-defined]
        loss = (za[0] * zb[0]).sum()
        if broken.calls > 9:  # type: ignore[attr-defined]
            loss = loss + (za[:1, 0] - za[:1, 0].detach()).square().sum().sqrt()
        return loss

    broken.calls = 0  # type: ignore[attr-defined]
    space = small_space()
    with pytest.raises(DataError, match="the gradient of .* is not finite"):
        fit(space, {"a": small_samples()}, broken, run=tmp_path, settings=replace(SETTINGS, checkpoint_every=1))
    assert all(torch.isfinite(value).all() for value in space.parameters())
    assert stored(tmp_path / "space.safetensors")["step"] == 3


def pull(za: torch.Tensor, zb: torch.Tensor, positives: torch.Tensor, scale: object, **_: object) -> torch.Tensor:
    return (1 - (za @ zb.T)[positives]).mean()


def test_a_loss_of_ones_own_is_known_again(tmp_path: Path) -> None:
    for number, loss in enumerate((DropFalseNegatives(pull, 0.9), Matryoshka(pull, (8, 16)), partial(pull))):
        settings = replace(SETTINGS, steps=2)
        for again in (False, True):
            result = fit(small_space(), {"a": small_samples()}, loss, run=tmp_path / str(number), settings=settings)
            assert result.resumed_from == (2 if again else 0)
    script = (
        "from tests.space.test_training import *; import sys; "
        "fit(small_space(), {'a': small_samples()}, DropFalseNegatives(pull, 0.9), run=sys.argv[1], "
        "settings=replace(SETTINGS, steps=2))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "0")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


def test_two_modalities_may_share_an_encoder(tmp_path: Path) -> None:
    shared = Linear()
    space = SharedSpace(dim=16, left=shared, right=shared, text=Frozen(Words()))
    samples = [
        {"id": str(i), "text": f"word{i}", "left": np.full(6, i, np.float32), "right": np.full(6, -i, np.float32)}
        for i in range(20)
    ]
    fit(space, {"a": samples}, run=tmp_path, settings=replace(SETTINGS, steps=2))
    loaded = SharedSpace.load(tmp_path, left=Linear(), right=Linear(), text=Frozen(Words()))
    assert loaded.fingerprint() == space.fingerprint()


def test_locked_names_hold_fusions_and_their_pairs_still(tmp_path: Path) -> None:
    space = full_space()
    data = {"query": {"points": np.ones((1, 5, 3)), "text": ["one"]}, "signal": np.ones((1, 6))}
    before, scales = space.encode(**data), dict(space.scales)
    settings = replace(SETTINGS, steps=4, locked=space.names)
    space.add(other=Linear())
    samples = [{**one, "other": one["signal"]} if "signal" in one else one for one in small_samples()]
    fit(space, {"a": samples}, run=tmp_path, settings=settings)
    for name, vectors in space.encode(**data).items():
        np.testing.assert_array_equal(vectors, before[name])
    assert all(space.scales[pair] == scale for pair, scale in scales.items())
    assert set(space.trained) == {"other-points", "other-query", "other-signal", "other-text"}


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([{"id": "a", "text": "x"}, {"id": "b", "signal": np.ones(6)}], "no id in both modalities of a trained pair"),
        ([{"id": "a", "text": "x", "signal": np.ones(6)}] * 3, "one id found in all samples"),
        ([{"id": str(i), "points": np.ones((3, 3)), "signal": np.ones(6)} for i in range(4)], "expected one of"),
    ],
)
def test_what_can_train_nothing_is_refused(tmp_path: Path, samples: list[dict[str, object]], words: str) -> None:
    with pytest.raises(DataError, match=f"training: .*{words}"):
        fit(small_space(anchor="text"), {"a": samples}, run=tmp_path, settings=SETTINGS)
    with pytest.raises(DataError, match=f"validation: .*{words}"):
        fit(small_space(anchor="text"), {"a": small_samples()}, run=tmp_path, settings=SETTINGS, validation=samples)
    assert {path.name for path in tmp_path.iterdir()} <= {"features"}


def test_features_of_frozen_encoders_are_on_disk_for_the_next_run(tmp_path: Path) -> None:
    class Counted(Words):
        asked = 0

        def forward(self, texts: list[str]) -> torch.Tensor:
            Counted.asked += len(texts)
            return super().forward(texts)

    for number in range(2):
        torch.manual_seed(0)
        space = SharedSpace(dim=16, text=Frozen(Counted()), signal=Linear(), points=PointEncoder(8, ("xyz",)))
        run = tmp_path if number == 0 else tmp_path / "second"
        for encoder in space.encoders.values():
            if isinstance(encoder, Frozen):
                encoder.keep_in(tmp_path / "features")
        fit(space, {"a": small_samples()}, run=run, settings=replace(SETTINGS, steps=6))
    # Each of thirty wordings once: not again in the second epoch, nor in the second run.
    assert Counted.asked == 30


def test_validation_counts_trained_pairs_only_and_belongs_to_the_run(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=4, evaluate_every=4, pair_weights={"points-signal": 0.0})
    space, samples = small_space(), small_samples(40, seed=3)
    result = fit(space, {"a": small_samples()}, run=tmp_path, settings=settings, validation=samples)
    pairs = evaluate(space, samples).pairs
    kept = [found.recall for name, found in pairs.items() if set(name.split("->")) != {"points", "signal"}]
    assert len(kept) == 4
    assert result.best_score == pytest.approx(np.mean([list(recall.values()) for recall in kept]))
    with pytest.raises(DataError, match="validation"):
        fit(small_space(), {"a": small_samples()}, run=tmp_path, settings=settings, validation=samples[:30])


def test_validation_needs_a_pair_that_can_be_searched(tmp_path: Path) -> None:
    space = full_space()
    between = {name: 0.0 for name in space.log_scales if name != "signal-signal"}
    settings = replace(SETTINGS, steps=2, pair_weights=between)
    with pytest.raises(DataError, match="validation: .*no id in both modalities of a trained pair"):
        fit(space, {"a": small_samples()}, run=tmp_path, settings=settings, validation=small_samples(20))


def test_arguments_of_the_wrong_kind_are_named(tmp_path: Path) -> None:
    for data, words in (
        ({}, "expected data sets by name"),
        (small_samples(), "list of 48 found, expected data sets by name"),
        ({"a": ["x"]}, "data set 'a', sample 0: str found"),
        (
            {"a": [*small_samples(4), {"id": "z", "points": np.ones((4, 5))}]},
            r"sample 4 .*float \(any, 5\) found, but float",
        ),
        ({"a": [{"id": "a", "signal": np.full(6, 1e300)}]}, "beyond float32"),
        ({"a": [{"id": "a", "signal": [[1, 2], [3]]}]}, "list found, expected a string or an array"),
    ):
        with pytest.raises(DataError, match=words):
            fit(small_space(), data, run=tmp_path, settings=SETTINGS)  # type: ignore[arg-type]
    for settings, words in (
        ({"steps": 1.5}, "steps: 1.5 found, expected a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate: nan"),
        ({"ema": 1.0}, "ema: 1.0"),
        ({"precision": "half"}, "precision: 'half'"),
        ({"chunk": 0}, "chunk: 0"),
    ):
        with pytest.raises(InputError, match=words):
            FitSettings(**settings)  # type: ignore[arg-type]
    frozen = MappingProxyType({"points-text": 0.5})
    assert fit(
        small_space(), {"a": small_samples()}, run=tmp_path, settings=replace(SETTINGS, steps=1, pair_weights=frozen)
    )
