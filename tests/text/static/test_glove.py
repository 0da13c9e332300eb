import dataclasses
import json

import numpy as np
import pytest
from scipy.sparse import csr_array, triu

from grounding.errors import DataError, InputError
from grounding.text.corpus import Corpus
from grounding.text.static import glove
from grounding.text.static.cooccurrence import count_cooccurrences
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.glove import Cells, GloVe, GloVeSettings, Parameters, descend, fit

SMALL = GloVeSettings(dim=6, window=4, epochs=6, min_count=1, maximum=10.0, threads=1)


@pytest.fixture
def corpus(generator):
    return Corpus.of([[str(word) for word in generator.zipf(1.4, size=20) % 30] for _ in range(40)])


@pytest.fixture
def counts(corpus):
    return count_cooccurrences(corpus, len(corpus.vocabulary), 4)


def objective(vectors, biases, rows, columns, counts, settings):
    """The function that is minimised, of each ordered pair, as printed in the paper but for the factor ½."""
    products = (vectors[rows, 0] * vectors[columns, 1]).sum(axis=1) + biases[rows, 0] + biases[columns, 1]
    weights = np.minimum(1, (counts / settings.maximum) ** settings.power)
    return 0.5 * weights * (products - np.log(counts)) ** 2


def test_the_first_step_goes_down_the_gradient(generator):
    """From sums of squares of 1 it is rate × gradient, here by finite differences; the sums grow by its square."""
    parameters = Parameters.random(2, 4, generator)
    vectors, biases = (array.astype(np.float64) for array in parameters.arrays().values())
    cell = np.array([0]), np.array([1]), np.array([3.0])

    def slope(array, place):
        values = []
        for change in (1e-6, -1e-6):
            array[place] += change
            values.append(objective(vectors, biases, *cell, SMALL)[0])
            array[place] -= change
        return (values[0] - values[1]) / 2e-6

    weight = np.array([(3 / SMALL.maximum) ** SMALL.power], dtype=np.float32)
    rows, columns = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)
    descend(
        parameters.vectors, parameters.biases, rows, columns, np.log(np.float32([3.0])), weight, np.float32(SMALL.rate)
    )
    for word, kind in ((0, 0), (1, 1)):
        for d in range(4):
            step = SMALL.rate * slope(vectors, (word, kind, d))
            assert parameters.vectors[word, kind, d] == pytest.approx(vectors[word, kind, d] - step, abs=1e-6)
            assert parameters.vectors[word, kind + 2, d] == pytest.approx(1 + step**2, abs=1e-6)
        step = SMALL.rate * slope(biases, (word, kind))
        assert parameters.biases[word, kind] == pytest.approx(biases[word, kind] - step, abs=1e-6)
        assert parameters.biases[word, kind + 2] == pytest.approx(1 + step**2, abs=1e-6)


def test_an_epoch_is_that_of_a_plain_loop(counts, generator):
    """AdaGrad in double precision, one ordered pair after another."""
    parameters = Parameters.random(counts.shape[0], 6, generator)
    vectors, biases = (array.astype(np.float64) for array in parameters.arrays().values())
    cells = Cells.of(counts, SMALL, generator)
    mean = fit(parameters, cells, GloVeSettings(epochs=1, threads=1))
    losses = []
    for i, j, log, weight in zip(cells.rows, cells.columns, cells.logs, cells.weights, strict=True):
        for a, b in [(i, j), (j, i)] if i != j else [(i, j)]:
            error = vectors[a, 0] @ vectors[b, 1] + biases[a, 0] + biases[b, 1] - log
            losses.append(0.5 * weight * error**2)
            steps = 0.05 * weight * error * np.array([vectors[b, 1], vectors[a, 0]])
            for (word, kind), step in zip([(a, 0), (b, 1)], steps, strict=True):
                vectors[word, kind] -= step / np.sqrt(vectors[word, kind + 2])
                vectors[word, kind + 2] += step**2
                step = 0.05 * weight * error
                biases[word, kind] -= step / np.sqrt(biases[word, kind + 2])
                biases[word, kind + 2] += step**2
    np.testing.assert_allclose(parameters.vectors, vectors, atol=1e-5)
    np.testing.assert_allclose(parameters.biases, biases, atol=1e-4)
    assert mean == pytest.approx(np.mean(losses), rel=1e-4)


def test_every_cell_is_visited_with_its_weight(counts, generator):
    cells = Cells.of(counts, SMALL, generator)
    visited = csr_array((np.exp(cells.logs), (cells.rows, cells.columns)), shape=counts.shape)
    np.testing.assert_allclose(visited.toarray(), counts.toarray(), rtol=1e-5)
    np.testing.assert_allclose(cells.weights, np.minimum((np.exp(cells.logs) / 10) ** 0.75, 1), rtol=1e-5)
    assert sum(len(chunk[0]) for chunk in cells.chunks()) == counts.nnz
    assert all((np.diff(columns) >= 0).all() for _, columns, _, _ in cells.chunks())


