"""Our features of the Alice recording against the series that its authors computed (Brennan et al., 2016)."""

import re
from pathlib import Path

import numpy as np
import pytest

from grounding.brain.features import averaged, lanczos, random_vectors, word_hrf, word_rate
from grounding.brain.recording import Features, Recording, Run, Transcript

pytestmark = pytest.mark.realdata

VOLUMES, RATE = 362, 0.5
INTERVAL = re.compile(r'xmin = ([\d.]+)\s+xmax = ([\d.]+)\s+text = "([^"]*)"')


@pytest.fixture
def folder(data_folder: Path) -> Path:
    return data_folder / "neural" / "alice_fmri_brennan2016"


def heard(folder: Path, start: float) -> Recording:
    grid = (folder / "alice_stim_shared" / "DownTheRabbitHoleFinal_exp120_pad_1.TextGrid").read_text()
    spoken = [
        (float(first), float(last), word) for first, last, word in INTERVAL.findall(grid) if word not in ("sp", "")
    ]
    onsets, offsets, words = zip(*spoken, strict=True)
    assert len(words) == 2127
    transcript = Transcript(words, np.array(onsets), np.array(offsets))
    run = Run("alice", np.zeros((VOLUMES, 1), np.float32), RATE, transcript, start=start)
    return Recording((run,), ("LATL",), "fmri")


def test_words_through_the_response_are_the_published_word_rate_with_the_first_volume_at_20_s(folder):
    published = np.loadtxt(folder / "alice_data_shared" / "s18-rate.txt")

    def agreement(start: float) -> float:
        ones = Features("words", {"alice": np.ones((2127, 1), np.float32)})
        return float(np.corrcoef(word_hrf(ones, heard(folder, start)).runs["alice"][:, 0], published)[0, 1])

    found = {start: agreement(start) for start in (19.5, 20.0, 20.5, 22.0)}
    assert found[20.0] > 0.985 and max(found, key=lambda start: found[start]) == 20.0
    assert found[22.0] < 0.9


def test_a_lanczos_filter_follows_the_word_rate_and_an_average_does_not(folder):
    made = heard(folder, 20.0)
    ones = Features("words", {"alice": np.ones((2127, 1), np.float32)})
    rate = word_rate(made).runs["alice"][:, 0]
    assert rate.sum() == 2127 and np.corrcoef(lanczos(ones, made).runs["alice"][:, 0], rate)[0, 1] > 0.85
    np.testing.assert_allclose(averaged(ones, made).runs["alice"], 1.0)
    # Not so its variance, which is smaller where there are more words to average.
    spread = np.linalg.norm(averaged(random_vectors(made, 50, seed=0), made).runs["alice"], axis=1)
    assert np.corrcoef(spread, rate)[0, 1] < -0.5
