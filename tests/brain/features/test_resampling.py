import numpy as np
import pytest

from grounding.brain.features import averaged, impulses, lanczos, summed, word_rate
from grounding.brain.features.resampling import kernel_sum
from grounding.brain.recording import Features, Recording, Run, Transcript
from grounding.errors import DataError, InputError
from tests.brain.features.made import recording, transcript

WAYS = {
    "summed": summed,
    "averaged": averaged,
    "last": lambda words, made: averaged(words, made, empty="last"),
    "lanczos": lanczos,
    "impulses": impulses,
}


def values(made: Recording, width: int = 3, seed: int = 0) -> Features:
    generator = np.random.default_rng(seed)
    return Features("a", {run.name: generator.standard_normal((len(run.transcript), width)).astype(np.float32)
                          for run in made.runs})  # fmt: skip


def heard_at(*onsets: float, samples: int = 6, rate: float = 0.5, start: float = 0.0) -> Recording:
    times = np.array(onsets)
    words = Transcript(tuple("abcdefgh"[: len(times)]), times, times + 0.1)
    return recording(words, rate=rate, samples=samples, start=start)


def column(made: Recording, *numbers: float) -> Features:
    return Features("a", {made.runs[0].name: np.array(numbers, dtype=np.float32)[:, None]})


def test_words_count_to_the_sample_during_which_they_begin():
    made = heard_at(0.0, 1.9, 2.0, 7.0)
    numbers = column(made, 1, 2, 4, 8)
    np.testing.assert_array_equal(summed(numbers, made).runs["run-1"][:, 0], [3, 4, 0, 8, 0, 0])
    np.testing.assert_array_equal(word_rate(made).runs["run-1"][:, 0], [2, 1, 0, 1, 0, 0])
    mean = (1.5 + 4 + 8) / 3
    np.testing.assert_allclose(averaged(numbers, made).runs["run-1"][:, 0], [1.5, 4, mean, 8, mean, mean])
    last = averaged(numbers, made, empty="last").runs["run-1"][:, 0]
    np.testing.assert_allclose(last, [1.5, 4, 4, 8, 8, 8])


def test_the_clock_of_the_run_is_that_of_its_first_sample():
    made = heard_at(1.0, 20.5, 23.0, start=20.0)
    numbers = column(made, 100, 1, 2)
    # What was said before the first sample is in no sample.
    np.testing.assert_array_equal(summed(numbers, made).runs["run-1"][:, 0], [1, 2, 0, 0, 0, 0])
    np.testing.assert_array_equal(impulses(numbers, made).runs["run-1"][:, 0], [1, 0, 2, 0, 0, 0])
    np.testing.assert_allclose(averaged(numbers, made, empty="last").runs["run-1"][:, 0], [1, 2, 2, 2, 2, 2])


def test_silence_before_the_first_word_has_the_mean():
    made = heard_at(4.5, 6.5)
    found = averaged(column(made, 1, 3), made, empty="last").runs["run-1"][:, 0]
    np.testing.assert_allclose(found, [2, 2, 1, 3, 3, 3])


def test_impulses_stand_at_the_nearest_sample():
    made = heard_at(0.004, 0.006, 0.0149, 0.0599, rate=100.0)
    found = impulses(column(made, 1, 2, 4, 8), made).runs["run-1"][:, 0]
    np.testing.assert_array_equal(found, [1, 6, 0, 0, 0, 8])


def test_onsets_at_a_sample_are_not_lost_to_rounding():
    """3 · 0.7 s is 2.0999999999999996 s, and belongs to the fourth sample of 0.7 s."""
    made = heard_at(*(np.arange(6) * 0.7), rate=1 / 0.7)
    np.testing.assert_array_equal(word_rate(made).runs["run-1"][:, 0], np.ones(6))


def test_lanczos_is_the_published_formula_in_a_plain_loop():
    made = recording(transcript(), transcript(12, seed=5, first=2.0), start=0.5)
    words = values(made)
    found = lanczos(words, made)
    for run in made.runs:
        said = run.transcript
        middle = (said.onsets + said.offsets) / 2
        expected = np.zeros((len(run.data), 3))
        for sample, time in enumerate(run.times + 1.0):
            for word in range(len(said)):
                t = 0.5 * (time - middle[word])
                if abs(t) <= 3:
                    weight = 3 * np.sin(np.pi * t) * np.sin(np.pi * t / 3) / (np.pi**2 * t**2) if t else 1.0
                    expected[sample] += weight * words.runs[run.name][word]
        np.testing.assert_allclose(found.runs[run.name], expected, atol=1e-5)


def test_a_word_in_the_middle_of_a_sample_goes_through_lanczos_as_it_is():
    times = np.array([4.95])
    made = recording(Transcript(("a",), times, times + 0.1))
    found = lanczos(column(made, 7.0), made).runs["run-1"][:, 0]
    np.testing.assert_allclose(found, np.where(np.arange(14) == 2, 7.0, 0.0), atol=1e-6)


