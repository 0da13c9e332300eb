"""Controls that a transcript is enough for."""

import numpy as np
import pytest

from grounding.brain.encoding.controls import confounds, default_controls, default_random
from grounding.brain.recording import Recording, Responses, Run, Transcript
from grounding.brain.rows import Rows
from grounding.errors import DataError

WORDS = Transcript(("Down", "the", "hole", "the", "end"), np.array([0.5, 2.1, 2.5, 3.9, 8.2]), np.arange(5) + 9.0)


def heard(kind: str = "fmri", transcript: Transcript | None = WORDS, samples: int = 5) -> Recording:
    return Recording((Run("r", np.zeros((samples, 1), np.float32), 0.5, transcript),), ("c",), kind)  # type: ignore[arg-type]


def test_word_rate_and_mean_position_for_fmri() -> None:
    rate, position = default_controls(heard())
    assert rate.runs["r"][:, 0].tolist() == [1, 3, 0, 0, 1]
    assert position.runs["r"][[0, 1, 4], 0].tolist() == [0, 2, 4]


def test_impulses_for_eeg() -> None:
    position = default_controls(heard("eeg"))[1].runs["r"]
    assert position[:, 0].tolist() == [0, 3, 3, 0, 4]


def test_random_vectors_are_one_a_word_and_a_seed() -> None:
    first, second = default_random(heard(), 7, (0, 1))
    assert first.width == 7 and not np.allclose(first.runs["r"], second.runs["r"])


def test_word_locked_rows_keep_the_places_of_words_that_were_left_out() -> None:
    rows = Rows.of_run("r", np.array([0.5, 2.5, 2.8, 8.2]), index=np.array([0, 2, 3, 4]), word=["a", "b", "c", "b"])
    responses = Responses(np.zeros((4, 1), np.float32), rows, ("c",), "eeg")
    pause, position, length = (one.matrix(rows) for one in default_controls(responses))
    assert np.allclose(pause[:, 0], [2, 2, 0.3, 2]) and position[:, 0].tolist() == [0, 2, 3, 4]
    assert length[:, 0].tolist() == [1, 1, 1, 1]
    (random,) = default_random(responses, 4, (3,))
    assert np.array_equal(random.matrix(rows)[1], random.matrix(rows)[3])


def test_no_words_no_controls() -> None:
    assert default_controls(heard(transcript=None)) == () and default_random(heard(transcript=None), 3, (0,)) == ()
    rows = Responses(np.zeros((3, 1), np.float32), Rows.of_run("r", np.arange(3.0)), ("c",), "fmri")
    assert default_controls(rows) == () and confounds(rows) == () and confounds(heard()) == ()


def test_a_transcript_that_is_longer_than_the_recording_is_an_error() -> None:
    with pytest.raises(DataError, match="'end'.*begins at 8.20 s, but the recording ends at 8.00 s"):
        default_controls(heard(samples=4))
