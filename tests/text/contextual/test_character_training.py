import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.contextual import character_training
from grounding.text.contextual.character_lm import CharacterLM, CharacterLMSettings
from grounding.text.contextual.character_training import Batches, train
from grounding.text.corpus import Corpus

SMALL = CharacterLMSettings(
    projection=16,
    hidden=16,
    character_width=6,
    filters=((1, 8), (2, 12)),
    highways=1,
    cutoffs=(),
    segment=12,
    batch=25,
    epochs=3,
    learning_rate=0.03,
    warmup=5,
    dropout=0.0,
    save_every=20,
)
WORDS = ["owl", "cow", "wren", "newt", "toad", "crow"]


def grammar() -> np.ndarray:
    """Probabilities (6, 6) of a word given the one before it; none is the same as its mirror image."""
    return np.random.default_rng(0).dirichlet(np.full(6, 0.2), size=6)


def spoken(count: int, seed: int) -> Iterator[list[str]]:
    random = np.random.default_rng(seed)
    for length in random.integers(8, 13, size=count):
        chain = [random.integers(6)]
        while len(chain) < length:
            chain.append(random.choice(6, p=grammar()[chain[-1]]))
        yield [WORDS[word] for word in chain]


def bits(document: list[str]) -> list[float]:
    """What the words of a document cost if one knows the grammar."""
    ids = [WORDS.index(word) for word in document]
    pairs = zip(ids[:-1], ids[1:], strict=True)
    return [np.log2(6), *(-np.log2(grammar()[one, other]) for one, other in pairs)]


def backward_bits(document: list[str]) -> list[float]:
    """The same for reading backward: of each word given those behind it, by Bayes and by the place in the text."""
    ids = [WORDS.index(word) for word in document]
    marginals = [np.full(6, 1 / 6)]
    while len(marginals) < len(ids):
        marginals.append(marginals[-1] @ grammar())
    last = -np.log2(marginals[-1][ids[-1]])
    costs = [
        -np.log2(
            marginals[place][ids[place]] * grammar()[ids[place], ids[place + 1]] / marginals[place + 1][ids[place + 1]]
        )
        for place in range(len(ids) - 1)
    ]
    return [*costs, last]


def test_it_learns_a_grammar_to_its_entropy_in_both_directions(tmp_path: Path) -> None:
    model = train(Corpus.of(spoken(900, seed=1)), SMALL, run=tmp_path)
    heldout = list(spoken(300, seed=2))
    forward, backward = model.perplexity(heldout)
    best = 2 ** np.mean(np.concatenate([bits(document) for document in heldout]))
    best_backward = 2 ** np.mean(np.concatenate([backward_bits(document) for document in heldout]))
    assert best <= forward < 1.04 * best
    assert best_backward <= backward < 1.06 * best_backward
    share = np.array(model.words.counts) / model.words.counts.sum()
    assert best < 0.7 * np.prod(share**-share)  # what words would cost without those before them
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [20, 40, 60, 80, 100, 108]
    assert lines[-1]["perplexity/forward"] == pytest.approx(best, rel=0.05)
    assert lines[0]["perplexity/forward"] > lines[-1]["perplexity/forward"]
    assert CharacterLM.load(tmp_path).fingerprint() == model.fingerprint()


def settings(**changes: object) -> CharacterLMSettings:
    from dataclasses import replace

    return replace(SMALL, **({"epochs": 2, "dropout": 0.2, "save_every": 3} | changes))  # type: ignore[arg-type]


class KilledError(Exception):
    pass


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus.of(spoken(100, seed=1))
    whole = train(corpus, settings(), run=tmp_path / "whole", seed=5)
    run = tmp_path / "killed"
    save, saved = character_training._Checkpoint.save, []

    def save_once(checkpoint, step: int) -> None:
        if saved:
            raise KilledError
        saved.append(step)
        save(checkpoint, step)

    with monkeypatch.context() as patched:
        patched.setattr(character_training._Checkpoint, "save", save_once)
        with pytest.raises(KilledError):
            train(corpus, settings(), run=run, seed=5)
    # The second line was written before the kill, and is written anew.
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    assert train(corpus, settings(), run=run, seed=5).fingerprint() == whole.fingerprint()

    def lines(folder: Path) -> list[dict[str, float]]:
        return [
            {key: value for key, value in json.loads(line).items() if key != "words per second"}
            for line in (folder / "metrics.jsonl").read_text().splitlines()
        ]

    assert lines(run) == lines(tmp_path / "whole")
    # A finished run is read back, without a step.
    monkeypatch.setattr(character_training, "_loop", None)
    assert train(corpus, settings(), run=run, seed=5).fingerprint() == whole.fingerprint()
    with pytest.raises(DataError, match='a run on other data or settings found, .*"seed": 5.*expected .*"seed": 6'):
        train(corpus, settings(), run=run, seed=6)
    (run / "trainer.safetensors").write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match="trainer.safetensors: damaged"):
        train(corpus, settings(), run=run, seed=5)


def test_an_epoch_visits_every_word_once_in_segments_of_similar_length() -> None:
    documents = [[f"{number}-{place}" for place in range(number)] for number in range(1, 40)]
    corpus = Corpus.of([*documents, []])
    batches = Batches(corpus, settings(batch=5, segment=12), seed=0)
    epochs = [[batches[step] for step in range(batches.steps * epoch, batches.steps * (epoch + 1))] for epoch in (0, 1)]
    for epoch in epochs:
        words = [word for batch in epoch for segment in batch for word in segment]
        assert sorted(words) == sorted(word for document in documents for word in document)
        for batch in epoch:
            lengths = [len(segment) for segment in batch]
            assert max(lengths) <= 12
            assert max(lengths) - min(lengths) <= 4
        # A segment is a piece of one document, in its order.
        assert all(
            segment == documents[int(segment[0].split("-")[0]) - 1][int(segment[0].split("-")[1]) :][: len(segment)]
            for batch in epoch
            for segment in batch
        )
    assert epochs[0] != epochs[1]
    assert batches[batches.steps] == epochs[1][0]
    assert Batches(corpus, settings(batch=5, segment=12), seed=0)[3] == epochs[0][3]
    assert Batches(corpus, settings(batch=5, segment=12), seed=1)[3] != epochs[0][3]


def test_bad_input(tmp_path: Path) -> None:
    corpus = Corpus.of(spoken(40, seed=1))
    with pytest.raises(DataError, match="expected finite numbers; start a new run with a learning rate below 1e.30"):
        train(corpus, settings(learning_rate=1e30), run=tmp_path / "far")
    with pytest.raises(InputError, match="tab or line break"):
        train(Corpus.of([["one", "two\tthree"]]), settings(), run=tmp_path / "tab")
