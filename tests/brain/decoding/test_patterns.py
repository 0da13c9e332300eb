"""Averages, standardised runs, flattened epochs, and what the order of trials tells."""

import numpy as np
import pytest

from grounding.brain.decoding import averaged, flattened, order_only, standardised
from grounding.brain.recording import Epochs, Responses
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError
from tests.brain.decoding.planted import WORDS, patterns


def test_averages_are_the_means_of_a_word_in_a_stretch():
    given = patterns(subjects=2, repetitions=4)
    means = averaged(given, parts=2)
    assert means.synthetic
    rows = given.rows
    for row, (run, word) in enumerate(zip(means.rows.run.tolist(), means.rows.word.tolist(), strict=True)):
        name, number = run.split(", part ")
        half = np.arange(len(rows)) % 96 // 48 == int(number) - 1
        chosen = half & (rows.run == name) & (rows.word == word)
        np.testing.assert_allclose(means.data[row], given.data[chosen].mean(0), rtol=1e-5, atol=1e-6)
        assert means.rows.time[row] == pytest.approx(rows.time[chosen].mean())
    assert means.rows.runs().keys() == {f"s{s}, part {p}" for s in (0, 1) for p in (1, 2)}
    assert averaged(given).rows.word.tolist() == [*WORDS, *WORDS]
    with pytest.raises(InputError, match="parts: 97 found, expected 1 to 96"):
        averaged(given, parts=97)
    with pytest.raises(InputError, match="no words"):
        averaged(Responses(np.zeros((3, 1), "f"), Rows.of_run("a", np.arange(3.0)), ("x",), "eeg"))


def test_a_run_is_standardised_by_itself():
    given = patterns(subjects=2)
    ours = standardised(given)
    for places in given.rows.runs().values():
        np.testing.assert_allclose(ours.data[places].mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(ours.data[places].std(0), 1, rtol=1e-5)
    other = given.data.copy()
    other[: len(other) // 2] *= 7
    again = standardised(Responses(other, given.rows, given.targets, "eeg"))
    np.testing.assert_array_equal(again.data[len(other) // 2 :], ours.data[len(other) // 2 :])
    other[-5:, 3] = np.nan
    with pytest.raises(DataError, match="run 's1': 'E3' is constant or not finite"):
        standardised(Responses(other, given.rows, given.targets, "eeg"))


def test_epochs_are_flattened_channel_by_channel():
    rows = Rows.of_run("a", np.arange(2.0), word=["x", "y"])
    data = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    flat = flattened(Epochs(data, np.array([0.0, 0.1, 0.2]), rows, ("Cz", "Pz"), "eeg"))
    assert flat.data.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert flat.targets[4] == "Pz +0.100 s"


def test_order_alone_is_time_within_the_run():
    found = order_only(patterns(subjects=2), powers=2)
    assert found.data.shape == (96, 2)
    assert (
        found.data[0].tolist() == [-1, 1] and found.data[47].tolist() == [1, 1] and found.data[48].tolist() == [-1, 1]
    )
