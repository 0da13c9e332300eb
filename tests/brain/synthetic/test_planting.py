"""What is planted in a synthetic recording is what an analysis of it finds."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.ceilings import explainable_variance, inter_subject
from grounding.brain.features.haemodynamics import hrf, word_hrf
from grounding.brain.folds import LeaveOneOut
from grounding.brain.recording import Features, beside
from grounding.brain.ridge import RidgeCV
from grounding.brain.significance import segments
from grounding.brain.significance.permutation import centred
from grounding.brain.synthetic import ECOG_REGIONS, FMRI_REGIONS, Region, simulate_ecog, simulate_eeg, simulate_fmri
from grounding.brain.synthetic.planting import autoregressive
from grounding.errors import InputError

SMALL = {"stories": 2, "minutes": 0.5}
MAKERS = [simulate_fmri, simulate_eeg, simulate_ecog]


@pytest.fixture(scope="module")
def fmri():
    return simulate_fmri(stories=8, minutes=6, voxels=6, seed=3)


def test_noise_is_stationary_and_as_autocorrelated_as_stated(generator):
    noise = autoregressive(50, 40_000, 0.7, generator)
    np.testing.assert_allclose(noise.var(1), 1, atol=0.04)
    np.testing.assert_allclose((noise[1:] * noise[:-1]).mean(1), 0.7, atol=0.04)
    np.testing.assert_allclose((noise[3:] * noise[:-3]).mean(1), 0.7**3, atol=0.04)


def test_the_recording_is_signal_and_noise_in_the_stated_parts(fmri):
    run = fmri.recording.runs[0]
    noise = np.concatenate([run.data - fmri.truth.signal[run.name] for run in fmri.recording.runs])
    signal = np.concatenate([fmri.truth.signal[run.name] for run in fmri.recording.runs])
    np.testing.assert_allclose(noise.var(0), 1, atol=0.2)
    np.testing.assert_allclose(signal.var(0) / (signal.var(0) + 1), fmri.truth.ceiling, atol=1e-5)
    planted = {region.name: region.ceiling for region in FMRI_REGIONS}
    np.testing.assert_allclose(fmri.truth.ceiling, [planted[name] for name in fmri.truth.regions], atol=1e-5)
    lag_one = np.mean((noise[1:] * noise[:-1]).mean(0) / noise.var(0))
    assert lag_one == pytest.approx(0.4, abs=0.03)
    assert run.transcript.offsets[-1] < len(run.data) / run.rate


def scores(made, layer, targets=None):
    """Out-of-fold r2 (v,) of a layer, word rate and sound through the haemodynamic response, a run left out."""
    recording = made.recording
    ones = {run.name: np.ones((len(run.transcript), 1), dtype=np.float32) for run in recording.runs}
    words = word_hrf(beside("words", [layer, Features("rate", ones)]), recording)
    features = beside("all", [words, hrf(made.sound, recording.runs[0].rate)])
    responses = recording.responses()
    labels = segments(responses.rows)
    places = [np.flatnonzero(labels == name) for name in np.unique(labels)]
    X = centred(features.matrix(responses.rows), places, scale=True).astype(np.float32)
    Y = centred(responses.data, places, scale=False).astype(np.float32)
    error = np.zeros(Y.shape[1])
    for fold in LeaveOneOut("run").split(responses.rows):
        train = responses.rows.take(fold.train)
        model = RidgeCV(folds=LeaveOneOut("run")).fit(X[fold.train], Y[fold.train], rows=train)
        error += np.square(Y[fold.test] - model.predict(X[fold.test])).sum(0)
    return 1 - error / np.square(Y).sum(0)


def test_encoding_recovers_the_ceiling_from_the_planted_layer_and_less_from_others(fmri):
    """18 features, 1,500 rows: r2 comes within 0.04 of the ceiling, and the layer that was planted is the best."""
    found = {depth: scores(fmri, layer) for depth, layer in enumerate(fmri.layers)}
    for region in dict.fromkeys(fmri.truth.regions):
        own = np.array([name == region for name in fmri.truth.regions])
        depth, ceiling = fmri.truth.layer[own][0], fmri.truth.ceiling[own].mean()
        reached = {d: score[own].mean() for d, score in found.items()}
        best = reached[max(depth, 0)]
        assert ceiling - 0.04 < best < ceiling + 0.03, region
        if depth >= 0:
            assert max(reached, key=reached.get) == depth, region
            assert reached[depth] > min(reached.values()) + 0.03, region


def test_repeats_show_the_ceiling():
    made = simulate_fmri(stories=1, minutes=20, voxels=10, repeats=4, autocorrelation=0.2, seed=5)
    repeats = np.stack([run.data for run in made.recording.runs])
    assert {run.story for run in made.recording.runs} == {"story1"}
    error = explainable_variance(repeats) - made.truth.ceiling
    assert abs(error.mean()) < 0.01 and np.abs(error).max() < 0.06


def test_subjects_share_what_individuality_leaves_them():
    shared = {}
    for individuality in (0.0, 0.5, 1.0):
        made = simulate_fmri(stories=1, minutes=12, voxels=6, subjects=5, individuality=individuality, seed=2)
        by_layer = made.truth.layer >= 0
        found = inter_subject(np.stack([run.data for run in made.recording.runs])).shared ** 2
        shared[individuality] = (found[by_layer] / made.truth.ceiling[by_layer]).mean()
    assert shared[0.0] == pytest.approx(1, abs=0.12)
    assert shared[0.0] > shared[0.5] + 0.15 > shared[1.0] + 0.3


@pytest.mark.parametrize("maker", [simulate_ecog, simulate_eeg])
def test_responses_peak_at_the_planted_lag(maker):
    """Of the mean over words the explained variance is largest where the region's lag is."""
    regions = tuple(
        replace(region, ceiling=0.3, word_rate=0.0, sound=0.0)
        for region in (ECOG_REGIONS[:4] if maker is simulate_ecog else [
            Region("front", (0.0, 0.068, 0.106), 0.5, 0.2), Region("back", (0.0, -0.095, 0.037), 1.0, 0.45)
        ])
    )  # fmt: skip
    made = maker(stories=1, minutes=6, regions=regions, seed=1)
    run = made.recording.runs[0]
    lags = np.arange(0, 0.7, 0.02)
    samples = np.round((run.transcript.onsets[:, None] + lags) * run.rate).astype(int)
    epochs = run.data[samples]
    epochs = epochs - epochs.mean(0)
    for region in regions:
        channels = [place for place, name in enumerate(made.truth.regions) if name == region.name]
        layer = made.layers[round(region.depth * 5)].runs[run.name]
        best = max(channels, key=lambda place: made.truth.ceiling[place])
        basis = np.linalg.qr(layer - layer.mean(0))[0]
        explained = np.square(basis.T @ epochs[:, :, best]).sum(0) / np.square(epochs[:, :, best]).sum(0)
        assert abs(lags[explained.argmax()] - region.lag) <= 0.06, region.name


