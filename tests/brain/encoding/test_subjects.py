"""Several subjects: each by itself, then intervals and tests over them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grounding.brain.encoding import Space, SubjectsResult, by_subject, encode_subjects
from grounding.brain.features import random_vectors, word_hrf
from grounding.brain.folds import Contiguous
from grounding.brain.readers import cleaned
from grounding.brain.recording import Features, Recording, Run
from grounding.brain.sets import alice
from grounding.brain.significance import over_subjects
from grounding.errors import InputError
from tests.brain.encoding.planted import features, model

SUBJECTS = tuple(f"s{n}" for n in range(6))


def people(embedding: np.ndarray, seed: int) -> Recording:
    """Six subjects who heard one story; target "a" follows the embedding in all of them, "b" in none."""
    generator = np.random.default_rng(seed)
    signal = embedding @ generator.standard_normal(embedding.shape[1])
    signal /= signal.std()
    runs = []
    for subject in SUBJECTS:
        data = generator.standard_normal((len(embedding), 2))
        data[:, 0] += signal
        runs.append(Run(f"{subject} alice", data.astype(np.float32), 0.5, subject=subject, story="alice"))
    return Recording(tuple(runs), ("a", "b"), "fmri", synthetic=True)


@pytest.fixture(scope="module")
def found() -> SubjectsResult:
    generator = np.random.default_rng(0)
    heard = features(generator, "e", 3, runs=1, n=120).runs["run-0"]
    embedding = Features("e", {f"{subject} alice": heard for subject in SUBJECTS})
    return encode_subjects(model(embedding, folds=Contiguous(3)), people(heard, 1))


def test_each_subject_by_itself(found: SubjectsResult) -> None:
    assert tuple(found.results) == SUBJECTS and found.targets == ("a", "b")
    assert {result.tested.run[0] for result in found.results.values()} == {f"{s} alice" for s in SUBJECTS}
    assert not any("in training rows" in warning for warning in found.warnings)


def test_intervals_and_tests_are_over_subjects(found: SubjectsResult) -> None:
    each = found.values("embedding", "r")
    assert each.shape == (6, 2) and np.allclose(each[2], found.results["s2"].r)
    expected = over_subjects(each)
    interval = found.interval("embedding", "r")
    assert np.array_equal(interval.low, expected.low) and interval.low[0] > 0.5 and interval.low[1] < 0.1
    test = found.test("unique", "r2")
    # One of the 64 arrangements of six signs is that of the data.
    assert test is not None and test.p[0] == pytest.approx(1 / 64) and test.p[1] > 0.05
    assert found.mean_interval("unique").estimate == pytest.approx(found.means("unique").mean())


def test_the_ceiling_is_what_the_others_share(found: SubjectsResult) -> None:
    """Half of the variance of "a" is shared: r with the mean of five others is √(0.5 · 0.5 / (0.5 + 0.5 / 5))."""
    ceilings = np.array([result.ceiling for result in found.results.values()])
    assert ceilings[:, 0].mean() == pytest.approx(np.sqrt(0.25 / 0.6), abs=0.06) and abs(ceilings[:, 1].mean()) < 0.1
    assert "5 other subjects" in found.results["s0"].ceiling_method
    normalised = found.normalised_r()
    assert normalised is not None and normalised.estimate > 0.5


def test_outputs_are_marked_and_whole(found: SubjectsResult, tmp_path: Path) -> None:
    page = found.audit()
    assert "SYNTHETIC" in page.splitlines()[0] and "6 subjects" in page.splitlines()[0] and found.verdict in page
    assert "above zero over 6 subjects" in found.verdict
    found.save(tmp_path)
    saved = json.loads((tmp_path / "result.json").read_text())
    assert saved["subjects"] == list(SUBJECTS) and saved["synthetic"] is True and len(saved["targets"]) == 2
    assert (tmp_path / "s3" / "scores.npz").is_file() and "p of unique r2" in (tmp_path / "scores.csv").read_text()


@pytest.mark.realdata
def test_words_without_meaning_add_nothing_to_alice(data_folder: Path) -> None:
    """Arbitrary vectors as the embedding, three listeners: nothing beyond controls and other arbitrary vectors."""
    loaded = alice.load(data_folder / "neural" / "alice_fmri_brennan2016")
    recording = cleaned(replace(loaded.recording, runs=loaded.recording.runs[:3]))
    embedding, other = (word_hrf(random_vectors(recording, 10, seed=seed), recording) for seed in (0, 1))
    settings = model(embedding, folds=Contiguous(3, purge=6), controls=(Space(loaded.controls),), random=(other,))
    result = encode_subjects(settings, recording)
    assert len(result.results) == 3 and result.targets == alice.REGIONS
    assert "not above zero" in result.verdict and not result.synthetic
    assert result.parts["controls"] == ("word rate and sound power",)
    assert all("2 other subjects" in one.ceiling_method for one in result.results.values())


def test_too_few_subjects() -> None:
    generator = np.random.default_rng(0)
    heard = features(generator, "e", 3, runs=1, n=60).runs["run-0"]
    made = by_subject(people(heard, 1))
    settings = model(Features("e", {f"{s} alice": heard for s in SUBJECTS}), folds=Contiguous(3))
    with pytest.raises(InputError, match="subjects: 1 found"):
        encode_subjects(settings, {"s0": made["s0"]})
    two = encode_subjects(settings, {name: made[name] for name in ("s0", "s1")})
    assert two.test() is None and any("too few for a test" in warning for warning in two.warnings)
    assert two.results["s0"].ceiling is None
