"""Lindborg's nouns: trials kept and left out, words and categories in place."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from grounding.brain.sets import lindborg
from grounding.errors import DataError

HEAD = '"Word","Typelänge_Zeichen","Kategorie","Leipzig_Frequenz","ID"\n'
STIMULI = HEAD + '"Ahorn",5,"Baumart",4,4\n"S-Bahn",6,"Verkehr",NA,83\n'
TRIALS = "Fz,Oz,seg,word_no,Subject,badseg\n1.5,2,1,4,0,0\n2.5,-1,2,83,0,1\n0,3,4,83,0,0\n1,1,5,NaN,0,0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "materials").mkdir()
    (tmp_path / "materials" / "Stimuli.csv").write_text(STIMULI, encoding="utf-8")
    data = tmp_path / "data" / "channel_300-500ms"
    data.mkdir(parents=True)
    for subject in (2, 10):
        (data / f"{subject}.csv.gz").write_bytes(gzip.compress(TRIALS.encode()))
    return tmp_path


def test_trials_are_kept_by_number_and_left_out_by_reason(folder: Path):
    found = lindborg.load(folder)
    rows = found.responses.rows
    assert rows.run.tolist() == ["02", "02", "10", "10"] and rows.index.tolist() == [1, 4, 1, 4]
    assert rows.word.tolist() == ["Ahorn", "S-Bahn"] * 2
    assert found.responses.targets == ("Fz", "Oz")
    assert found.responses.data.tolist() == [[1.5, 2], [0, 3]] * 2
    assert found.excluded == {"no word number": 2, "marked bad by the authors": 2, "a channel without a value": 0}


def test_nouns_know_category_length_and_frequency(folder: Path):
    found = lindborg.load(folder)
    assert found.category(np.array(["S-Bahn", "Ahorn"])).tolist() == ["Verkehr", "Baumart"]
    assert found.nouns["Ahorn"] == lindborg.Noun("Baumart", 5, 4.0)
    assert np.isnan(found.nouns["S-Bahn"].frequency)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("83,0,0", "84,0,0", "word numbers .84.0. found"),
        ("\n0,3", "\n0,2", "constant in channel Oz"),
        ("Fz,Oz", "Fz,Cz", "channels Fz, Cz ... found, expected those of the other subjects"),
    ],
)
def test_errors_name_the_file(folder: Path, old: str, new: str, message: str):
    path = folder / "data" / "channel_300-500ms" / "10.csv.gz"
    path.write_bytes(gzip.compress(TRIALS.replace(old, new).encode()))
    with pytest.raises(DataError, match=f"10.csv.gz: {message}"):
        lindborg.load(folder)


def test_a_file_must_be_named_by_its_subject(folder: Path):
    (folder / "data" / "channel_300-500ms" / "notes.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"notes\.csv: expected the number of a subject"):
        lindborg.load(folder)


@pytest.mark.realdata
def test_the_set_itself(data_folder: Path):
    found = lindborg.load(data_folder / "neural" / "lindborg2022_n400_words")
    rows = found.responses.rows
    assert found.responses.data.shape == (87958, 64) and sum(found.excluded.values()) + 87958 <= 30 * 3000
    assert len(set(rows.subject.tolist())) == 30 and len(set(rows.word.tolist())) == 100
    # Trains of one category: why trials must not be parted at random.
    category = found.category(rows.word)
    same = (category[1:] == category[:-1]) & (rows.run[1:] == rows.run[:-1])
    assert 0.8 < same.mean() < 0.86
