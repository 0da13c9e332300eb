import os
import subprocess
import sys

import numpy as np
import pytest

from grounding.alignment import nearest
from grounding.errors import DataError, InputError
from grounding.text.doc2vec import LONGEST, Doc2Vec, Doc2VecSettings

TOPICS = 4
SETTINGS = {mean: Doc2VecSettings(width=16, sample=0.0, epochs=15, mean_of_context=mean) for mean in (False, True)}


def document(topic: int, seed: int, words: int = 50) -> list[str]:
    generator = np.random.default_rng((topic, seed))
    return [f"topic{topic}word{word}" for word in generator.integers(25, size=words)]


TRAINING = [document(number % TOPICS, number) for number in range(60)]
NEW = [document(number % TOPICS, 100 + number) for number in range(20)]


@pytest.fixture(scope="module", params=[False, True], ids=["bag", "mean"])
def model(request):
    return Doc2Vec.train(TRAINING, SETTINGS[request.param], seed=3)


def test_documents_of_a_topic_are_near_each_other_and_new_ones_join_them(model):
    assert model.vectors.shape == (60, 16) and model.width == 16
    others = nearest(model.vectors, model.vectors, k=2).indices[:, 1]
    assert (others % TOPICS == np.arange(60) % TOPICS).mean() > 0.95
    found = nearest(model.infer(NEW), model.vectors).indices[:, 0]
    assert (found % TOPICS == np.arange(20) % TOPICS).mean() > 0.95


def test_a_saved_model_is_the_same(model, tmp_path):
    model.save(tmp_path / "model")
    assert {file.suffix for file in (tmp_path / "model").iterdir()} == {".toml", ".tsv", ".safetensors"}
    loaded = Doc2Vec.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.vectors, model.vectors)
    np.testing.assert_array_equal(loaded.infer(NEW), model.infer(NEW))
    assert (loaded.settings, loaded.seed) == (model.settings, 3)


def test_new_vectors_depend_on_the_document_alone(model):
    together = model.infer(NEW)
    np.testing.assert_array_equal(model.infer(NEW[7:8])[0], together[7])
    np.testing.assert_array_equal(model.infer([["unknown", *NEW[7]]])[0], together[7])
    np.testing.assert_array_equal(model.infer(NEW), together)


def test_seeds_decide():
    one, same, other = (Doc2Vec.train(TRAINING, SETTINGS[False], seed=seed).vectors for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_another_process_gives_the_same_vectors(tmp_path):
    """gensim alone seeds new vectors with Python's hash of strings, which another process salts anew."""
    model = Doc2Vec.train(TRAINING, SETTINGS[False], seed=3)
    model.save(tmp_path)
    program = f"from grounding.text.doc2vec import Doc2Vec; print(Doc2Vec.load({str(tmp_path)!r}).infer([{NEW[0]}]))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == f"{model.infer(NEW[:1])}\n"


def test_the_end_of_a_long_document_is_read_too():
    """gensim alone would stop after 10,000 words, all of topic 0 here."""
    long = document(0, 0, LONGEST) + document(1, 0, 3 * LONGEST)
    settings = Doc2VecSettings(width=16, sample=0.0, epochs=2)
    model = Doc2Vec.train([*TRAINING, *TRAINING, long], settings, seed=0)
    vectors = [model.vectors[-1:], model.infer([long])]
    topics = np.stack([model.vectors[topic:120:TOPICS].mean(0) for topic in range(TOPICS)])
    for vector in vectors:
        assert nearest(vector, topics).indices[0, 0] == 1


def test_bad_input_is_named(model, tmp_path):
    with pytest.raises(InputError, match="document 1: 'whale' found, expected a list of words"):
        Doc2Vec.train([["a"], "whale"])
    with pytest.raises(InputError, match="document 1: none of its 1 words occurs 2 times"):
        Doc2Vec.train([["a", "a"], ["b"]])
    with pytest.raises(InputError, match="empty list"):
        model.infer([])
    with pytest.raises(InputError, match="document 0: none of its 1 words is in the vocabulary"):
        model.infer([["xyzzy"]])
    with pytest.raises(InputError, match="epochs: 0 found"):
        Doc2VecSettings(epochs=0)
    with pytest.raises(DataError, match=r"doc2vec\.toml: no such file"):
        Doc2Vec.load(tmp_path)
    model.save(tmp_path)
    (tmp_path / "vectors.safetensors").write_bytes(b"noise")
    with pytest.raises(DataError, match=r"vectors\.safetensors: not readable"):
        Doc2Vec.load(tmp_path)
    model.save(tmp_path)
    words = (tmp_path / "words.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "words.tsv").write_text("".join(words[:-1]))
    with pytest.raises(DataError, match=r"words \(100, 16\).* expected \(99, 16\) twice"):
        Doc2Vec.load(tmp_path)


def test_a_missing_gensim_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(InputError, match=r"pip install 'grounding\[gensim\]'"):
        Doc2Vec.train([["a", "a"]])
