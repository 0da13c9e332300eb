import json
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import DataError, InputError, WeightsError
from grounding.settings import read_settings
from grounding.text import SentenceEncoder
from grounding.text.evaluation import sentence_similarity
from grounding.text.training import (
    CosineSimilarity,
    InBatchNegatives,
    LstmEncoder,
    Matryoshka,
    SubwordAverage,
    TrainingSettings,
    Triplet,
    fine_tune,
    load_encoder,
)
from grounding.text.training.fine_tuning import read_examples
from grounding.text.training.run import Batches, schedule, train

QUICK = TrainingSettings(epochs=10, batch=16, learning_rate=2e-2, log_every=5)


def agreement(encoder, pairs) -> float:
    first, second = (encoder.encode([pair[side] for pair in pairs]) for side in range(2))
    return sentence_similarity(first, second, np.array([pair[2] for pair in pairs]), resamples=1).spearman.value


def alike(pairs) -> list[tuple[str, str]]:
    return [(a, b) for a, b, score in pairs if score]


def as_triplets(pairs) -> list[tuple[str, str, str]]:
    return [(*pair, other[1]) for pair, other in zip(alike(pairs), pairs[::2], strict=True)]


@pytest.mark.parametrize("form", ["scored", "pairs", "triplets", "nested"])
def test_what_the_sentences_are_about_is_learned(form, subwords, pairs, tmp_path) -> None:
    loss, examples = {
        "scored": (CosineSimilarity(), pairs),
        "pairs": (InBatchNegatives(), alike(pairs)),
        "triplets": (Triplet(), as_triplets(pairs)),
        "nested": (Matryoshka(InBatchNegatives(), (16, 4)), alike(pairs)),
    }[form]
    before = agreement(subwords, pairs)
    done = fine_tune(subwords, examples, loss, run=tmp_path, settings=QUICK)
    after = agreement(load_encoder(done.folder), pairs)
    assert before < 0.6 and after > 0.75
    assert done.steps == 10 * -(-len(examples) // 16) and done.best_step is None
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == done.steps and lines[-1]["loss"] == done.loss < lines[0]["loss"]
    assert all(line["sentences per second"] > 0 for line in lines)
    assert read_settings(TrainingSettings, tmp_path / "config.toml") == QUICK


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_other_encoders_learn_it_too(kind, lstm, untrained, pairs, tmp_path) -> None:
    encoder = lstm if kind == "lstm" else untrained
    settings = TrainingSettings(epochs=6, batch=16, learning_rate=1e-2)
    done = fine_tune(encoder, pairs, CosineSimilarity(), run=tmp_path, settings=settings, validation=pairs)
    assert agreement(load_encoder(done.folder), pairs) == pytest.approx(done.best_score, abs=1e-6)
    assert done.best_score > 0.8
    if kind == "transformer":
        assert not (done.folder / "untrained.safetensors").exists()
        assert agreement(SentenceEncoder(str(done.folder)), pairs) == pytest.approx(done.best_score, abs=1e-3)


def interrupting(loss, after: int):
    calls = []

    class Interrupting(type(loss)):
        __repr__ = type(loss).__repr__

        def __call__(self, *batch):
            calls.append(None)
            if len(calls) > after:
                raise KeyboardInterrupt
            return super().__call__(*batch)

    Interrupting.__qualname__ = type(loss).__qualname__
    return Interrupting()


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_a_killed_run_goes_on_to_the_same_weights(kind, sentences, untrained, pairs, tmp_path) -> None:
    """With dropout, which must be drawn the same after the resumption, and with the best weights of before it."""
    settings = TrainingSettings(
        epochs=2, batch=16, learning_rate=1e-2, checkpoint_every=3, evaluate_every=2, log_every=1
    )

    def start(run: Path, loss):
        encoder = LstmEncoder.of(sentences, width=16, word_width=12, dropout=0.5) if kind == "lstm" else untrained
        return fine_tune(encoder, pairs, loss, run=tmp_path / run, settings=settings, validation=pairs[:40])

    drawn = torch.random.get_rng_state()
    whole = start(Path("whole"), CosineSimilarity())
    assert torch.equal(torch.random.get_rng_state(), drawn)
    with pytest.raises(KeyboardInterrupt):
        start(Path("killed"), interrupting(CosineSimilarity(), 11))
    with (tmp_path / "killed" / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 12, "lo')
    resumed = start(Path("killed"), CosineSimilarity())
    assert (whole.resumed_from, resumed.resumed_from) == (0, 9)
    assert resumed.best_step == whole.best_step and resumed.best_score == whole.best_score
    weights = [(done.folder / "model.safetensors").read_bytes() for done in (whole, resumed)]
    assert weights[0] == weights[1]
    told = []
    for run in ("whole", "killed"):
        lines = map(json.loads, (tmp_path / run / "metrics.jsonl").read_text().splitlines())
        told.append([{name: value for name, value in line.items() if "second" not in name} for line in lines])
    assert told[0] == told[1] and len(told[0]) == 16
    again = start(Path("killed"), CosineSimilarity())
    assert (again.resumed_from, again.best_score, again.loss) == (16, whole.best_score, whole.loss)


def test_another_run_and_a_damaged_checkpoint_are_refused(subwords, pairs, tmp_path) -> None:
    fine_tune(subwords, pairs, CosineSimilarity(), run=tmp_path, settings=QUICK)
    for change, loss, settings, named in (
        (pairs, CosineSimilarity(), TrainingSettings(epochs=5, batch=16, learning_rate=2e-2), "epochs 10 there, 5 now"),
        (pairs[1:], CosineSimilarity(), QUICK, "examples"),
        (alike(pairs), InBatchNegatives(), QUICK, "loss CosineSimilarity"),
    ):
        with pytest.raises(DataError, match=f"{named}.*use another run folder"):
            fine_tune(subwords, change, loss, run=tmp_path, settings=settings)
    (tmp_path / "trainer.pt").write_bytes((tmp_path / "trainer.pt").read_bytes()[:300])
    with pytest.raises(DataError, match=r"trainer\.pt: damaged"):
        fine_tune(subwords, pairs, CosineSimilarity(), run=tmp_path, settings=QUICK)


def test_the_best_weights_are_kept_not_the_last(subwords, pairs, tmp_path) -> None:
    scores, seen = iter([0.1, 0.7, 0.3, 0.7]), []

    def score() -> float:
        seen.append(subwords.fingerprint())
        return next(scores)

    settings = TrainingSettings(epochs=4, batch=64, evaluate_every=1)

    def loss_of(positions: np.ndarray) -> torch.Tensor:
        return subwords([pairs[place][0] for place in positions]).sum()

    batches = Batches([4] * 64, settings)
    done = train(subwords, batches, loss_of, run=tmp_path, settings=settings, identity={}, score=score)
    assert (done.best_step, done.best_score) == (2, 0.7)
    assert load_encoder(done.folder).fingerprint() == subwords.fingerprint() == seen[1] != seen[3]


def test_every_example_is_seen_once_an_epoch_among_others_of_its_length() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, size=1003)
    settings = TrainingSettings(epochs=3, batch=16)
    batches = Batches(lengths, settings)
    assert batches.a_pass == 63 and batches.steps == 189
    drawn = [[batches(step) for step in range(epoch * 63, epoch * 63 + 63)] for epoch in range(3)]
    for epoch in drawn:
        assert sorted(np.concatenate(epoch)) == list(range(1003))
    assert [list(batch) for batch in drawn[0]] != [list(batch) for batch in drawn[1]]
    padding = np.mean([1 - lengths[batch].mean() / lengths[batch].max() for batch in drawn[0]])
    assert padding < 0.05
    np.testing.assert_array_equal(Batches(lengths, settings)(130), drawn[2][4])
    assert list(Batches(lengths, TrainingSettings(epochs=3, batch=16, seed=1))(130)) != list(drawn[2][4])


def test_the_learning_rate_rises_and_falls_in_lines() -> None:
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    np.testing.assert_allclose(rates[:10], np.linspace(0.1, 1, 10))
    np.testing.assert_allclose(rates[10:], np.linspace(90 / 91, 1 / 91, 90))
    assert schedule(0, 1, 0.0) == schedule(0, 1, 1.0) == 1


def test_equal_sentences_are_numbered_alike() -> None:
    found = read_examples("examples", [("a", "b"), ("c", "a")])
    assert found.sentences == ["a", "b", "c"] and found.texts.tolist() == [[0, 1], [2, 0]] and found.scores is None
    found = read_examples("examples", [("a", "b", 0), ("b", "b", 0.5)])
    assert found.scores.tolist() == [0, 0.5]


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([], "examples: none found"),
        ([("a",)], "examples 0: 1 parts found"),
        ([("a", "b"), ("a", "b", 1.0)], "examples 1: 3 parts found, expected 2"),
        ([("a", "b"), ("a", " ")], "examples 1: ' ' found"),
        ([("a", 3.0)], "examples 0: 3.0 found, expected a sentence"),
        ([("a", "b", 0.1), ("a", "b", 4.5)], "score 4.5 found, expected -1 to 1"),
        ([("a", "b", float("nan"))], "score nan"),
        ([("a", "b", 0.1), ("a", "b", "c")], "examples 1: 'c' found, expected a score"),
        (["ab", "cd"], "examples 0: one string found, 'ab'"),
    ],
)
def test_unusable_examples_are_named(examples, message, subwords, tmp_path) -> None:
    with pytest.raises(DataError, match=message):
        fine_tune(subwords, examples, InBatchNegatives(), run=tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_bad_input_is_named(subwords, pairs, tmp_path) -> None:
    with pytest.raises(InputError, match=r"with a score found, expected \(a, b\)"):
        fine_tune(subwords, pairs, InBatchNegatives(), run=tmp_path)
    with pytest.raises(DataError, match="validation: expected"):
        fine_tune(subwords, pairs, CosineSimilarity(), run=tmp_path, validation=alike(pairs))
    with pytest.raises(WeightsError, match="nowhere"):
        fine_tune(str(tmp_path / "nowhere"), pairs, CosineSimilarity(), run=tmp_path)
    with pytest.raises(InputError, match="Linear found, whose weights are not trained"):
        fine_tune(torch.nn.Linear(2, 2), pairs, CosineSimilarity(), run=tmp_path)
    with torch.no_grad():
        subwords.vectors.weight.fill_(torch.nan)
    with pytest.raises(DataError, match="step 1: a loss of nan"):
        fine_tune(subwords, pairs, CosineSimilarity(), run=tmp_path)
    for wrong in ({"epochs": 0}, {"batch": 2.5}, {"learning_rate": -1}, {"warmup": 2}, {"seed": -1}, {"clip": 0}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))}: "):
            TrainingSettings(**wrong)


def test_long_gradients_are_shortened(subwords, tmp_path) -> None:
    """AdamW hardly feels the length of a gradient, unless one step's is far longer than the others'."""
    moved = []
    for clip in (1e-3, 1e9):
        encoder = SubwordAverage(subwords._tokenizer, 16)
        encoder.load_state_dict(subwords.state_dict())
        settings = TrainingSettings(epochs=2, batch=1, learning_rate=1e-2, warmup=0.0, clip=clip, weight_decay=0.0)
        factors = iter([1e-3, 1e3])

        def loss_of(positions: np.ndarray, encoder=encoder, factors=factors) -> torch.Tensor:
            return next(factors) * encoder.vectors.weight[0].sum()

        train(encoder, Batches([1], settings), loss_of, run=tmp_path / str(clip), settings=settings, identity={})
        moved.append(float((encoder.vectors.weight - subwords.vectors.weight).detach().abs().max()))
    # Equal gradients move by the whole rate twice; with one a million times longer, the second move is 1.9 times less.
    assert moved[0] > moved[1] * 1.01
