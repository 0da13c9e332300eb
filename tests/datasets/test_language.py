import gzip

import numpy as np
import pytest

from grounding.datasets.language import (
    read_analogies,
    read_dictionary,
    read_parallel,
    read_sentence_similarity,
    read_word_similarity,
)
from grounding.errors import DataError


def written(tmp_path, content, name="file.txt"):
    file = tmp_path / name
    data = content if isinstance(content, bytes) else content.encode()
    file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return file


@pytest.mark.parametrize(
    "content",
    [
        "tiger\tcat\t7.35\r\nbook\tpaper\t7\r\n",
        "tiger cat 7.35\n\n# a comment\nbook  paper 7.0",
        "Word 1,Word 2,Human (mean)\ntiger,cat,7.35\nbook,paper,7\n",
        "word1;word2;score\ntiger;cat;7.35\nbook;paper;7\n",
    ],
)
@pytest.mark.parametrize("name", ["pairs.txt", "pairs.txt.gz"])
def test_word_similarity(tmp_path, content, name):
    pairs = read_word_similarity(written(tmp_path, content, name))
    assert (pairs.first, pairs.second, len(pairs)) == (("tiger", "book"), ("cat", "paper"), 2)
    np.testing.assert_array_equal(pairs.scores, [7.35, 7.0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", '"A man, dancing.",No.,5.0\r\n"He said ""yes"".",Kühe.,0\r\n'),
        ("a.csv", 'sentence1,sentence2,score\n"A man, dancing.",No.,5.0\n"He said ""yes"".",Kühe.,0\n'),
        ("a.tsv", 'A man, dancing.\tNo.\t5.0\nHe said "yes".\tKühe.\t0\n'),
        (
            "a.tsv",
            "main\tMSRvid\t2012\t0001\t5.0\tA man, dancing.\tNo.\n"
            'main\tMSRvid\t2012\t0002\t0\tHe said "yes".\tKühe.\tsource of one\tand of the other\n',
        ),
        (
            "a.tsv",
            "split\tgenre\tdataset\tyear\tsid\tscore\tsentence1\tsentence2\n"
            'dev\tmain\tMSRvid\t2012\t1\t5.0\tA man, dancing.\tNo.\ndev\tmain\tM\t2012\t2\t0\tHe said "yes".\tKühe.\n',
        ),
    ],
)
def test_sentence_similarity(tmp_path, name, content):
    pairs = read_sentence_similarity(written(tmp_path, content, name))
    assert pairs.first == ("A man, dancing.", 'He said "yes".')
    assert pairs.second == ("No.", "Kühe.")
    assert pairs.scores.tolist() == [5.0, 0.0]


def test_a_quotation_mark_of_a_tab_separated_file_swallows_nothing(tmp_path):
    content = '"A" man.\tNo.\t5.0\n"Half quoted.\tTwo.\t1\nThree.\tFour.\t2\n'
    assert len(read_sentence_similarity(written(tmp_path, content, "a.tsv"))) == 3


def test_analogies_of_sections_and_of_files(tmp_path):
    whole = ": capital-common\nAthens Greece Oslo Norway\n\n: family\nboy girl brother sister\nhe she dad mom\n"
    sections = read_analogies(written(tmp_path, whole, "questions-words.txt"))
    assert list(sections) == ["capital-common", "family"] and sections["family"][1] == ("he", "she", "dad", "mom")
    folder = tmp_path / "sections"
    folder.mkdir()
    written(folder, "boy girl brother sister\n", "family.txt")
    written(folder, "bad worse big bigger\n", "comparative.txt")
    assert read_analogies(folder) == {
        "comparative": [("bad", "worse", "big", "bigger")],
        "family": [("boy", "girl", "brother", "sister")],
    }
    assert read_analogies([folder / "family.txt"]) == {"family": [("boy", "girl", "brother", "sister")]}


def test_dictionaries_between_tabs_and_spaces(tmp_path):
    tabs = written(tmp_path, "ABC book\tabécédaire\nskate\tpatin\nskate\tpatiner\n", "a.tsv")
    assert read_dictionary(tabs) == [("ABC book", "abécédaire"), ("skate", "patin"), ("skate", "patiner")]
    assert read_dictionary(written(tmp_path, "the die\nof von\n")) == [("the", "die"), ("of", "von")]


def test_parallel_text(tmp_path):
    english = written(tmp_path, "One.\n\nA\u2028line.\n", "a.en.gz")
    german = written(tmp_path, "\ufeffEins.\nZwei.\nEine Zeile.", "a.de")
    assert read_parallel(english, german) == (("One.", "A\u2028line."), ("Eins.", "Eine Zeile."))


