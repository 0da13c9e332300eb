"""Results say what was found, mark what inflates them, and cannot overclaim."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grounding.brain.encoding import EncodingResult, Scores
from grounding.brain.ridge.scores import correlation, r2
from grounding.errors import StorageError


def with_unique(truth: EncodingResult, unique: np.ndarray) -> EncodingResult:
    """The result with other unique variance, (k,) the same for each target."""
    others = truth.scores["others"]
    full = Scores(others.r, others.r2 + unique[:, None])
    return replace(truth, scores={**truth.scores, "full": full})


def test_scores_are_means_of_folds_of_the_kept_predictions(truth: EncodingResult) -> None:
    """The kept predictions, cut where the folds were, give the same scores; pooled they would not."""
    bounds = [part[0] for part in np.array_split(np.arange(800), 5)] + [800]
    for model in ("embedding", "others", "full"):
        for fold, (start, stop) in enumerate(zip(bounds[:-1], bounds[1:], strict=True)):
            parts = truth.actual[start:stop], truth.predictions[model][start:stop]
            assert np.allclose(truth.scores[model].r[fold], correlation(*parts), atol=1e-6)
            assert np.allclose(truth.scores[model].r2[fold], r2(*parts), atol=1e-6)
    assert truth.places.tolist() == list(range(800)) and len(truth.tested) == 800


def test_unique_is_full_less_others(truth: EncodingResult) -> None:
    assert np.allclose(truth.unique, truth.score("full", "r2") - truth.score("others", "r2"))
    interval = truth.interval("unique")
    assert (interval.low <= truth.unique).all() and (truth.unique <= interval.high).all()
    assert truth.mean_interval("unique").estimate == pytest.approx(truth.unique.mean())


def test_the_audit_shows_every_model_beside_the_embedding(truth: EncodingResult) -> None:
    page = truth.audit()
    for line in ("embedding  ", "controls  ", "autocorrelation  ", "others  ", "full  ", "unique  "):
        assert f"\n{line}" in page
    assert "5 contiguous folds" in page and "SYNTHETIC" in page.splitlines()[0] and truth.verdict in page
    assert "no random vectors" in page and "no untrained copy" in page and "no noise ceiling" in page


def test_the_verdict_goes_no_further_than_the_interval(truth: EncodingResult) -> None:
    assert "above zero in this recording" in truth.verdict and "not above" not in truth.verdict
    assert "not held against random vectors or untrained" in truth.verdict
    wavering = with_unique(truth, np.array([0.1, -0.05, 0.02, -0.01, 0.03]))
    assert "; not above zero" in wavering.verdict
    assert "; not above zero" in with_unique(truth, np.full(5, -0.01)).verdict
    assert "no verdict: folds were SHUFFLED" in replace(truth, shuffled=True).verdict


def test_shuffled_and_synthetic_are_marked_everywhere(truth: EncodingResult, tmp_path: Path) -> None:
    marked = replace(truth, shuffled=True, folds="5 SHUFFLED folds, seed 0")
    assert "SHUFFLED: scores are inflated" in marked.label and "SYNTHETIC" in marked.label
    assert all(row["shuffled"] is True and row["synthetic"] is True for row in marked.table())
    plain = marked.as_dict()
    assert plain["shuffled"] is True and plain["synthetic"] is True and "SHUFFLED" in str(plain["verdict"])
    marked.save(tmp_path)
    assert '"5 SHUFFLED folds, seed 0",True,True' in (tmp_path / "scores.csv").read_text()
    honest = replace(truth, synthetic=False)
    assert "SYNTHETIC" not in honest.audit() and "SHUFFLED" not in honest.audit()


def test_a_rival_that_explains_as_much_is_named(truth: EncodingResult) -> None:
    assert not any("as much as" in warning for warning in truth.warnings)
    rival = replace(truth, scores={**truth.scores, "controls": truth.scores["embedding"]})
    assert any(warning.startswith("controls (control) explain about as much") for warning in rival.warnings)


def test_the_edge_of_the_grid_and_exclusions_are_told(truth: EncodingResult) -> None:
    told = replace(truth, at_edge=0.3, excluded={"Fp1": "constant"}).warnings
    assert any("more than 5% of the targets with a signal" in warning for warning in told)
    assert "left out: Fp1 (constant)" in told


def test_a_ceiling_puts_normalised_scores_beside_the_raw_ones(truth: EncodingResult) -> None:
    assert truth.normalised_r() is None and "ceiling of r" not in truth.table()[0]
    ceiling = np.full(8, 0.8)
    ceiling[0] = 0.05
    high = replace(truth, ceiling=ceiling, ceiling_method="explainable variance of 2 presentations")
    rows = high.table()
    assert rows[0]["embedding r / ceiling"] is None
    assert rows[1]["embedding r / ceiling"] == pytest.approx(truth.r[1] / 0.8)
    assert "mean of 7 targets" in high.audit()


def test_every_number_is_saved_and_read_back(truth: EncodingResult, tmp_path: Path) -> None:
    truth.save(tmp_path / "out")
    with (tmp_path / "out" / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["target"] for row in rows] == list(truth.targets)
    assert float(rows[2]["unique r2"]) == pytest.approx(truth.unique[2])
    assert float(rows[2]["p of r, family-wise"]) < 0.05
    arrays = np.load(tmp_path / "out" / "scores.npz", allow_pickle=False)
    for model, scores in truth.scores.items():
        assert np.array_equal(arrays[f"{model} r2"], scores.r2)
    assert np.array_equal(arrays["full predictions"], truth.predictions["full"])
    assert arrays["targets"].tolist() == list(truth.targets)
    saved = json.loads((tmp_path / "out" / "result.json").read_text())
    assert saved == json.loads(json.dumps(truth.as_dict())) and saved["verdict"] == truth.verdict
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.endswith(".tmp")]


def test_numbers_that_are_not_finite_are_none_in_json(truth: EncodingResult) -> None:
    one = {name: Scores(scores.r[:1], scores.r2[:1]) for name, scores in truth.scores.items()}
    single = replace(truth, scores=one)
    assert single.table()[0]["unique r2 low"] is None
    json.dumps(single.as_dict(), allow_nan=False)
    assert "no verdict" in single.verdict


def test_a_folder_that_cannot_be_written(truth: EncodingResult, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        truth.save(tmp_path / "file" / "out")
