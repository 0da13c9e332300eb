from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.readers.signals import average_referenced, filtered, high_gamma, resampled
from grounding.brain.recording import Recording, Run
from grounding.errors import InputError

mne = pytest.importorskip("mne")

RATE = 500.0


def recording(*signals, kind="ecog", rate=RATE, **more):
    runs = tuple(
        Run(f"r{place}", np.asarray(signal, np.float32).reshape(len(signal), -1), rate, start=2.0, **more)
        for place, signal in enumerate(signals)
    )
    return Recording(runs, tuple(f"c{place}" for place in range(runs[0].data.shape[1])), kind)


def wave(hertz, seconds=10.0, rate=RATE):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def power(run, hertz):
    """Amplitude at a frequency, in the middle of the run."""
    middle = run.data[len(run.data) // 4 : -len(run.data) // 4, 0]
    times = np.arange(len(middle)) / run.rate
    return 2 * abs(np.mean(middle * np.exp(-2j * np.pi * hertz * times)))


def test_filter_keeps_its_band():
    mixed = recording(wave(1) + wave(10) + wave(50) + wave(100))
    kept = filtered(mixed, 5, 80, notch=(50,)).runs[0]
    for hertz, expected in ((1, 0), (10, 1), (50, 0), (100, 0)):
        assert power(kept, hertz) == pytest.approx(expected, abs=0.02)
    assert power(filtered(mixed, high=30).runs[0], 1) == pytest.approx(1, abs=0.02)
    assert power(filtered(mixed, notch=(50,)).runs[0], 100) == pytest.approx(1, abs=0.02)


def test_filter_equals_mne():
    generator = np.random.default_rng(0)
    data = generator.normal(size=(2000, 20))
    ours = filtered(recording(data), 1, 40).runs[0].data
    theirs = mne.filter.filter_data(data.astype(np.float32).T.astype(np.float64), RATE, 1, 40, verbose="error").T
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither low, high nor notch"),
        ({"low": 0.0}, "0 Hz, expected between 0 and 250 Hz"),
        ({"high": 250.0}, "250 Hz, expected between 0 and 250 Hz"),
        ({"low": 30.0, "high": 10.0}, "expected low below high"),
        ({"low": 0.1}, "run 'r0' lasts 10 s, shorter than the filter of 33.002 s that 0.1 Hz asks for"),
    ],
)
def test_filter_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        filtered(recording(wave(10)), **arguments)


def test_notch_refuses_short_runs():
    with pytest.raises(InputError, match="lasts 2 s, shorter than the filter of 6.6 s that notches at 50 Hz ask for"):
        filtered(recording(wave(10, seconds=2)), notch=(50,))


def test_average_reference():
    generator = np.random.default_rng(0)
    once = average_referenced(recording(generator.normal(size=(50, 4)) + 5)).runs[0].data
    np.testing.assert_allclose(once.mean(axis=1), 0, atol=1e-6)


def test_resampling_keeps_time_and_takes_confounds_along():
    slow = wave(3)
    given = recording(slow, confounds=(2 * slow[:, None]).astype(np.float32))
    run = resampled(given, 100.0).runs[0]
    assert (len(run.data), run.rate, run.start) == (1000, 100.0, 2.0)
    np.testing.assert_allclose(run.data[100:-100, 0], wave(3, rate=100)[100:-100], atol=2e-3)
    np.testing.assert_allclose(run.confounds, 2 * run.data, atol=1e-4)
    np.testing.assert_array_equal(resampled(given, RATE).runs[0].data, given.runs[0].data)
    with pytest.raises(InputError, match="rate 0"):
        resampled(given, 0)


def test_resampling_lets_nothing_fold_back():
    assert power(resampled(recording(wave(90)), 100.0).runs[0], 10) < 0.01


