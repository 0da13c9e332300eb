import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grounding.brain.features import StateCache, states, surprisal
from grounding.brain.recording import Recording, Run, Transcript
from grounding.errors import DataError, InputError, StorageError
from grounding.text import Context, ContextualModel, Vocabulary
from grounding.text.contextual.character_lm import CharacterLM, CharacterLMSettings
from tests.brain.features.made import recording, transcript
from tests.text.contextual import tiny


class Counting(ContextualModel):
    """Remembers what it was asked to compute; the model itself is real."""

    def __init__(self, kind: str) -> None:
        super().__init__(tiny.model(kind), tiny.tokenizer_for(kind))
        self.asked: list[tuple[int, ...]] = []

    def states(self, words: Any, **options: Any) -> np.ndarray:
        self.asked.append(tuple(options["layers"]))
        return super().states(words, **options)


@pytest.fixture
def model() -> Counting:
    return Counting("GPT2")


def character_lm() -> CharacterLM:
    words = Vocabulary.of(tiny.STORY)
    return CharacterLM(
        words, CharacterLMSettings(words=12, projection=8, hidden=8, filters=((2, 8),), cutoffs=())
    ).eval()


def test_states_are_those_of_the_model_by_layer(model):
    made = recording(transcript(), transcript(9, seed=1))
    found = states(made, model, (2, 0, -2), context=Context(words=5), name="tiny GPT-2")
    assert list(found) == [2, 0, -2]
    assert [each.name for each in found.values()] == [f"tiny GPT-2 layer {layer}" for layer in (2, 0, 1)]
    for run in made.runs:
        expected = ContextualModel.states(model, list(run.transcript.words), context=Context(words=5))
        for layer in found:
            np.testing.assert_array_equal(found[layer].runs[run.name], expected[layer])


def test_subjects_who_heard_the_same_are_computed_once(model):
    made = recording(*[transcript(seed=seed) for seed in range(4)])
    states(made, model, (1, 2))
    assert model.asked == [(1, 2)]


def test_a_run_sees_nothing_of_another(model):
    first, second, third = transcript(), transcript(9, seed=1), transcript(4, seed=2)
    alone = states(recording(first, second), model, (2,))[2].runs["run-1"]
    swapped = states(recording(third, first), model, (2,))[2].runs["run-2"]
    np.testing.assert_array_equal(alone, swapped)


def test_a_sentence_can_be_all_that_is_seen(model):
    said = transcript(16)
    found = states(recording(said), model, (2,), by_sentence=True)[2].runs["run-1"]
    for first in (0, 7, 14):
        expected = ContextualModel.states(model, list(said.words[first : first + 7]), layers=(2,))[0]
        np.testing.assert_allclose(found[first : first + 7], expected, atol=1e-5)
    with pytest.raises(InputError, match="by_sentence: a transcript without sentences"):
        states(recording(transcript(sentences=False)), model, (2,), by_sentence=True)


def test_a_model_that_looks_both_ways_must_be_told_what_it_may_see():
    model = Counting("Bert")
    with pytest.raises(InputError, match=r"context: none found.*Context\(words=64\) for the past alone"):
        states(recording(transcript()), model, (1,))
    first = states(recording(transcript(10)), model, (2,), context=Context(words=8))[2].runs["run-1"]
    longer = states(recording(transcript(19)), model, (2,), context=Context(words=8))[2].runs["run-1"]
    np.testing.assert_allclose(longer[:10], first, atol=1e-5)


def test_layers_that_there_are_not_are_refused(model):
    for wrong in ((), (3,), (-4,)):
        with pytest.raises(InputError, match=r"expected some of 0 \(embeddings\) to 2"):
            states(recording(transcript()), model, wrong)


def test_a_second_call_runs_the_model_for_nothing_but_new_layers(model, tmp_path):
    made = recording(transcript(), transcript(9, seed=1))
    plain = states(made, model, (0, 2), context=Context(words=4))
    model.asked.clear()
    for layers, asked in (((0, 2), [(0, 2), (0, 2)]), ((2, 0), []), ((0, 1, 2), [(1,), (1,)])):
        found = states(made, model, layers, context=Context(words=4), cache=tmp_path)
        assert model.asked == asked
        model.asked.clear()
    for layer, each in plain.items():
        for run, values in each.runs.items():
            np.testing.assert_array_equal(found[layer].runs[run], values)


