"""Alice in the scanner: clock, controls, sentences, and subjects that cannot be used."""

from pathlib import Path

import numpy as np
import pytest

from grounding.brain.sets import alice
from grounding.errors import DataError, InputError

GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 12.0
xmax = 22.5
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "word"
        xmin = 12.0
        xmax = 22.5
        intervals: size = 4
        intervals [1]:
            xmin = 12.0
            xmax = 20.5
            text = "sp"
        intervals [2]:
            xmin = 20.5
            xmax = 21.0
            text = "Alice "
        intervals [3]:
            xmin = 21.0
            xmax = 21.5
            text = "sat"
        intervals [4]:
            xmin = 21.5
            xmax = 22.5
            text = "Why"
"""
BOOK = "Title\n\nCHAPTER I. Down\n\nAlice sat.  'Why?' she said.\n\nCHAPTER II. The Pool\n\nMore.\n"


@pytest.fixture
def folder(tmp_path: Path, generator: np.random.Generator) -> Path:
    data = tmp_path / "alice_data_shared"
    for part in (data / "6mm", data / "10mm", tmp_path / "alice_stim_shared"):
        part.mkdir(parents=True)
    for subject, scale in (("s18", 1.0), ("s33", 0.0)):
        for radius in ("6mm", "10mm"):
            np.savetxt(data / radius / f"{subject}-timecourses.txt", scale * generator.normal(size=(362, 6)))
        np.savetxt(data / f"{subject}-rate.txt", np.arange(362.0))
        np.savetxt(data / f"{subject}-sndpwr.txt", -np.arange(362.0))
        np.savetxt(data / f"{subject}-rp_run1.txt", np.arange(372.0)[:, None] + np.arange(6))
    (tmp_path / "alice_stim_shared" / "words.TextGrid").write_text(GRID)
    return tmp_path


def test_runs_share_story_and_clock_and_begin_where_the_volumes_were_discarded(folder: Path):
    found = alice.load(folder)
    (run,) = found.recording.runs
    assert (run.name, run.subject, run.story) == ("s18", "s18", alice.STORY)
    assert run.times[0] == 20.0 and run.times[1] == 22.0
    assert found.transcript.words == ("Alice", "sat", "Why")
    assert found.transcript.onsets.tolist() == [20.5, 21.0, 21.5] and found.transcript.sentences is None
    # Movement was estimated for the discarded volumes too.
    assert run.confounds[0].tolist() == [10, 11, 12, 13, 14, 15]
    assert found.controls.matrix(run.rows)[5].tolist() == [5, -5]


def test_a_constant_subject_is_left_out_by_name(folder: Path):
    assert "s33" in alice.load(folder).recording.excluded
    assert "constant" in alice.load(folder).recording.excluded["s33"]


def test_the_radius_chooses_the_folder(folder: Path):
    small, large = (alice.load(folder, radius).recording.runs[0].data for radius in ("6mm", "10mm"))
    np.testing.assert_allclose(small, np.loadtxt(folder / "alice_data_shared/6mm/s18-timecourses.txt"), rtol=1e-6)
    assert not np.allclose(small, large)
    with pytest.raises(InputError, match="'6mm' or '10mm'"):
        alice.load(folder, "8mm")  # type: ignore[arg-type]


def test_words_know_their_sentences_where_the_book_is_there(folder: Path):
    (folder / "alice").mkdir()
    (folder / "alice" / "alice-gutenberg.txt").write_text(BOOK)
    assert alice.load(folder).transcript.sentences.tolist() == [0, 0, 1]


def test_missing_and_cut_files_are_named(folder: Path):
    (folder / "alice_data_shared" / "s18-rate.txt").unlink()
    with pytest.raises(DataError, match=r"s18-rate\.txt not found; .*Brennan"):
        alice.load(folder)
    np.savetxt(folder / "alice_data_shared" / "s18-rate.txt", np.arange(300.0))
    with pytest.raises(DataError, match=r"s18-rate\.txt: \(300, 1\) numbers found, expected \(362, 1\)"):
        alice.load(folder)


def test_no_usable_subject_is_an_error(folder: Path):
    np.savetxt(folder / "alice_data_shared" / "10mm" / "s18-timecourses.txt", np.zeros((362, 6)))
    with pytest.raises(DataError, match="no usable subject"):
        alice.load(folder)


@pytest.mark.realdata
def test_the_set_itself(data_folder: Path):
    found = alice.load(data_folder / "neural" / "alice_fmri_brennan2016")
    assert len(found.recording.runs) == 27 and list(found.recording.excluded) == ["s33"]
    assert len(found.transcript) == 2127 and found.transcript.words[:3] == ("Alice", "was", "beginning")
    # A crude response to word onsets fits the published word rate at this clock and at none 1 s beside it.
    fits = [_fit(found, shift) for shift in (-1.0, 0.0, 1.0)]
    assert fits[1] > 0.97 and fits[1] > fits[0] + 0.02 and fits[1] > fits[2] + 0.02


def _fit(found: alice.Alice, shift: float) -> float:
    from scipy.stats import gamma

    grid = np.zeros(8000)
    np.add.at(grid, (found.transcript.onsets * 10).astype(int), 1)
    lag = np.arange(0, 32, 0.1)
    response = np.convolve(grid, gamma.pdf(lag, 6) - gamma.pdf(lag, 16) / 6)[: len(grid)]
    run = found.recording.runs[0]
    at = np.interp(run.times + shift, np.arange(len(grid)) / 10, response)
    return float(np.corrcoef(at, found.controls.runs[run.name][:, 0])[0, 1])
