from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.readers.runs import (
    Acquired,
    check_apart,
    join,
    with_transcripts,
    without_bad_channels,
)
from grounding.brain.recording import Recording, Run, Transcript
from grounding.errors import DataError


def recording(*names, channels=("a", "b", "c"), seed=0, **more):
    generator = np.random.default_rng(seed)
    runs = tuple(
        Run(name, generator.normal(size=(20, len(channels))).astype(np.float32), rate=2.0, story="tale")
        for name in names
    )
    return Recording(runs, tuple(channels), kind="eeg", **more)


def words(*onsets, length=0.5):
    onsets = np.array(onsets, dtype=np.float64)
    return Transcript(tuple(f"w{place}" for place in range(len(onsets))), onsets, onsets + length)


def test_bad_channels_leave_all_runs_by_name():
    spoiled = recording("r1", "r2", channels=("a", "b", "c", "d"), positions=np.eye(4, 3, dtype=np.float32))
    spoiled.runs[0].data[3:5, 1] = np.nan
    spoiled.runs[1].data[:, 2] = 7
    spoiled.runs[1].data[4, 3] = np.inf
    clean = without_bad_channels(spoiled)
    assert clean.channels == ("a",)
    assert clean.excluded == {
        "b": "2 of 20 samples are not finite in run 'r1'",
        "c": "constant in run 'r2'",
        "d": "1 of 20 samples are not finite in run 'r2'",
    }
    for before, after in zip(spoiled.runs, clean.runs, strict=True):
        np.testing.assert_array_equal(after.data, before.data[:, :1])
    np.testing.assert_array_equal(clean.positions, spoiled.positions[:1])
    assert without_bad_channels(clean) is clean


def test_no_channel_left():
    spoiled = recording("r1")
    spoiled.runs[0].data[5] = np.nan
    with pytest.raises(DataError, match="none of the 3 channels can be used .'a': 1 of 20 samples"):
        without_bad_channels(spoiled)


def test_join_keeps_the_common_channels_in_order():
    first = recording("r1", excluded={"x": "marked bad"})
    second = recording("r2", channels=("d", "c", "a"), seed=1)
    joined = join([first, second])
    assert joined.channels == ("a", "c")
    np.testing.assert_array_equal(joined.runs[1].data, second.runs[0].data[:, [2, 1]])
    assert joined.excluded == {
        "x": "marked bad",
        "b": "no such channel in run 'r2'",
        "d": "no such channel in run 'r1'",
    }


def test_joined_positions():
    near = np.eye(3, dtype=np.float32)
    first, second = recording("r1", positions=near), recording("r2", seed=1, positions=near + 0.5)
    np.testing.assert_allclose(join([first, second]).positions, near + 0.25)
    assert join([first, recording("r2", seed=1)]).positions is None
    with pytest.raises(DataError, match="run 'r2': 'a' lies at another place than in run 'r1'"):
        join([replace(first, kind="fmri"), replace(second, kind="fmri")])


def test_join_refuses():
    first = recording("r1")
    with pytest.raises(DataError, match="runs 'r1' and 'copy' hold the same samples"):
        join([first, recording("copy")])
    with pytest.raises(DataError, match="two runs are named 'r1'"):
        join([first, recording("r1", seed=1)])
    with pytest.raises(DataError, match="no channel is common"):
        join([first, recording("r2", channels=("x", "y"))])
    with pytest.raises(DataError, match="run 'r2': is synthetic eeg, the first run is eeg"):
        join([first, recording("r2", seed=1, synthetic=True)])


def test_transcripts_by_run_or_story():
    given = with_transcripts(recording("r1", "r2"), {"r2": words(1), "tale": words(2, 3)}, starts={"r2": 0.5})
    assert [len(run.transcript) for run in given.runs] == [2, 1]
    assert [run.start for run in given.runs] == [0, 0.5]
    with pytest.raises(DataError, match="run 'r1': no transcript for it or its story 'tale'; there are r2"):
        with_transcripts(recording("r1"), {"r2": words(1)})


def test_a_transcript_longer_than_the_recording():
    """20 samples at 2 Hz last 10 s."""
    long = words(0, 9.0, 9.9, 12)
    with pytest.raises(DataError, match="lasts from 0 to 10 s and the transcript from 0 to 12.5 s; 1 of 4 words"):
        with_transcripts(recording("r1"), {"r1": long})
    with pytest.raises(DataError, match="lasts from 5 to 15 s .* 1 of 4 words"):
        with_transcripts(recording("r1"), {"r1": long}, starts={"r1": 5.0})
    cropped = with_transcripts(recording("r1"), {"r1": long}, crop=True).runs[0].transcript
    assert cropped.words == ("w0", "w1", "w2")
    with pytest.raises(DataError, match="no word of its transcript lies in any run"):
        with_transcripts(recording("r1"), {"r1": long}, starts={"r1": 50.0}, crop=True)


def test_a_word_on_the_edge_of_two_runs_belongs_to_one():
    """The second begins where the first ends, as the parts of a file do."""
    parts = recording("r1", "r2")
    parts = replace(parts, runs=(parts.runs[0], replace(parts.runs[1], start=10.0)))
    given = with_transcripts(parts, {"tale": words(9.999, 10.0, 10.001, length=0.0)}, crop=True)
    assert [run.transcript.words for run in given.runs] == [("w0",), ("w1", "w2")]


def test_runs_that_overlap():
    a, b = Acquired("a", "1", 0, 100), Acquired("b", "1", 90, 100)
    with pytest.raises(DataError, match="runs 'a' and 'b' of subject '1' overlap by 10 s"):
        check_apart([b, a])
    check_apart([a, Acquired("b", "1", 99.5, 100)])  # dates are rounded
    check_apart([a, Acquired("b", "2", 90, 100)])  # another subject
    check_apart([a, Acquired("b", "1", 0, 100)])  # one date for all: anonymised