def test_the_cache_tells_models_contexts_and_words_apart(model, tmp_path):
    made = recording(transcript(8))
    states(made, model, (1,), cache=tmp_path)
    model.asked.clear()
    states(made, model, (1,), context=Context(words=3), cache=tmp_path)
    states(made, model, (1,), subword="last", cache=tmp_path)
    states(recording(transcript(7)), model, (1,), cache=tmp_path)
    states(made, model, (1,), by_sentence=True, cache=tmp_path)
    assert len(model.asked) == 4
    untrained = states(made, model.untrained(0), (1,), cache=tmp_path)[1].runs["run-1"]
    assert not np.array_equal(untrained, states(made, model, (1,), cache=tmp_path)[1].runs["run-1"])
    assert len(model.asked) == 4 and len(list(tmp_path.iterdir())) == 6
    about = [json.loads((folder / "about.json").read_text()) for folder in tmp_path.iterdir()]
    assert sum(one["model"] == model.fingerprint() for one in about) == 5
    assert sorted(one["subword"] for one in about).count("last") == 1


@pytest.mark.parametrize("damage", ["short", "changed", "empty", "foreign"])
def test_a_torn_file_is_found_out(model, tmp_path, damage):
    made = recording(transcript(8))
    expected = states(made, model, (1,), cache=tmp_path)[1].runs["run-1"]
    (file,) = tmp_path.glob("*/layer-001-*.npy")
    content = file.read_bytes()
    if damage == "foreign":
        np.save(file, np.zeros((3, 3)))
    else:
        file.write_bytes({"short": content[:-40], "changed": content[:-1] + b"!", "empty": b""}[damage])
    with pytest.raises(DataError, match=r"layer-001-\w+\.npy: .*delete it, it is made anew"):
        states(made, model, (1,), cache=tmp_path)
    file.unlink()
    np.testing.assert_array_equal(states(made, model, (1,), cache=tmp_path)[1].runs["run-1"], expected)


def test_a_cache_that_cannot_be_written_is_named(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        states(recording(transcript(8)), model, (1,), cache=tmp_path / "file")


def test_nothing_half_written_stays(tmp_path):
    cache = StateCache(tmp_path, "model", [["a", "b"]], None, "mean")
    assert cache.read(0) is None
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    cache.write(0, values)
    cache.write(0, values)
    np.testing.assert_array_equal(cache.read(0), values)
    assert sorted(file.name.split("-")[0] for file in cache.folder.iterdir()) == ["about.json", "layer"]


def test_surprisal_is_that_of_the_model(model):
    said = transcript()
    found = surprisal(recording(said), model, context=Context(words=6))
    expected = model.surprisal(list(said.words), context=Context(words=6)).surprisal
    np.testing.assert_allclose(found.runs["run-1"][:, 0], expected, rtol=1e-6)
    assert found.name == "surprisal" and (expected > 0).all()


def test_where_a_model_cannot_say_the_mean_of_the_run_stands_in():
    bare = ContextualModel(tiny.model("GPT2"), tiny.byte_level(bare=True))
    said = transcript(8)
    raw = bare.surprisal(list(said.words)).surprisal
    assert np.isnan(raw[0]) and not np.isnan(raw[1:]).any()
    found = surprisal(recording(said), bare).runs["run-1"][:, 0]
    np.testing.assert_allclose(found, np.r_[raw[1:].mean(), raw[1:]], rtol=1e-6)
    alone = Transcript(("cat",), np.zeros(1), np.ones(1))
    run = Run("run-1", np.zeros((3, 1), np.float32), 1.0, alone)
    with pytest.raises(InputError, match="predicts none of 1 words"):
        surprisal(Recording((run,), ("a",), "eeg"), bare)


def test_a_character_model_has_states_and_surprisal_too(tmp_path: Path):
    lm, made = character_lm(), recording(transcript(8))
    words = list(made.runs[0].transcript.words)
    found = states(made, lm, (0, 2), cache=tmp_path)
    np.testing.assert_array_equal(found[2].runs["run-1"], lm.states(words)[2])
    np.testing.assert_allclose(surprisal(made, lm).runs["run-1"][:, 0], lm.surprisal(words).surprisal, rtol=1e-6)
    with pytest.raises(InputError, match="context: found with a CharacterLM"):
        surprisal(made, lm, context=Context(words=4))
    with pytest.raises(InputError, match="subword: found with a CharacterLM"):
        states(made, lm, (0,), subword="last")
