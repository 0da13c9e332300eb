import numpy as np
import pytest

from grounding.brain.features import canonical_hrf, hrf, word_hrf
from grounding.brain.recording import Features, Recording
from grounding.errors import InputError
from tests.brain.features.made import recording, transcript


def test_the_response_is_that_of_spm_as_nilearn_has_it():
    from nilearn.glm.first_level import spm_hrf

    step = 0.01
    theirs = spm_hrf(1.0, oversampling=100)
    # nilearn stretches its grid by one part in 3,199, begins it a step late, and writes 1/6 as 0.167.
    times = np.linspace(0, 32, 3200) - step
    np.testing.assert_allclose(canonical_hrf(times), theirs / step, atol=2e-4)


def test_the_response_has_integral_1_peaks_at_5_s_and_is_over_after_32_s():
    times = np.arange(-5, 40, 0.01)
    response = canonical_hrf(times)
    assert abs(response.sum() * 0.01 - 1) < 2e-4
    assert abs(times[response.argmax()] - 5) < 0.02 and 15 < times[response.argmin()] < 16.5
    assert not response[(times < 0) | (times >= 32)].any()


def test_features_through_the_response_are_the_integral_over_the_staircase(generator):
    rate = 0.5
    x = generator.standard_normal((40, 2)).astype(np.float32)
    found = hrf(Features("a", {"run-1": x}), rate).runs["run-1"]
    fine, step = np.repeat(x, 400, axis=0), 2 / 400
    middles = (np.arange(len(fine)) + 0.5) * step
    expected = np.stack([canonical_hrf(t - middles) @ fine * step for t in np.arange(40) / rate])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found.dtype == np.float32


def test_a_constant_stays_what_it_is():
    found = hrf(Features("a", {"run-1": np.ones((200, 1), np.float32)}), 2.0).runs["run-1"][:, 0]
    np.testing.assert_allclose(found[64:], 1.0, rtol=1e-6)
    assert found[0] == 0 and found.max() > 1.1


def test_words_through_the_response_are_those_of_a_plain_loop_and_of_nilearn():
    from nilearn.glm.first_level import compute_regressor

    said = transcript(30, first=1.0)
    made = recording(said, samples=40)
    values = np.random.default_rng(0).uniform(0.5, 2, (30, 1)).astype(np.float32)
    found = word_hrf(Features("a", {"run-1": values}), made).runs["run-1"][:, 0]
    expected = [sum(values[:, 0] * canonical_hrf(time - said.onsets)) for time in made.runs[0].times]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    condition = np.stack([said.onsets, np.zeros(30), values[:, 0]])
    theirs, _ = compute_regressor(condition, "spm", made.runs[0].times, oversampling=200)
    # nilearn moves each onset to a grid of 0.01 s.
    assert np.corrcoef(found, theirs[:, 0])[0, 1] > 0.9999


def test_words_before_the_first_sample_still_show():
    said = transcript(5, first=0.0)
    early, late = recording(said, samples=40), recording(said, samples=35, start=10.0)
    ones = Features("a", {"run-1": np.ones((5, 1), np.float32)})
    np.testing.assert_allclose(word_hrf(ones, late).runs["run-1"], word_hrf(ones, early).runs["run-1"][5:], atol=1e-7)


def test_what_another_run_says_changes_nothing(generator):
    first, second = transcript(), transcript(12, seed=1)
    made = recording(first, second)
    words = Features("a", {"run-1": generator.standard_normal((19, 2)), "run-2": generator.standard_normal((12, 2))})
    changed = Features("a", {**words.runs, "run-2": words.runs["run-2"] * 1e6})
    alone = Recording(made.runs[:1], made.channels, made.kind)
    np.testing.assert_array_equal(word_hrf(changed, made).runs["run-1"], word_hrf(words, alone).runs["run-1"])
    np.testing.assert_array_equal(hrf(changed, 0.5).runs["run-1"], hrf(words, 0.5).runs["run-1"])


def test_a_rate_of_0_is_refused():
    with pytest.raises(InputError, match="hrf: rate 0 found"):
        hrf(Features("a", {"run-1": np.ones((4, 1))}), 0)