@pytest.mark.parametrize("maker", MAKERS)
def test_everything_is_labelled_named_and_placed(maker):
    made = maker(**SMALL, subjects=2, repeats=2, seed=1)
    recording = made.recording
    assert recording.synthetic and recording.responses().synthetic
    assert [run.name for run in recording.runs][:3] == [
        "sub-01_task-story1_run-1", "sub-01_task-story1_run-2", "sub-01_task-story2_run-1",
    ]  # fmt: skip
    assert len(recording.runs) == 8 and {run.subject for run in recording.runs} == {"01", "02"}
    assert recording.positions.shape == (len(recording.channels), 3)
    assert 0.05 < np.abs(recording.positions).max() < 0.14
    assert len(np.unique(recording.positions, axis=0)) == len(recording.channels)
    for layer in made.layers:
        assert all(len(layer.runs[run.name]) == len(run.transcript) for run in recording.runs)
    assert all(len(made.sound.runs[run.name]) == len(run.data) for run in recording.runs)


@pytest.mark.parametrize("maker", MAKERS)
def test_the_seed_decides_everything_and_repeats_only_the_noise(maker):
    made, again = maker(**SMALL, repeats=2, seed=4), maker(**SMALL, repeats=2, seed=4)
    for one, other in zip(made.recording.runs, again.recording.runs, strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    first, second = made.recording.runs[:2]
    np.testing.assert_array_equal(made.truth.signal[first.name], made.truth.signal[second.name])
    assert abs(np.corrcoef(first.data[:, 0] - made.truth.signal[first.name][:, 0],
                           second.data[:, 0] - made.truth.signal[second.name][:, 0])[0, 1]) < 0.5  # fmt: skip
    assert not np.array_equal(first.data, second.data)
    single = maker(**SMALL, seed=4).recording.runs[0]
    np.testing.assert_array_equal(single.data, first.data)
    assert not np.array_equal(maker(**SMALL, seed=5).recording.runs[0].data[:20], single.data[:20])


def test_layers_and_transcripts_of_ones_own_are_used():
    base = simulate_fmri(**SMALL, seed=0)
    transcripts = {run.story: run.transcript for run in base.recording.runs}
    own = [Features("mine", {s: np.random.default_rng(8).standard_normal((len(t), 5)).astype(np.float32)
                             for s, t in transcripts.items()})]  # fmt: skip
    made = simulate_fmri(own, transcripts, voxels=3, seed=0)
    assert made.layers[0].name == "mine" and made.layers[0].width == 5
    assert set(made.truth.layer.tolist()) == {-1, 0}
    short = [Features("mine", {s: x[:-1] for s, x in own[0].runs.items()})]
    with pytest.raises(InputError, match="features 'mine': .* rows for story 'story1', expected"):
        simulate_fmri(short, transcripts)
    with pytest.raises(InputError, match="given without transcripts"):
        simulate_fmri(own)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tr": 0}, "tr 0 s"),
        ({"subjects": 0}, "0 subjects"),
        ({"autocorrelation": 1.0}, "autocorrelation 1.0"),
        ({"individuality": 2}, "individuality 2"),
        ({"minutes": 0}, "minutes: 0"),
        ({"stories": 0}, "stories: 0"),
        ({"regions": []}, "regions: "),
        ({"regions": [Region("a", (0, 0, 0), 2.0)]}, "region 'a': ceiling 0.2, depth 2.0"),
        ({"regions": [Region("a", (0, 0, 0), 0.5, ceiling=1.0)]}, "ceiling 1.0"),
        ({"regions": [Region("a", (0, 0, 0), 0.5, word_rate=0.7, sound=0.7)]}, "together at most 1"),
        ({"regions": [Region("a", (0, 0, 0), 0.5, lag=-1)]}, "lag -1 s"),
    ],
)
def test_numbers_out_of_range_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        simulate_fmri(**{**SMALL, **settings})


def test_nothing_depends_on_hash_order():
    code = (
        "import hashlib; from grounding.brain.synthetic import simulate_fmri\n"
        "made = simulate_fmri(stories=1, minutes=0.2, voxels=2, seed=1)\n"
        "print(hashlib.sha256(made.recording.runs[0].data.tobytes() + made.layers[3].runs['sub-01_task-story1']"
        ".tobytes()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
