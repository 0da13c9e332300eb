import numpy as np
import pytest

from grounding.brain.readers.tables import existing_file, numbers, read_columns, read_matrix
from grounding.errors import DataError


def written(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty, expected an atlas"),
        (b"version https://git-lfs.example/spec/v1\noid sha256:00\n", "Git LFS pointer"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        existing_file(written(tmp_path / "x.nii", content), "an atlas")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="nothing.tsv: no file found, expected an atlas"):
        existing_file(tmp_path / "nothing.tsv", "an atlas")
    with pytest.raises(DataError, match="a folder found"):
        existing_file(tmp_path, "an atlas")


def test_columns_of_a_bids_table(tmp_path):
    """With a byte order mark, Windows line ends and a quotation mark as a value."""
    table = written(tmp_path / "events.tsv", '\ufeffonset\tword\r\n0.5\t"\r\n1\tn/a\r\n')
    assert read_columns(table) == {"onset": ["0.5", "1"], "word": ['"', "n/a"]}


def test_columns_of_a_quoted_csv(tmp_path):
    table = written(tmp_path / "words.csv", 'onset,word\n1,"well, yes"\n')
    assert read_columns(table)["word"] == ["well, yes"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("onset\tword\n", "a header and no row"),
        ("onset\tword\n1\n", "row 2: 1 cells found, expected 2"),
        ("onset\tonset\n1\t2\n", "two columns are named 'onset'"),
        ("\n \n", "only blank lines"),
        (b"onset\n\xff\xfe\n", "not UTF-8"),
    ],
)
def test_columns_refuse(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_columns(written(tmp_path / "t.tsv", content))


def test_a_column_of_numbers():
    assert numbers("t", "onset", ["1", "2e-1"]).tolist() == [1.0, 0.2]
    assert np.isnan(numbers("t", "onset", ["n/a"], missing=True)[0])
    for cell in ("n/a", "late", "inf", "nan"):
        with pytest.raises(DataError, match=f"t, row 3, column 'onset': '{cell}' found"):
            numbers("t", "onset", ["1", cell])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "V1\tV2\n1\t2\nn/a\t4\n"),
        ("a.csv", '"V1","V2"\n1,2\n,4\n'),
        ("a.txt", "V1 V2\n  1.0e0   2\nNaN 4\n"),
    ],
)
def test_a_matrix_with_header(tmp_path, name, content):
    values, names = read_matrix(written(tmp_path / name, content))
    assert names == ("V1", "V2")
    np.testing.assert_equal(values, [[1, 2], [np.nan, 4]])


def test_a_matrix_without_header(tmp_path):
    values, names = read_matrix(written(tmp_path / "rp.txt", "  1.0e+00  -2\n 3 4\n"))
    assert names is None
    np.testing.assert_equal(values, [[1, -2], [3, 4]])


@pytest.mark.parametrize(
    ("content", "message"),
    [("1 2\n3\n", "row 2: 1 cells found, expected 2"), ("1 2\n3 x\n", "row 2: 'x' found"), ("a b\n", "no row below")],
)
def test_a_matrix_refuses(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_matrix(written(tmp_path / "t.txt", content))