@pytest.mark.parametrize(
    ("read", "content", "words"),
    [
        (read_word_similarity, "a b 1\na b\n", "line 2: 'a b' found, expected word1 word2 score"),
        (read_word_similarity, "a b 1\n\na b x\n", "line 3: 'a b x' found"),
        (read_word_similarity, "a b nan\n", "no pairs found"),
        (read_word_similarity, "a b 1\na b inf\n", "line 2"),
        (read_word_similarity, "word1 word2 score\n", "no pairs found"),
        (read_word_similarity, "", "no pairs found"),
        (read_word_similarity, b"a b 1\nc\xe9 d 2\n", "line 2: byte 0xe9 found, which is not UTF-8"),
        (read_word_similarity, b"\xef\xbb\xbfa b 1\n\xe9 d 2\n", "line 2: byte 0xe9 found"),
        (read_word_similarity, None, "cannot be read"),
        (read_sentence_similarity, "A.,B.,1\nA.,B.\n", r"line 2: \['A.', 'B.'\] found"),
        (read_sentence_similarity, "A.,B.,1\nA, b.,B.,2\n", "line 2"),
        (read_sentence_similarity, "A.,B.,1\n,B.,2\n", "line 2"),
        (read_sentence_similarity, 'A.,B.,1\n"A.,B.,2\n', "line 2: not readable as CSV"),
        (read_sentence_similarity, "A.\tB.\t1\nA.\tB.\thigh\n", "line 2"),
        (read_sentence_similarity, "sentence1,sentence2,score\n", "no pairs found"),
        (read_analogies, "a b c d\na b c\n", "line 2: 'a b c' found, expected four words"),
        (read_analogies, ": family\n", "no analogies found"),
        (read_dictionary, "a\tb\na\tb\tc\n", "line 2"),
        (read_dictionary, "a\tb\nc\t\n", "line 2"),
        (read_dictionary, "a b c\n", "line 1"),
        (read_dictionary, "\n", "no translations found"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(tmp_path, read, content, words):
    file = tmp_path / "file.txt"
    if content is not None:
        written(tmp_path, content)
    with pytest.raises(DataError, match=rf"file\.txt.*{words}"):
        read(file)


def test_unequal_numbers_of_lines_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.en and .*a\.de: 3 and 2 lines found"):
        read_parallel(written(tmp_path, "1\n2\n3\n", "a.en"), written(tmp_path, "1\n2\n", "a.de"))
    with pytest.raises(DataError, match="no pair of lines with words"):
        read_parallel(written(tmp_path, "\n2\n", "a.en"), written(tmp_path, "1\n\n", "a.de"))


def test_damaged_gzip_and_an_empty_folder_are_refused(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a b 1\n" * 99)[:30])
    with pytest.raises(DataError, match=r"a\.txt\.gz: damaged gzip"):
        read_word_similarity(tmp_path / "a.txt.gz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: no \*\.txt found"):
        read_analogies(tmp_path / "empty")


@pytest.mark.realdata
def test_the_real_files_are_whole(data_folder):
    folder = data_folder / "text"
    sizes = {"WS-353-ALL": 353, "WS-353-SIM": 203, "WS-353-REL": 252, "MEN-TR-3k": 3000, "RG-65": 65, "MC-30": 30,
             "MTurk-287": 287, "MTurk-771": 771}  # fmt: skip
    for name, size in sizes.items():
        assert len(read_word_similarity(folder / f"word_similarity/EN-{name}.txt")) == size
    for name, size in {"en-train": 5749, "en-dev": 1500, "de-dev": 1500, "es-dev": 1500}.items():
        pairs = read_sentence_similarity(folder / f"stsb/stsb-{name}.csv")
        assert len(pairs) == size and (pairs.scores.min(), pairs.scores.max()) == (0, 5)
    questions = read_analogies(folder / "google_analogies")
    assert {name: len(section) for name, section in questions.items()} == {
        "capital-common-countries": 506, "currency": 866, "family": 506, "gram3-comparative": 1332,
        "gram7-past-tense": 1560, "gram8-plural": 1332,
    }  # fmt: skip
    assert [len(read_dictionary(folder / f"freedict/{pair}.tsv")) for pair in ("eng-fra", "spa-eng")] == [15697, 8927]
    for part, size in {"train": 29000, "val": 1014}.items():
        for language in ("de", "fr"):
            sides = read_parallel(*(folder / f"multi30k/{part}.{each}.gz" for each in ("en", language)))
            assert [len(side) for side in sides] == [size, size]
