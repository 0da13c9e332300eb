import gzip

import pytest

from grounding.errors import DataError, InputError
from grounding.text.reading import find_files, read_documents


def test_lines_files_globs_folders_and_gzip(tmp_path):
    # A folder is no text, whatever its name.
    (tmp_path / "deep" / "d.txt").mkdir(parents=True)
    (tmp_path / "a.txt").write_text("one\n\n  \ntwo\x0cstill two\n", encoding="utf-8")
    with gzip.open(tmp_path / "deep" / "b.txt.gz", "wt", encoding="utf-8") as stream:
        stream.write("\ufeffthree\r\nfour")
    (tmp_path / "c.md").write_text("not in a folder's files")
    expected = ["one", "two\x0cstill two", "three", "four"]
    assert list(read_documents(tmp_path)) == expected
    assert list(read_documents([tmp_path / "a.txt", tmp_path / "deep" / "b.txt.gz"])) == expected
    assert list(read_documents(f"{tmp_path}/**/*.txt*")) == expected
    assert list(read_documents(tmp_path / "a.txt", unit="file")) == ["one\n\n  \ntwo\x0cstill two\n"]
    assert find_files([tmp_path, tmp_path / "a.txt", tmp_path / "c.md"]) == [
        tmp_path / "a.txt", tmp_path / "deep" / "b.txt.gz", tmp_path / "c.md",
    ]  # fmt: skip
    assert len(find_files([tmp_path / "a.txt", tmp_path / "deep" / ".." / "a.txt"])) == 1


def test_a_long_file_is_read_in_blocks_without_loss(tmp_path):
    lines = [f"zeile {i} ümläut" for i in range(120_000)]
    (tmp_path / "long.txt").write_text("\n".join(lines), encoding="utf-8")
    read: list[int] = []
    assert list(read_documents(tmp_path / "long.txt", progress=read.append)) == lines
    assert len(read) > 1 and sum(read) == (tmp_path / "long.txt").stat().st_size


def test_unusable_files_are_named_with_the_line(tmp_path):
    (tmp_path / "latin.txt").write_bytes("gut\ngut\nschön\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt, line 3: byte 0xf6 found.*UTF-8"):
        list(read_documents(tmp_path / "latin.txt"))
    (tmp_path / "mark.txt").write_bytes(b"\xef\xbb\xbfgut\n\xff\n")
    with pytest.raises(DataError, match="line 2: byte 0xff"):
        list(read_documents(tmp_path / "mark.txt"))
    many = b"x\n" * 700_000
    (tmp_path / "late.txt").write_bytes(many + b"\xff\n")
    with pytest.raises(DataError, match="line 700001: byte 0xff"):
        list(read_documents(tmp_path / "late.txt"))
    (tmp_path / "empty.txt").write_text("\n \n")
    with pytest.raises(DataError, match=r"empty\.txt: no text found"):
        list(read_documents(tmp_path / "empty.txt"))
    whole = gzip.compress(b"some words\n" * 1000)
    (tmp_path / "cut.txt.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.txt\.gz, after line \d+: damaged gzip data"):
        list(read_documents(tmp_path / "cut.txt.gz"))
    (tmp_path / "plain.txt.gz").write_text("not compressed")
    with pytest.raises(DataError, match=r"plain\.txt\.gz.*damaged gzip data"):
        list(read_documents(tmp_path / "plain.txt.gz"))
    for source in (tmp_path / "nowhere.txt", f"{tmp_path}/*.nothing"):
        with pytest.raises(DataError, match="no text file found"):
            list(read_documents(source))
    with pytest.raises(InputError, match="sources: none found"):
        list(read_documents([]))
    with pytest.raises(InputError, match="unit: 'page' found"):
        list(read_documents(tmp_path / "latin.txt", unit="page"))
