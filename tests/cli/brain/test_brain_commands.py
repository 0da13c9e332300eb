"""`grounding brain` as a user types it, on tiny synthetic studies: what is printed and written, and what is refused."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from grounding.cli.main import main

SMALL = ("--minutes", 1, "--stories", 2)
PLANTED = ("--model", "planted")
QUICK = ("--components", 5, "--folds", "run")


def grounding(*words: object) -> int:
    return main(["brain", *map(str, words)])


@pytest.fixture(scope="module")
def ecog(tmp_path_factory) -> Path:
    """Two people with electrodes who hear the same two stories."""
    folder = tmp_path_factory.mktemp("studies") / "ecog"
    assert grounding("simulate", folder, "--kind", "ecog", "--subjects", 2, *SMALL) == 0
    return folder


@pytest.fixture(scope="module")
def fmri(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "fmri"
    assert grounding("simulate", folder, "--minutes", 2, "--stories", 2) == 0
    return folder


def page(out: Path) -> str:
    return (out / "report.html").read_text(encoding="utf-8")


def summary(out: Path) -> dict:
    found = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert found["synthetic"] and found["verdicts"] and found["versions"]
    assert "Synthetic recording" in page(out)
    return found


def table(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "scores.csv").open(encoding="utf-8")))


def test_simulate_says_what_was_planted_and_writes_over_nothing(ecog, capsys):
    assert grounding("simulate", ecog, "--kind", "ecog", *SMALL) == 2
    assert "no empty folder" in capsys.readouterr().err
    assert (ecog / "sourcedata" / "truth" / "layers.npz").is_file()


def test_encode_of_several_subjects_by_electrode(ecog, tmp_path, capsys):
    assert grounding("encode", ecog, *PLANTED, "--permutations", 0, *QUICK, "--out", tmp_path) == 0
    printed = capsys.readouterr()
    assert "SYNTHETIC ecog" in printed.out and "2 subjects" in printed.out and not printed.err
    found = summary(tmp_path)
    assert found["results"]["subjects"] == ["01", "02"]
    rows = table(tmp_path)
    assert len(rows) == 50 and "unique r2" in rows[0] and {row["synthetic"] for row in rows} == {"True"}
    with np.load(tmp_path / "01" / "scores.npz", allow_pickle=False) as arrays:
        assert arrays["embedding r"].shape == (2, 50)
    assert "distribution over 50 targets" in page(tmp_path) and "Whiskers" not in page(tmp_path)


def test_encode_of_voxels_draws_volume_and_surface(fmri, tmp_path):
    settings = ("--permutations", 0, *QUICK, "--delays", 2, 3)
    assert grounding("encode", fmri, *PLANTED, *settings, "--out", tmp_path) == 0
    assert "on the inflated cortex" in page(tmp_path)
    assert summary(tmp_path)["results"]["kind"] == "fmri"
    assert "20 of 140 targets with the highest r" in page(tmp_path)


def test_decode_words(ecog, tmp_path, capsys):
    assert grounding("decode", ecog, *PLANTED, "--subjects", "01", "--permutations", 19, "--out", tmp_path) == 0
    assert "subject 01" in capsys.readouterr().out
    summary(tmp_path)
    rows = table(tmp_path)
    assert {row["method"] for row in rows} == {"map", "nearest training word", "static vectors"}
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as arrays:
        words = arrays["subject 01/word to brain/map/roc auc"]
        assert words.shape == (len(set(arrays["subject 01/token words"].tolist())),)
    row = next(
        one for one in rows if (one["direction"], one["method"], one["score"]) == ("word to brain", "map", "roc auc")
    )
    assert words.mean() == pytest.approx(float(row["value"]))


def test_layers_by_lag_beside_layers_without_their_depth(ecog, tmp_path):
    settings = (*PLANTED, "--subjects", "01", "--lags", 0.1, 0.13, "--components", 5)
    assert grounding("layers", ecog, *settings, "--out", tmp_path) == 0
    assert [one["layers"] for one in summary(tmp_path)["results"]][:2] == ["as they are", "scrambled layers"]
    assert len(table(tmp_path)) == 6 * 50 * 4


def test_layers_by_context_of_word_vectors(fmri, tmp_path):
    """Word vectors are one layer and have no context to vary."""
    vectors = tmp_path / "vectors.txt"
    words = {row["word"] for row in csv.DictReader(next(fmri.rglob("*_events.tsv")).open(), delimiter="\t")}
    numbers = np.random.default_rng(0).normal(size=(len(words), 3)).round(3)
    lines = [" ".join([word, *map(str, row)]) for word, row in zip(sorted(words), numbers.tolist(), strict=True)]
    vectors.write_text("\n".join(lines) + "\n")
    assert grounding("layers", fmri, "--model", vectors, "--delays", 2, "--out", tmp_path / "out") == 0
    assert [one["context"] for one in summary(tmp_path / "out")["results"]] == ["no context to vary"]
    assert len(table(tmp_path / "out")) == 140


def test_layers_by_lag_fit_each_subject_by_itself(ecog, tmp_path):
    """Subjects hear the same words: what one is trained on must not tell of what another is tested on."""
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("the 1 0\na 0 1\nwoman 1 1\n")
    found = []
    for subjects in ((), ("01",), ("02",)):
        out = tmp_path / "-".join(("out", *subjects))
        settings = ("--model", vectors, "--lags", 0.1, 0.12, *(("--subjects", *subjects) if subjects else ()))
        assert grounding("layers", ecog, *settings, "--out", out) == 0
        # A single layer has no depth to relate to lags.
        assert "Depth against peak lag" not in page(out)
        found.append(np.load(out / "scores.npz", allow_pickle=False)["scores"])
    np.testing.assert_allclose(found[0], np.mean(found[1:], axis=0), atol=1e-6)
    assert "for each of 2 subjects by itself" in page(tmp_path / "out")


def test_rsa_of_words(ecog, tmp_path, capsys):
    settings = (*PLANTED, "--subjects", "01", "--at-least", 5, "--permutations", 19)
    assert grounding("rsa", ecog, *settings, "--out", tmp_path) == 0
    assert "Highest: subject 01" in capsys.readouterr().out
    summary(tmp_path)
    assert "length (dull control)" in {row["model"] for row in table(tmp_path)}
    assert (tmp_path / "scores.npz").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("encode", "nowhere"), ("nowhere: no BIDS folder", "alice for encode")),
        (("decode", "frank"), ("frank: no BIDS folder", "haxby, lindborg or objects81 for decode")),
        (("encode", "ECOG", *PLANTED, "--subjects", "01", "99"), ("subjects: '99' not in", "it has 01, 02")),
        (("encode", "ECOG", *PLANTED, "--layer", 6), ("layer: 6 found, expected 0 to 5 of planted",)),
        (("decode", "ECOG", *PLANTED, "--layer", -1), ("layer: -1 found, expected 0 to 5 of planted",)),
        (("encode", "ECOG", *PLANTED, "--words", "token"), ("token", "events.tsv")),
        (("encode", "ECOG", *PLANTED, "--window", 0.5, 0.3), ("window 0.5 to 0.3 s",)),
        (("decode", "ECOG", *PLANTED, "--permutations", 5), ("permutations: 5 found, expected 0 or at least 19",)),
        (("rsa", "ECOG", *PLANTED, "--permutations", 0), ("permutations: 0 found, expected at least 19",)),
        (("layers", "ECOG", *PLANTED, "--channels", "nose"), ("channels: 'nose' not in the recording",)),
        (("encode", "ECOG", *PLANTED, "--subjects", "01", "--dask", "tcp://127.0.0.1:1"), ("dask: ", "one subject")),
        (("decode", "FMRI", *PLANTED), ("fMRI found", "grounding brain encode")),
        (("rsa", "FMRI", *PLANTED), ("fMRI found",)),
        (("encode", "FMRI", *PLANTED, "--folds", "word"), ("folds: 'word' found with fMRI",)),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_one_line(words, told, ecog, fmri, tmp_path, refused):
    named = [{"ECOG": ecog, "FMRI": fmri}.get(word, word) for word in words]
    line = refused("brain", *named, "--out", tmp_path / "out")
    for part in told:
        assert part in line
    assert not (tmp_path / "out").exists()


def test_planted_layers_are_only_in_synthetic_folders(ecog, tmp_path, refused):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "dataset_description.json").write_text('{"Name": "a study", "BIDSVersion": "1.9.0"}')
    assert "no recordings found" in refused("brain", "encode", tmp_path / "study", *PLANTED)


def test_named_sets_need_their_folder(monkeypatch, tmp_path, refused):
    monkeypatch.delenv("GROUNDING_DATA", raising=False)
    assert "objects81: a named set, but GROUNDING_DATA is not set" in refused("brain", "decode", "objects81")
    monkeypatch.setenv("GROUNDING_DATA", str(tmp_path))
    assert "alice_fmri_brennan2016: no such folder" in refused("brain", "encode", "alice")


@pytest.mark.realdata
def test_unknown_subjects_of_alice_are_told(data_folder, refused):
    assert "subjects: '18' not in alice; it has s18" in refused("brain", "encode", "alice", "--subjects", "18")


@pytest.mark.realdata
def test_objects_never_trained_with_are_told_apart(data_folder, tmp_path, run):
    assert "chance 0.500" in run("brain", "decode", "objects81", "--permutations", 19, "--out", tmp_path)
    found = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert not found["synthetic"] and len(found["results"]) == 3
    assert "Synthetic" not in page(tmp_path)
    ranks = np.load(tmp_path / "scores.npz", allow_pickle=False)["word2vec of the names/rank"]
    assert ranks.shape == (81,)