def test_lanczos_with_a_lower_cutoff_reaches_further():
    """L(t) at whole t is 0, so halving the cutoff brings in t = ±1/2, ±3/2 and ±5/2, and one lobe ends before ±3/2."""
    times = np.array([13.0])
    made = recording(Transcript(("a",), times, times))
    reach = []
    for cutoff, window in ((0.5, 3), (0.25, 3), (0.25, 1)):
        found = lanczos(column(made, 1.0), made, cutoff=cutoff, window=window).runs["run-1"]
        reach.append(np.count_nonzero(np.abs(found) > 1e-6))
    assert reach == [1, 7, 3]


def test_only_the_average_is_free_of_the_word_rate():
    """Slow and fast speech of the same constant value: the trap of a kernel that is not normalised."""
    slow, fast = np.arange(0.25, 20, 1.0), np.arange(20.1, 40, 0.25)
    onsets = np.r_[slow, fast]
    words = Transcript(("a",) * len(onsets), onsets, onsets)
    made = recording(words, samples=20)
    ones = column(made, *np.ones(len(onsets)))
    of = {way: WAYS[way](ones, made).runs["run-1"][:, 0] for way in WAYS}
    np.testing.assert_allclose(of["averaged"], 1)
    for way in ("summed", "lanczos"):
        # Two words a sample, then eight.
        assert 3.8 < of[way][12:18].mean() / of[way][2:8].mean() < 4.2


@pytest.mark.parametrize("way", WAYS)
def test_what_another_run_says_changes_nothing(way):
    first, second, third = transcript(), transcript(12, seed=1), transcript(7, seed=2)
    one, other = recording(first, second), recording(first, third)
    words = values(one)
    changed = Features("a", {"run-2": np.full((7, 3), 1e6, np.float32), "run-1": words.runs["run-1"]})
    swapped = Recording((other.runs[1], other.runs[0]), other.channels, other.kind)
    expected = WAYS[way](words, one).runs["run-1"]
    assert expected.dtype == np.float32 and expected.shape == (14, 3)
    np.testing.assert_array_equal(WAYS[way](changed, other).runs["run-1"], expected)
    np.testing.assert_array_equal(WAYS[way](changed, swapped).runs["run-1"], expected)


def test_a_transcript_longer_than_the_recording_names_both_lengths():
    made = heard_at(1.0, 12.5)
    with pytest.raises(
        DataError, match=r"run 'run-1': its last word \('b'\) begins at 12\.50 s, but.* ends at 12\.00 s"
    ):
        summed(column(made, 1, 2), made)
    with pytest.raises(DataError, match=r"12\.50"):
        word_rate(made)
    # The last word may end later, and begin nearest to a sample that is no more.
    made = heard_at(1.0, 11.9)
    assert impulses(column(made, 1, 2), made).runs["run-1"][-1] == 2


def test_a_run_whose_words_are_all_before_it_has_no_average():
    made = heard_at(1.0, 2.0, start=50.0)
    with pytest.raises(DataError, match="run 'run-1': no word begins between 50.00 s"):
        averaged(column(made, 1, 2), made)


def test_features_of_other_words_are_refused():
    made = recording(transcript(), transcript(3))
    with pytest.raises(InputError, match="features 'a': none for run 'run-2'; there are 'run-1'"):
        summed(Features("a", {"run-1": np.zeros((19, 1))}), made)
    with pytest.raises(InputError, match="14 rows for run 'run-1', expected a row for each of its 19 words"):
        summed(Features("a", {"run-1": np.zeros((14, 1)), "run-2": np.zeros((3, 1))}), made)
    silent = Recording((Run("run-1", np.zeros((3, 1), np.float32), 1.0),), ("a",), "eeg")
    with pytest.raises(DataError, match="run 'run-1': no words found"):
        word_rate(silent)


def test_choices_that_there_are_not_are_refused():
    made = heard_at(1.0)
    with pytest.raises(InputError, match="empty: 'zero' found"):
        averaged(column(made, 1), made, empty="zero")
    for wrong in ({"window": 0}, {"cutoff": 0.0}, {"cutoff": float("nan")}):
        with pytest.raises(InputError, match="lanczos: window"):
            lanczos(column(made, 1), made, **wrong)


def test_kernel_sum_is_the_dense_product(generator):
    places, times = generator.uniform(-5, 30, 200), np.sort(generator.uniform(0, 25, 60))
    numbers = generator.standard_normal((200, 4))

    def kernel(t):
        return np.where((t >= -1) & (t <= 2.5), np.cos(t), 0.0)

    expected = kernel(times[:, None] - places) @ numbers
    np.testing.assert_allclose(kernel_sum(numbers, places, times, kernel, -1, 2.5), expected, atol=1e-12)
