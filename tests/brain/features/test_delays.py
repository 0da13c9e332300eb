import numpy as np
import pytest

from grounding.brain.features import delayed, impulses, lags
from grounding.brain.recording import Features, Recording, Run, Transcript
from grounding.errors import InputError


def features(generator: np.random.Generator, *counts: int, width: int = 3) -> Features:
    return Features("a", {f"run-{n}": generator.standard_normal((count, width)).astype(np.float32)
                          for n, count in enumerate(counts)})  # fmt: skip


def ridge(x: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    """Coefficients of ‖y − xb − c‖² + alpha ‖b‖², in double precision."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y)


def test_delay_0_changes_nothing(generator):
    given = features(generator, 9, 4)
    for run, values in delayed(given, (0,)).runs.items():
        np.testing.assert_array_equal(values, given.runs[run])


@pytest.mark.parametrize("delays", [(1, 2, 3, 4), (-2, 0, 2), (3,), (0, 12, -15)])
def test_delays_are_those_of_a_plain_loop_within_each_run(generator, delays):
    given = features(generator, 10, 5)
    found = delayed(given, delays)
    assert found.width == 3 * len(delays)
    for run, values in given.runs.items():
        expected = np.zeros((len(values), 3 * len(delays)), np.float32)
        for row in range(len(values)):
            for place, delay in enumerate(delays):
                if 0 <= row - delay < len(values):
                    expected[row, 3 * place : 3 * place + 3] = values[row - delay]
        np.testing.assert_array_equal(found.runs[run], expected)
        assert found.runs[run].dtype == np.float32


def test_nothing_bleeds_from_one_run_to_another(generator):
    given = features(generator, 10, 5)
    loud = Features("a", {"run-1": np.full_like(given.runs["run-1"], 1e9), "run-0": given.runs["run-0"]})
    np.testing.assert_array_equal(delayed(loud, (-2, 3)).runs["run-0"], delayed(given, (-2, 3)).runs["run-0"])


def test_delays_that_are_none_are_refused(generator):
    given = features(generator, 10)
    for wrong in ((), (1, 1), (0.5,)):
        with pytest.raises(InputError, match=r"delays: \[.*\] found, expected whole numbers"):
            delayed(given, wrong)


def test_lags_cover_the_time():
    assert lags(-0.1, 0.4, 10).tolist() == [-1, 0, 1, 2, 3, 4]
    assert lags(0.0, 0.0, 64).tolist() == [0]
    # In doubles 0.07 · 100 is 7.000000000000001 and 0.29 · 100 is 28.999999999999996.
    assert lags(0.29, 0.29, 100).tolist() == [29] and lags(0.07, 0.07, 100).tolist() == [7]
    for wrong in ((0.2, 0.1, 10), (0, 1, 0), (0, float("inf"), 10)):
        with pytest.raises(InputError, match="expected first <= last"):
            lags(*wrong)


def test_lags_and_delayed_columns_are_those_of_mtrf(generator):
    from mtrf.matrices import lag_matrix
    from mtrf.model import lags_idx

    given = features(generator, 200)
    for first, last, rate in ((-0.1, 0.4, 64), (0.05, 0.3, 128)):
        chosen = lags(first, last, rate)
        assert chosen.tolist() == lags_idx(np, first, last, rate)
        expected = lag_matrix(given.runs["run-0"], chosen.tolist(), bias=False)
        np.testing.assert_array_equal(delayed(given, chosen).runs["run-0"], expected)


def test_ridge_on_delayed_features_has_the_weights_of_mtrf(generator):
    """With alpha = lambda · rate · trials, the weights of mTRF are the coefficients times the rate."""
    from mtrf import TRF

    rate, strength = 50, 0.7
    given = features(generator, 300, 300)
    responses = [
        x @ generator.standard_normal((3, 2)) + generator.standard_normal((300, 2)) for x in given.runs.values()
    ]
    trf = TRF(direction=1)
    stimuli = [x.astype(np.float64) for x in given.runs.values()]
    trf.train(stimuli, responses, rate, -0.04, 0.2, strength)
    together = delayed(given, lags(-0.04, 0.2, rate))
    x, y = np.concatenate(list(together.runs.values())), np.concatenate(responses)
    found = ridge(x, y, strength * rate * 2) * rate
    # mTRF: features, lags, outputs; delayed: lags outside, features within.
    np.testing.assert_allclose(found.reshape(-1, 3, 2).transpose(1, 0, 2), trf.weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("delay", [-2, -1, 0, 1, 2])
def test_a_planted_delay_is_found_as_by_mne(generator, delay):
    import mne
    from mne.decoding import ReceptiveField, TimeDelayingRidge

    rate = 20.0
    given = features(generator, 400, width=2)
    x = given.runs["run-0"].astype(np.float64)
    y = delayed(given, (delay,)).runs["run-0"].astype(np.float64) @ [1.0, -0.5]
    found = ridge(delayed(given, lags(-0.1, 0.1, rate)).runs["run-0"], y[:, None], 1e-3).reshape(5, 2)
    planted = np.zeros((5, 2))
    planted[delay + 2] = 1.0, -0.5
    np.testing.assert_allclose(found, planted, atol=1e-3)
    solver = TimeDelayingRidge(-0.1, 0.1, rate, alpha=1e-3, fit_intercept=True)
    with mne.utils.use_log_level("error"):
        field = ReceptiveField(-0.1, 0.1, rate, estimator=solver).fit(x, y[:, None])
    np.testing.assert_allclose(found.T, field.coef_[0], atol=1e-3)


def test_impulses_recover_the_response_to_words(generator):
    """A planted response of 0.4 s to each word, scaled by the word's value, in overlapping speech and noise."""
    rate, count = 50.0, 3000
    onsets = np.sort(generator.uniform(0, count / rate - 1, 180))
    words = Transcript(tuple(f"w{n}" for n in range(180)), onsets, onsets)
    made = Recording((Run("run-1", np.zeros((count, 1), np.float32), rate, words),), ("Cz",), "eeg")
    strengths = Features("a", {"run-1": generator.standard_normal((180, 1)).astype(np.float32)})
    response = np.sin(np.linspace(0, np.pi, 21))
    signal = np.zeros(count + 21)
    for onset, strength in zip(onsets, strengths.runs["run-1"][:, 0], strict=True):
        first = round(onset * rate)
        signal[first : first + 21] += strength * response
    signal = signal[:count] + 0.1 * generator.standard_normal(count)
    found = ridge(delayed(impulses(strengths, made), lags(-0.1, 0.5, rate)).runs["run-1"], signal[:, None], 1e-3)[:, 0]
    np.testing.assert_allclose(found[5:26], response, atol=0.05)
    np.testing.assert_allclose(np.r_[found[:5], found[26:]], 0, atol=0.05)
