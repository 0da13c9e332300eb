"""Recordings refuse what does not fit together, and features meet responses by run and sample."""

import numpy as np
import pytest

from grounding.brain.decoding import averaged, flattened, order_only
from grounding.brain.geometry import average_repetitions, brain_embedding
from grounding.brain.recording import Epochs, Features, Recording, Run, Transcript, beside
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError


def run(name: str = "a", samples: int = 4, **given) -> Run:
    return Run(name, np.arange(samples * 2, dtype=np.float32).reshape(samples, 2), rate=0.5, **given)


def test_responses_put_the_runs_behind_each_other_with_their_times():
    recording = Recording((run("a", start=20.0, subject="s1"), run("b", 3, story="alice")), ("x", "y"), "fmri")
    responses = recording.responses()
    assert responses.data.shape == (7, 2) and responses.targets == ("x", "y")
    assert responses.rows.time.tolist() == [20, 22, 24, 26, 0, 2, 4]
    assert responses.rows.story.tolist() == ["a"] * 4 + ["alice"] * 3
    assert responses.rows.subject.tolist() == ["s1"] * 4 + [""] * 3


def test_features_are_matched_by_run_and_index_in_any_order_of_runs():
    features = Features("f", {"a": np.arange(4)[:, None].astype("f"), "b": 10 + np.arange(3)[:, None].astype("f")})
    rows = Rows.joined([run("b", 3).rows, run("a").rows]).take(np.array([0, 2, 3, 6]))
    assert features.matrix(rows)[:, 0].tolist() == [10, 12, 0, 3]


def test_features_side_by_side():
    one, two = (Features(n, {"a": np.full((4, w), w, "f")}) for n, w in (("one", 1), ("two", 2)))
    assert beside("both", [one, two]).runs["a"].tolist() == [[1, 2, 2]] * 4


def test_epochs_average_over_a_window_with_both_ends():
    rows = Rows.of_run("a", np.arange(2.0), word=["hat", "tea"])
    data = np.arange(2 * 1 * 5, dtype=np.float32).reshape(2, 1, 5)
    epochs = Epochs(data, np.array([0.0, 0.1, 0.2, 0.3, 0.4]), rows, ("Cz",), "eeg")
    assert epochs.mean(0.1, 0.3).data.tolist() == [[2.0], [7.0]]
    with pytest.raises(InputError, match="no lag lies in it"):
        epochs.mean(0.5, 0.6)


def test_what_was_left_out_is_carried_along():
    reason = {"Fp1": "constant"}
    assert Recording((run(),), ("x", "y"), "eeg", excluded=reason).responses().excluded == reason
    rows = Rows.of_run("a", np.arange(2.0), word=["hat", "tea"])
    epochs = Epochs(np.zeros((2, 1, 3), "f"), np.arange(3.0), rows, ("Cz",), "eeg", excluded=reason)
    averages, _ = average_repetitions(brain_embedding(epochs, first=0, last=1, channels={"all": ["Cz"]}))
    for kept in (epochs.mean(0, 1), flattened(epochs), averages, averaged(order_only(epochs.mean(0, 1)))):
        assert kept.excluded == reason


def test_rows_can_be_taken_by_mask_and_know_their_runs():
    rows = Rows.joined([run("b").rows, run("a").rows])
    assert list(rows.runs()) == ["b", "a"]
    assert rows.take(rows.index > 1).index.tolist() == [2, 3, 2, 3]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Recording((), (), "fmri"), "no run found"),
        (lambda: Recording((run(), run()), ("x", "y"), "fmri"), "two runs are named 'a'"),
        (lambda: Recording((run(),), ("x",), "fmri"), "2 channels found, expected 1"),
        (lambda: Run("a", np.zeros((0, 2)), 1.0), "expected \\(samples, channels\\)"),
        (lambda: Run("a", np.zeros((3, 2)), 0.0), "samples a second above 0"),
        (lambda: run(confounds=np.zeros((3, 1))), "a row a sample"),
        (lambda: Recording((run(),), ("x", "y"), "eeg", positions=np.zeros((1, 3))), "positions"),
    ],
)
def test_recordings_that_do_not_fit_are_refused(make, said):
    with pytest.raises(DataError, match=said):
        make()


@pytest.mark.parametrize(
    ("onsets", "offsets", "said"),
    [
        ([0.0, 1.0], [1.0, 2.0, 3.0], "one for each word"),
        ([1.0, 0.0], [1.0, 2.0], "'b'.* begins before the word in front"),
        ([0.0, 1.0], [0.5, 0.5], "'b'.* ends before it begins"),
        ([0.0, np.nan], [0.5, 0.5], "not finite"),
    ],
)
def test_transcripts_out_of_time_are_refused(onsets, offsets, said):
    with pytest.raises(InputError, match=said):
        Transcript(("a", "b"), np.array(onsets), np.array(offsets))


def test_rows_out_of_order_are_refused():
    a, b = Rows.of_run("a", np.arange(2.0)), Rows.of_run("b", np.arange(2.0))
    with pytest.raises(InputError, match="'a' do not stand together"):
        Rows.joined([a, b, a])
    with pytest.raises(InputError, match="index does not rise"):
        a.take(np.array([1, 0]))


def test_features_of_another_recording_are_refused():
    features = Features("f", {"a": np.zeros((3, 1), "f")})
    with pytest.raises(InputError, match="none for run 'b'"):
        features.matrix(run("b").rows)
    with pytest.raises(InputError, match="3 rows for run 'a'"):
        features.matrix(run("a").rows)
    with pytest.raises(InputError, match="same p for each run"):
        Features("f", {"a": np.zeros((3, 1), "f"), "b": np.zeros((3, 2), "f")})
