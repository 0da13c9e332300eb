"""`grounding text`: the commands as a user types them."""

import io
import json
import re
import sys

import numpy as np
import pytest

from grounding.cli.main import main
from grounding.text.static.embedding import StaticEmbedding

GRAMMAR = [
    f"{size} {color} {thing} is {place} the table"
    for size in ("a small", "the big", "one large")
    for color in ("red", "blue", "green")
    for thing in ("block", "ball", "mug", "box")
    for place in ("on", "under")
] * 6


def grounding(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A folder with text, and vectors trained on it."""
    folder = tmp_path_factory.mktemp("text")
    (folder / "grammar.txt").write_text("\n".join(GRAMMAR), encoding="utf-8")
    settings = ("--dim", 16, "--epochs", 20, "--sample", 0, "--threads", 1)
    assert grounding("text", "train", "word2vec", "--text", folder / "*.txt", "--run", folder / "run", *settings) == 0
    return folder / "run"


def test_train_keeps_the_vectors_and_does_not_train_twice(run, capsys):
    before = StaticEmbedding.load(run).fingerprint()
    settings = ("--dim", 16, "--epochs", 20, "--sample", 0, "--threads", 1)
    command = ("text", "train", "word2vec", "--text", run.parent / "*.txt", "--run", run, *settings)
    assert grounding(*command) == 0
    assert StaticEmbedding.load(run).fingerprint() == before
    assert len((run / "metrics.jsonl").read_text().splitlines()) >= 20
    assert grounding(*command, "--seed", 1) == 2
    assert "metrics" not in capsys.readouterr().out


@pytest.mark.parametrize("model", ["ppmi", "glove", "fasttext", "one-hot"])
def test_every_kind_trains_and_is_read_back(run, tmp_path, model, capsys):
    small = {"ppmi": ("--dim", 8), "glove": ("--dim", 8, "--epochs", 2), "fasttext": ("--dim", 8, "--epochs", 1)}
    options = (*small.get(model, ()), "--min-count", 2, "--phrases", 1)
    assert grounding("text", "train", model, "--text", run.parent / "grammar.txt", "--run", tmp_path, *options) == 0
    assert grounding("text", "similar", "red", "--vectors", tmp_path, "--k", 2, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["red"]) == 2


def test_similar_and_analogy_as_table_and_json(run, capsys):
    assert grounding("text", "similar", "red", "mug", "--vectors", run, "--k", 3) == 0
    assert "red" in capsys.readouterr().out
    assert grounding("text", "similar", "red", "mug", "--vectors", run, "--k", 3, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["red", "mug"] and len(found["mug"]) == 3
    # Colours stand in the same places, and so do things.
    assert {found["red"][0]["word"], found["red"][1]["word"]} == {"blue", "green"}
    assert grounding("text", "analogy", "red", "blue", "block", "--vectors", run, "--k", 2, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["red : blue = block : ?"]) == 2


def test_words_in_brackets_are_no_markup(tmp_path, capsys):
    (tmp_path / "v.txt").write_text("[/b] 1 2\n[red] 2 1\nmug 1 1\n")
    assert grounding("text", "similar", "mug", "[/b]", "--vectors", tmp_path / "v.txt") == 0
    printed = capsys.readouterr().out
    assert printed.count("[/b]") == 2 and printed.count("[red]") == 2


def test_vectors_of_another_kind_are_not_written_over(run, capsys):
    before = StaticEmbedding.load(run).fingerprint()
    assert grounding("text", "train", "one-hot", "--text", run.parent / "*.txt", "--run", run) == 2
    assert "Word2Vec vectors found, expected none or OneHot" in capsys.readouterr().err
    assert StaticEmbedding.load(run).fingerprint() == before


def test_embed_reads_files_and_standard_input(run, tmp_path, capsys, monkeypatch):
    (tmp_path / "s.txt").write_text("a red block\n\nthe big mug\n")
    assert grounding("text", "embed", tmp_path / "s.txt", "--encoder", run, "--out", tmp_path / "v.npy") == 0
    vectors = np.load(tmp_path / "v.npy", allow_pickle=False)
    assert vectors.shape == (2, 16) and np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", io.StringIO("the big mug\n"))
    assert grounding("text", "embed", "--encoder", run) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["sentence"] == "the big mug" and line["vector"] == pytest.approx(vectors[1].tolist())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"the big m\xfcg\n"), encoding="utf-8"))
    assert grounding("text", "embed", "--encoder", run) == 2
    assert capsys.readouterr().err.startswith("error: standard input: not UTF-8")


def test_evaluate_gives_scores_with_intervals_and_coverage(run, tmp_path, capsys):
    (tmp_path / "words.txt").write_text("red blue 9\nred mug 1\nmug box 8\ngreen table 0\nred zebra 5\n")
    (tmp_path / "analogies.txt").write_text(": things\nred blue block ball\nred green zebra box\n")
    (tmp_path / "pairs.csv").write_text("a red block,a blue block,4\na red block,under the table,0\na mug,a box,3\n")
    (tmp_path / "same.txt").write_text("a red block\nunder the table\n")
    command = ("text", "evaluate", "--vectors", run, "--similarity", tmp_path / "words.txt", "--analogies",
               tmp_path / "analogies.txt", "--encoder", run, "--sentences", tmp_path / "pairs.csv", "--parallel",
               tmp_path / "same.txt", tmp_path / "same.txt")  # fmt: skip
    assert grounding(*command, "--json") == 0
    rows = {(row["test"], row["measure"]): row for row in json.loads(capsys.readouterr().out)}
    similarity = rows["words.txt", "Spearman"]
    assert similarity["value"] > 0.5 and similarity["low"] <= similarity["value"] <= similarity["high"]
    assert (similarity["covered"], similarity["total"]) == (4, 5)
    assert rows["all analogies", "3CosAdd"]["covered"] == 1 and rows["all analogies", "3CosAdd"]["total"] == 2
    assert rows["pairs.csv", "Spearman"]["covered"] == 3
    assert rows["same.txt → same.txt", "precision at 1 (chance 0.5000)"]["value"] == 1
    assert grounding(*command) == 0
    assert "4 of 5" in capsys.readouterr().out


def test_translations_are_looked_up_in_the_other_vectors(run, tmp_path, capsys):
    (tmp_path / "dictionary.tsv").write_text("red\tred\nblue\tblue\nzebra\tzèbre\n")
    command = ("text", "evaluate", "--vectors", run, "--dictionary", tmp_path / "dictionary.tsv")
    assert grounding(*command, "--target", run, "--json") == 0
    # Among so few words, all of them near each other, CSLS may prefer another colour to the word itself.
    at_five = json.loads(capsys.readouterr().out)[1]
    assert at_five["measure"] == "precision at 5, CSLS" and at_five["value"] == 1
    assert (at_five["covered"], at_five["total"]) == (2, 3)
    assert grounding(*command) == 2
    assert "expected --target" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("similar", "redd"), "'redd' is not among the .* words of .*; did you mean red"),
        (("similar",), "no word found, expected one or more"),
        (("analogy", "red", "blue", "zzz"), "'zzz' is not among"),
        (("evaluate",), "no test found"),
        (("evaluate", "--sentences", "x.csv"), "expected --encoder"),
        (("train", "ppmi"), "no text found; give files"),
        (("train", "ppmi", "--text", "nowhere/*.txt"), "nowhere/.*: no text file found"),
        (("train", "word2vec", "--text", "x", "--dim", "0"), "dim: 0 found"),
        (("train", "word2vec", "--text", "x", "--seed", "-1"), "seed: -1 found"),
        (("similar", "red", "--vectors", "nowhere"), "nowhere: no such folder or file"),
    ],
)
def test_bad_input_is_one_line(run, tmp_path, monkeypatch, capsys, words, message):
    # Where no earlier training lies in the folder that is taken when none is named.
    monkeypatch.chdir(tmp_path)
    command, *rest = words
    place = ("--vectors", run) if command in ("similar", "analogy") and "--vectors" not in rest else ()
    assert grounding("text", command, *rest, *place) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and captured.err.count("\n") == 1
    assert re.search(message, captured.err), captured.err
