"""Frank's readers: words kept and left out, controls in place, predictability matched by the sentence's words."""

from pathlib import Path

import numpy as np
import pytest

from grounding.brain.sets import frank
from grounding.errors import DataError

SENTENCES = {7: ["He", "drank", "cold", "tea."], 9: ["She", "can't", "see."]}
HEAD = "subj_nr\tsent_nr\tword_pos\titem\tbaseline\tN400\treject_data\tword\tlog_freq\tnr_char\treject_word"
MEASURES = tuple(frank.PREDICTABILITY.values())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [HEAD]
    for subject, order in ((1, (7, 9)), (2, (9, 7))):
        for sentence in order:
            for place, word in enumerate(SENTENCES[sentence], start=1):
                edge = place in (1, len(SENTENCES[sentence]))
                reject = subject == 2 and word == "can't"
                lines.append(
                    f"{subject}\t{sentence}\t{place}\t{sentence}{place:02d}\t0.5\t{subject}.{place}\t{str(reject).lower()}"
                    f"\t{word}\t{'' if word == 'She' else '-2.5'}\t{len(word)}\t{str(edge).lower()}"
                )
    (tmp_path / "data_EEG.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "devarda").mkdir()
    rows = [",".join(("sentence", "context_length", *MEASURES))]
    for text in ("He drank cold tea.", "She can't see."):
        for context, word in enumerate(text.split()[1:], start=1):
            rows.append(",".join([text, str(context), *(str(len(word) + 10 * k) for k in range(len(MEASURES)))]))
    (tmp_path / "devarda" / "all_measures.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_words_are_kept_in_the_order_of_reading_and_left_out_by_reason(folder: Path):
    found = frank.load(folder)
    rows = found.responses.rows
    assert rows.run.tolist() == ["s01", "s01", "s01", "s02", "s02"]
    assert rows.word.tolist() == ["drank", "cold", "can't", "drank", "cold"]
    assert rows.index.tolist() == [1, 2, 5, 4, 5]
    assert rows.story.tolist() == ["sentence 007"] * 2 + ["sentence 009"] + ["sentence 007"] * 2
    np.testing.assert_allclose(found.responses.data[:, 0], [1.2, 1.3, 1.2, 2.2, 2.3], rtol=1e-6)
    assert sum(found.excluded.values()) == 14 - 5
    assert found.excluded["word rejected by the authors (first, last, clitic)"] == 8
    assert found.excluded["trial rejected by the authors (artefact)"] == 1


def test_controls_and_predictability_belong_to_their_words(folder: Path):
    found = frank.load(folder)
    controls = found.controls.matrix(found.responses.rows)
    assert controls[2].tolist() == [2.5, 5.0, 2.0, 5.0, 0.5]  # "can't", second word, sixth of the experiment
    known = found.predictability.matrix(found.responses.rows)
    assert known[0].tolist() == [5 + 10 * k for k in range(len(MEASURES))]  # "drank"
    np.testing.assert_array_equal(known[0], known[3])


def test_what_has_no_surprisal_is_left_out_and_counted(folder: Path):
    path = folder / "devarda" / "all_measures.csv"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "can't" not in line) + "\n")
    found = frank.load(folder)
    assert found.excluded["no surprisal"] == 1 and len(found.responses.rows) == 4


def test_errors_name_the_file(folder: Path):
    path = folder / "devarda" / "all_measures.csv"
    path.write_text(path.read_text().replace("He drank", "It drank").replace("She can't", "It can't"))
    with pytest.raises(DataError, match="no sentence of data_EEG.csv found"):
        frank.load(folder)
    path.unlink()
    with pytest.raises(DataError, match=r"all_measures\.csv not found"):
        frank.load(folder)


def test_rows_of_a_subject_must_stand_together(folder: Path):
    path = folder / "data_EEG.csv"
    head, *lines = path.read_text().splitlines()
    path.write_text("\n".join([head, *lines[3:], *lines[:3]]) + "\n")
    with pytest.raises(DataError, match="subject s01 do not stand together"):
        frank.load(folder)


@pytest.mark.realdata
def test_the_set_itself(data_folder: Path):
    found = frank.load(data_folder / "neural" / "frank2015_ucl_eeg")
    rows = found.responses.rows
    assert len(set(rows.subject.tolist())) == 24 and len(set(rows.story.tolist())) == 204
    assert len(rows) == 31929 and len(rows) + sum(found.excluded.values()) == 24 * 1931
    assert np.isfinite(found.controls.matrix(rows)).all()
    known = found.predictability.matrix(rows)
    assert np.isfinite(known).all()
    # The surprisals were computed by others on other tables; that they agree shows that words were matched.
    correlation = np.corrcoef(known.T)
    assert (correlation[:5, :5] > 0.5).all()
    assert np.corrcoef(known[:, 1], found.controls.matrix(rows)[:, 0])[0, 1] < -0.4
