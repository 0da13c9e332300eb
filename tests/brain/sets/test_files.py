"""Files of a published set: what is wrong is named, with the layout expected and where the set comes from."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from grounding.brain.sets.files import Layout, as_numbers, read_numbers, read_numeric_table, read_table
from grounding.errors import DataError

LAYOUT = Layout("Some set", "a.csv and b/*.txt", "the archive of Somebody (2001)")


def test_a_missing_file_is_named_with_the_layout_and_the_source(tmp_path: Path):
    with pytest.raises(DataError, match=r"Some set: .*a\.csv not found; .*a\.csv and b/\*\.txt.*archive of Somebody"):
        LAYOUT.path(tmp_path, "a.csv")
    with pytest.raises(DataError, match=r"no b/\*\.txt in .*archive of Somebody"):
        LAYOUT.matching(tmp_path, "b/*.txt")


def test_an_empty_file_and_a_pointer_are_not_the_file(tmp_path: Path):
    (tmp_path / "a.csv").touch()
    with pytest.raises(DataError, match="is empty"):
        LAYOUT.path(tmp_path, "a.csv")
    (tmp_path / "a.csv").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(DataError, match="Git LFS pointer.*git lfs pull"):
        LAYOUT.path(tmp_path, "a.csv")


def test_numbers_of_another_shape_or_kind_are_refused(tmp_path: Path):
    file = tmp_path / "n.txt"
    file.write_text("1 2\n3 4\n")
    assert read_numbers(file, 2, rows=2).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(DataError, match=r"n\.txt: \(2, 2\) numbers found, expected \(3, 2\)"):
        read_numbers(file, 2, rows=3)
    file.write_text("1 x\n")
    with pytest.raises(DataError, match=r"n\.txt: not readable as numbers"):
        read_numbers(file, 2)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("gap", ["", "NA", "NaN"])
def test_a_numeric_table_is_read_the_fast_and_the_slow_way_alike(tmp_path: Path, zipped: bool, gap: str):
    text = f'"a",b,c\n1,{gap},3\n4,5.5,-6e1\n'
    file = tmp_path / ("t.csv.gz" if zipped else "t.csv")
    file.write_bytes(gzip.compress(text.encode()) if zipped else text.encode())
    table = read_numeric_table(file, ("a", "c"))
    np.testing.assert_array_equal(np.column_stack(list(table.values())), [[1, np.nan, 3], [4, 5.5, -60]])
    assert list(table) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column c; found a, b"),
        ("a,b,c\n", "a header and no rows"),
        ("a,b,c\n1,2,3\n1,2\n", "line 3: 2 values found, expected 3"),
        ("a,b,c\n1,2,3\n1,x,3\n", "line 3: b is 'x', expected a number"),
    ],
)
def test_a_table_that_is_not_as_expected_is_refused_by_line(tmp_path: Path, text: str, message: str):
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=message):
        read_numeric_table(file, ("a", "c"))


def test_a_broken_archive_is_refused(tmp_path: Path):
    file = tmp_path / "t.csv.gz"
    file.write_bytes(gzip.compress(b"a,b\n1,2\n" * 99)[:-12])
    with pytest.raises(DataError, match="not readable as a table"):
        read_table(file, ("a",))


def test_a_column_of_words_is_no_column_of_numbers(tmp_path: Path):
    with pytest.raises(DataError, match="line 2: a is 'tea'"):
        as_numbers(tmp_path, {"a": ["tea"]}, "a")