@pytest.mark.parametrize("threads", [1, 2])
def test_planted_vectors_are_fitted(generator, threads):
    """Counts that are exponentials of products of few numbers are reproduced, by the model's own parts."""
    planted = generator.normal(0, 0.7, size=(50, 4))
    logs = planted @ planted.T + 1.0
    counts = triu(csr_array(np.exp(logs).astype(np.float32)), format="csr")
    settings = GloVeSettings(dim=8, maximum=1e-3, rate=0.1, threads=threads, epochs=300)
    parameters = Parameters.random(50, 8, generator)
    loss = fit(parameters, Cells.of(counts, settings, generator), settings)
    words, contexts = parameters.vectors[:, 0], parameters.vectors[:, 1]
    found = words @ contexts.T + parameters.biases[:, :1] + parameters.biases[:, 1]
    assert loss < 1e-3 * 0.5 * logs.var()
    np.testing.assert_allclose(found, logs, atol=0.25)


def test_the_parts_of_a_vector_are_kept(corpus, tmp_path):
    embedding = GloVe.train(corpus, SMALL, seed=2)
    counts = count_cooccurrences(corpus, len(corpus.vocabulary), 4).tocoo()
    contexts, biases = embedding.arrays["contexts"], embedding.arrays["biases"]
    parts = np.stack([embedding.matrix - contexts, contexts], axis=1)
    fitted = objective(parts, biases, counts.row, counts.col, counts.data, SMALL).mean()
    untrained = objective(0 * parts, 0 * biases, counts.row, counts.col, counts.data, SMALL).mean()
    assert fitted < 0.6 * untrained
    embedding.save(tmp_path / "glove")
    loaded = StaticEmbedding.load(tmp_path / "glove")
    assert isinstance(loaded, GloVe) and loaded.settings == SMALL
    assert loaded.fingerprint() == embedding.fingerprint() != GloVe.train(corpus, SMALL, seed=3).fingerprint()


def test_an_interrupted_training_goes_on(corpus, tmp_path, monkeypatch):
    whole = GloVe.train(corpus, SMALL, seed=1, run=tmp_path / "whole")
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        # Within the third epoch; there are 64 chunks in each, or a few less.
        if len(calls) == 2 * 64 + 20:
            raise KeyboardInterrupt
        return descend(*arguments)

    monkeypatch.setattr(glove, "descend", interrupted)
    with pytest.raises(KeyboardInterrupt):
        GloVe.train(corpus, SMALL, seed=1, run=tmp_path / "cut")
    monkeypatch.undo()
    resumed = GloVe.train(corpus, SMALL, seed=1, run=tmp_path / "cut")
    assert resumed.fingerprint() == whole.fingerprint()
    assert GloVe.train(corpus, SMALL, seed=1, run=tmp_path / "cut").fingerprint() == whole.fingerprint()
    lines = [[json.loads(line) for line in (tmp_path / run / "metrics.jsonl").open()] for run in ("whole", "cut")]
    assert [line["epoch"] for line in lines[1]] == [1, 2, 3, 4, 5, 6]
    assert [line["loss"] for line in lines[1]] == [line["loss"] for line in lines[0]]
    with pytest.raises(DataError, match="another corpus, settings or seed"):
        GloVe.train(corpus, SMALL, seed=2, run=tmp_path / "cut")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"dim": 0}, "dim: 0 found, expected 1 or more"),
        ({"epochs": 0}, "epochs: 0 found"),
        ({"rate": 0.0}, "rate: 0.0 found, expected a number above 0"),
        ({"maximum": float("inf")}, "maximum: inf found"),
        ({"threads": 0}, "threads: 0 found"),
    ],
)
def test_settings_are_checked(setting, message):
    with pytest.raises(InputError, match=message):
        GloVeSettings(**setting)


def test_a_rate_too_high_is_named(corpus, tmp_path):
    settings = dataclasses.replace(SMALL, rate=1e20)
    with pytest.raises(InputError, match=r"rate: 1e\+20 found, with which the fit diverges"):
        GloVe.train(corpus, settings, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_progress_is_shown(corpus, capsys):
    GloVe.train(corpus, SMALL, progress=True)
    assert "cells/s" in capsys.readouterr().out


def test_a_corpus_without_neighbours_is_refused():
    with pytest.raises(InputError, match="no two words of one document are near each other"):
        GloVe.train(Corpus.of([["a"], ["b"]]), SMALL)