@pytest.mark.parametrize(
    "change",
    [lambda one: filtered(one, 1, 40, notch=(50,)), lambda one: resampled(one, 100), average_referenced],
    ids=["filtered", "resampled", "average_referenced"],
)
def test_a_run_is_changed_by_itself(change):
    a, b = np.random.default_rng(0).normal(size=(2, 4000, 3))
    alone = change(recording(a)).runs[0].data
    for other in (b, 50 * b[::-1], b[:3500]):
        np.testing.assert_array_equal(change(recording(a, other)).runs[0].data, alone)
        np.testing.assert_array_equal(change(recording(other, a)).runs[1].data, alone)


@pytest.fixture(scope="module")
def modulated():
    """High-frequency noise whose amplitude follows a slow planted envelope, in the company of stronger other things."""
    generator = np.random.default_rng(0)
    seconds = 30
    times = np.arange(int(seconds * RATE)) / RATE
    envelope = 1 + 0.8 * np.sin(2 * np.pi * 0.7 * times)
    carrier = mne.filter.filter_data(generator.normal(size=len(times)), RATE, 70, 150, verbose="error")
    mains = 5 * np.sin(2 * np.pi * 120 * times) * (1 + 0.8 * np.cos(2 * np.pi * 0.3 * times))
    low = 20 * mne.filter.filter_data(generator.normal(size=len(times)), RATE, None, 30, verbose="error")
    return envelope, recording(1e-6 * (envelope * carrier + mains + low))


def test_high_gamma_follows_the_planted_envelope(modulated):
    envelope, mixed = modulated
    run = high_gamma(mixed, line=60).runs[0]
    assert (run.rate, run.start, len(run.data)) == (100.0, 2.0, 3000)
    times = np.arange(3000) / 100
    expected = np.log(1 + 0.8 * np.sin(2 * np.pi * 0.7 * times))
    smooth = np.convolve(run.data[:, 0], np.ones(30) / 30, mode="same")
    assert np.corrcoef(smooth[100:-100], expected[100:-100])[0, 1] > 0.95
    # The hum swells and fades too. With the notches of another continent that comes through.
    hum = np.cos(2 * np.pi * 0.3 * times)[100:-100]
    assert abs(np.corrcoef(run.data[100:-100, 0], hum)[0, 1]) < 0.05
    elsewhere = high_gamma(mixed, line=50).runs[0].data[100:-100, 0]
    assert abs(np.corrcoef(elsewhere, hum)[0, 1]) > 0.2


def test_high_gamma_of_a_run_depends_on_no_other(modulated):
    _, mixed = modulated
    first = mixed.runs[0].data[:2000, 0]
    other = np.random.default_rng(1).normal(size=3000)
    alone = high_gamma(recording(first), line=60).runs[0].data
    for neighbour in (other, 100 * other[::-1]):
        beside = high_gamma(recording(neighbour, first), line=60, rate=100)
        np.testing.assert_array_equal(beside.runs[1].data, alone)


def test_high_gamma_standardises_and_keeps_the_rate(modulated):
    _, mixed = modulated
    run = high_gamma(mixed, line=60, rate=None, standardise=True).runs[0]
    assert run.rate == RATE and run.data.shape == mixed.runs[0].data.shape
    assert run.data.mean() == pytest.approx(0, abs=1e-5) and run.data.std() == pytest.approx(1, abs=1e-5)
    louder = replace(mixed, runs=tuple(replace(one, data=10 * one.data) for one in mixed.runs))
    gain = high_gamma(louder, line=60).runs[0].data - high_gamma(mixed, line=60).runs[0].data
    np.testing.assert_allclose(gain, np.log(10), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"high": 240.0}, "70 to 240 Hz, expected a band below 225 Hz"),
        ({"low": 150.0}, "150 to 150 Hz"),
        ({"line": 0.0}, "mains 0 Hz"),
    ],
)
def test_high_gamma_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        high_gamma(recording(wave(100)), **{"line": 60.0, **arguments})
    with pytest.raises(InputError, match="lasts 0.5 s"):
        high_gamma(recording(wave(100, seconds=0.5)), line=50)
