"""Encoding models on recordings whose truth is known: what is planted is found, and what is not is not."""

from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.encoding import EncodingModel, EncodingResult, Space
from grounding.brain.encoding.one_fold import Competitors, FoldFitter, band_weights
from grounding.brain.folds import Contiguous, LeaveOneOut, Shuffled
from grounding.brain.recording import Features, Recording, Responses, Run
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError
from tests.brain.encoding.planted import ALPHAS, QUICK, autoregressive, driven, features, model, recording


def test_unique_variance_of_what_the_embedding_drives_is_its_share(truth: EncodingResult) -> None:
    # Two standard errors of r² with 800 rows are 0.054.
    assert np.abs(truth.unique[:4] - 0.4).max() < 0.1 and abs(truth.unique[:4].mean() - 0.4) < 0.04
    assert np.abs(truth.r2[:4] - 0.4).max() < 0.1 and abs(truth.r2[:4].mean() - 0.4) < 0.04
    assert np.allclose(truth.r[:4], np.sqrt(0.4), atol=0.05)


def test_a_control_that_the_embedding_resembles_scores_but_is_not_unique(truth: EncodingResult) -> None:
    assert truth.r2[4:].min() > 0.3
    assert np.abs(truth.unique[4:]).max() < 0.01
    assert truth.score("controls", "r2")[4:].min() > truth.r2[4:].max() - 0.15


def test_p_values_tell_the_two_apart(truth: EncodingResult) -> None:
    assert truth.significance is not None and truth.unique_significance is not None
    assert (truth.significance.family_wise < 0.05).all()
    assert (truth.unique_significance.family_wise[:4] < 0.05).all()
    assert (truth.unique_significance.p[4:] > 0.05).all()


def test_nothing_but_autocorrelation_is_nothing() -> None:
    """AR(1) noise and AR(1) features, the whole model: p-values below 0.05 are no more than 5 % within chance."""
    generator = np.random.default_rng(2)
    runs = {f"run-{n}": autoregressive(generator, 200, 400, 0.6) for n in range(2)}
    embedding = Features("noise", {run: autoregressive(generator, 200, 5, 0.6) for run in runs})
    control = Features("control", {run: autoregressive(generator, 200, 2, 0.6) for run in runs})
    result = model(embedding, control, permutations=200, folds=Contiguous(3, purge=5)).fit(recording(runs))
    assert result.significance is not None and result.unique_significance is not None
    # 5 % and 2.5 standard errors of 400 targets.
    bound = 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 400)
    assert (result.significance.p < 0.05).mean() < bound
    assert (result.unique_significance.p < 0.05).mean() < bound
    assert (result.significance.family_wise < 0.05).sum() <= 3
    # Choosing among more models overfits a little more, so noise comes out below zero rather than above.
    assert -0.02 < result.unique.mean() < 0.002


@pytest.fixture(scope="module")
def slow() -> tuple[Recording, Features]:
    generator = np.random.default_rng(3)
    data = {f"run-{n}": autoregressive(generator, 200, 12, 0.9) for n in range(2)}
    return recording(data), Features("embedding", {run: autoregressive(generator, 200, 8, 0.9) for run in data})


def test_autocorrelation_wins_with_shuffled_folds(slow: tuple[Recording, Features]) -> None:
    result = model(slow[1], folds=Shuffled(4, seed=0)).fit(slow[0])
    alone = result.score("autocorrelation", "r").mean()
    assert alone > 0.6 and alone > result.r.mean() + 0.3
    assert result.shuffled and any("SHUFFLED" in warning for warning in result.warnings)
    assert any("autocorrelation" in warning and "as much as" in warning for warning in result.warnings)


def test_autocorrelation_is_nothing_with_contiguous_folds(slow: tuple[Recording, Features]) -> None:
    result = model(slow[1]).fit(slow[0])
    assert abs(result.score("autocorrelation", "r").mean()) < 0.1
    assert not result.shuffled and "gap of" in result.folds


def test_test_rows_teach_nothing(generator: np.random.Generator) -> None:
    """Scaling, components, penalties and band weights are those of the training rows, whatever test rows hold."""
    embedding, control = features(generator, "e", 6, n=150), features(generator, "c", 2, n=150)
    rows = Rows.joined([Rows.of_run(run, np.arange(150.0)) for run in embedding.runs])
    data = np.concatenate(list(driven(generator, embedding, 3, 0.3).values())).astype(np.float32)
    fold = next(iter(Contiguous(4, purge=5).split(rows)))
    inner = Contiguous(3, purge=5).split(rows.take(fold.train))
    space = Space(embedding, components=4)
    competitors = Competitors(space, (Space(control),), (space,), (space,))
    corrupt = data.copy()
    unseen = np.setdiff1d(np.arange(300), fold.train)
    corrupt[unseen] = corrupt[unseen] * 1e3 + 1e4
    first, second = (
        FoldFitter(rows, responses, fold, inner, ALPHAS, draws=6, seed=0).fit(competitors)
        for responses in (data, corrupt)
    )
    for name, predicted in first.predictions.items():
        assert np.array_equal(predicted, second.predictions[name]), name
    assert np.array_equal(first.alpha, second.alpha) and first.width == second.width


def test_the_order_of_runs_and_another_runs_content_change_nothing(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 5, runs=3, n=120)
    data = driven(generator, embedding, 3, 0.5)
    settings = model(embedding, delays=(0, 1), folds=LeaveOneOut("run"))
    forward = settings.fit(recording(data))
    backward = settings.fit(recording(dict(reversed(data.items()))))
    for name in forward.scores:
        assert np.allclose(forward.score(name, "r2"), backward.score(name, "r2"), atol=2e-4), name


def test_delays_find_a_late_response_and_none_of_it_from_the_run_before(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 3, n=200)
    late = Features("late", {run: np.roll(data, 3, axis=0) for run, data in embedding.runs.items()})
    made = recording(driven(generator, late, 4, 0.6))
    assert model(embedding, delays=(2, 3), folds=LeaveOneOut("run")).fit(made).r2.mean() > 0.5
    assert model(embedding, folds=LeaveOneOut("run")).fit(made).r2.mean() < 0.05


def test_random_and_untrained_models_are_scored_beside_the_embedding(generator: np.random.Generator) -> None:
    embedding = features(generator, "trained", 4, n=150)
    made = recording(driven(generator, embedding, 3, 0.5))
    calls = []

    def untrained(seed: int) -> Features:
        calls.append(seed)
        return features(np.random.default_rng(seed), f"untrained {seed}", 4, n=150)

    copies = [features(generator, f"random {n}", 4, n=150) for n in range(2)]
    result = model(embedding, random=copies, untrained=untrained, seed=5, folds=Contiguous(3)).fit(made)
    assert calls == [5, 6, 7] and result.parts["untrained"] == ("untrained 5", "untrained 6", "untrained 7")
    assert abs(result.score("random vectors", "r").mean()) < 0.15 and abs(result.score("untrained", "r").mean()) < 0.15
    assert abs(result.unique.mean() - 0.5) < 0.1
    itself = model(embedding, folds=LeaveOneOut("run"), untrained=[embedding]).fit(made)
    assert abs(itself.unique.mean()) < 0.01 and itself.r.mean() > 0.6


def test_broken_targets_are_named_and_left_out(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 3, n=120)
    data = {run: responses.copy() for run, responses in driven(generator, embedding, 5, 0.5).items()}
    data["run-0"][7, 1] = np.nan
    for responses in data.values():
        responses[:, 3] = 2.0
    data["run-1"][:, 4] = 0.0
    made = recording(data, excluded={"v9": "bad contact"})
    result = model(embedding, folds=LeaveOneOut("run")).fit(made)
    assert result.targets == ("v0", "v2") and result.r.shape == (2,)
    assert result.excluded["v9"] == "bad contact" and "NaN or infinite in 1 of 240" in result.excluded["v1"]
    assert result.excluded["v3"].startswith("constant") and "training rows of fold 0" in result.excluded["v4"]
    with pytest.raises(DataError, match="none of 1 targets is usable; 'v0' is constant"):
        model(embedding).fit(recording({run: np.ones((120, 1)) for run in data}))


def test_more_features_than_rows_are_fine(generator: np.random.Generator) -> None:
    embedding = features(generator, "wide", 150, n=60)
    result = model(embedding).fit(recording(driven(generator, embedding, 2, 0.9)))
    assert np.isfinite(result.r).all() and np.isfinite(result.unique).all()


def test_confounds_join_the_controls(generator: np.random.Generator) -> None:
    motion = features(generator, "motion", 2, n=200)
    made = recording(driven(generator, motion, 3, 0.5))
    runs = tuple(replace(run, confounds=motion.runs[run.name]) for run in made.runs)
    result = model(motion, delays=(0, 1), folds=LeaveOneOut("run")).fit(replace(made, runs=runs))
    assert result.parts["controls"] == ("confounds",)
    assert result.score("controls", "r2").mean() > 0.4 and abs(result.unique.mean()) < 0.01


def test_word_locked_responses_bring_their_controls(generator: np.random.Generator) -> None:
    words = ["the", "cat", "sat", "on", "a", "large", "old", "mat"] * 20
    rows = Rows.of_run("r", np.cumsum(generator.uniform(0.2, 0.6, 160)), word=words).take(np.arange(160) % 7 != 3)
    data = generator.standard_normal((len(rows), 2)).astype(np.float32)
    embedding = Features("e", {"r": generator.standard_normal((160, 3)).astype(np.float32)})
    settings = EncodingModel(embedding, **(QUICK | {"random": None}))  # type: ignore[arg-type]
    result = settings.fit(Responses(data, rows, ("a", "b"), "eeg"))
    assert result.parts["controls"] == ("time since the word before", "position", "length")
    assert len(result.parts["random vectors"]) == 3


def test_the_same_story_in_training_and_test_rows_is_told(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 3, runs=3, n=100)
    made = recording(driven(generator, embedding, 2, 0.5))
    again = tuple(Run(run.name, run.data, 0.5, story="alice") for run in made.runs)
    result = model(embedding, folds=LeaveOneOut("run")).fit(replace(made, runs=again))
    assert any("'alice' is in test rows and, by another run, in training rows" in note for note in result.notes)
    assert not model(embedding, folds=LeaveOneOut("run")).fit(made).notes


def test_repeats_give_the_ceiling_that_was_planted() -> None:
    generator = np.random.default_rng(5)
    shared = features(generator, "e", 3, runs=1, n=160).runs["run-0"]
    embedding = Features("e", {f"run-{n}": shared for n in range(4)})
    data = driven(generator, embedding, 6, 0.5)
    runs = tuple(Run(name, one.astype(np.float32), 0.5, story="alice") for name, one in data.items())
    made = Recording(runs, tuple("abcdef"), "fmri", synthetic=True)
    result = model(embedding, folds=Contiguous(3)).fit(made)
    assert result.ceiling is not None and "4 presentations" in result.ceiling_method
    assert np.abs(result.ceiling - np.sqrt(0.5)).max() < 0.1 and abs(result.ceiling.mean() - np.sqrt(0.5)) < 0.04
    normalised = result.normalised_r()
    assert normalised is not None and np.abs(normalised - 1).max() < 0.15


def test_a_gap_shorter_than_the_memory_of_responses_is_told(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 2, runs=1, n=240)
    made = recording(driven(generator, embedding, 2, 0.1, memory=0.8))
    told = model(embedding, folds=Contiguous(3, purge=1)).fit(made).notes
    assert any("the gap of 1 rows is shorter than" in note and "choose purge=" in note for note in told)
    assert not any("is shorter than" in note for note in model(embedding).fit(made).notes)


def test_drift_between_folds_is_told(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 3, n=100)
    data = driven(generator, embedding, 2, 0.5)
    data["run-1"] = data["run-1"] + 3
    assert any("between the means of test stretches" in note for note in model(embedding).fit(recording(data)).notes)


def test_bad_settings_are_refused(generator: np.random.Generator) -> None:
    embedding = features(generator, "e", 3)
    for wrong in ({"delays": ()}, {"delays": (1, 1)}, {"inner": 1}, {"draws": 0}, {"permutations": 10}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            EncodingModel(embedding, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="none for run 'run-1'"):
        model(Features("e", {"run-0": embedding.runs["run-0"]})).fit(recording(driven(generator, embedding, 2, 0.5)))


def test_band_weights_hold_equal_weights_and_each_band_alone() -> None:
    weights = band_weights(3, 8, seed=0)
    assert weights.shape == (8, 3) and np.allclose(weights.sum(1), 1) and (weights >= 0).all()
    assert np.allclose(weights[0], 1 / 3) and np.array_equal(weights[1:4], np.eye(3))
    assert np.array_equal(weights, band_weights(3, 8, seed=0)) and not np.array_equal(weights, band_weights(3, 8, 1))
    assert band_weights(1, 8, 0).tolist() == [[1.0]]
