import json
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.corpus import Corpus
from grounding.text.static.training import chunks_of, thread_count, train_passes


@dataclass(frozen=True)
class Settings:
    epochs: int = 3
    rate: float = 0.1
    final_rate: float = 0.01
    threads: int | None = 1


@pytest.fixture
def corpus(generator):
    return Corpus.of([[str(word) for word in generator.integers(50, size=40)] for _ in range(100)])


class Learner:
    """Sums what it is shown, in an order that matters; may be interrupted at a call."""

    def __init__(self, interrupted_at=None):
        self.value = np.zeros(4)
        self.calls = []
        self.interrupted_at = interrupted_at
        self.lock = threading.Lock()

    def __call__(self, tokens, starts, rate, seed):
        with self.lock:
            if len(self.calls) == self.interrupted_at:
                raise KeyboardInterrupt
            self.calls.append((tokens, starts, rate, int(seed)))
            draw = np.random.default_rng(int(seed)).random(4)
            self.value[:] = 0.9 * self.value + rate * draw * tokens.mean()
            return float(tokens.mean())

    def train(self, corpus, settings=Settings(), **more):
        train_passes(corpus, {"value": self.value}, self, settings, seed=5, **more)
        return self


def test_chunks_end_with_documents_unless_these_are_longer():
    starts = np.array([0, 3, 3, 8, 9, 30, 32])
    assert chunks_of(starts, 10).tolist() == [0, 9, 19, 29, 32]


def test_every_pass_shows_every_word_once_at_a_falling_rate(corpus):
    learner = Learner().train(corpus)
    shown = np.concatenate([tokens for tokens, *_ in learner.calls])
    np.testing.assert_array_equal(shown, np.tile(corpus.tokens, 3))
    lengths = np.concatenate([np.diff(starts) for _, starts, *_ in learner.calls])
    assert (lengths == 40).all()
    rates = [rate for _, _, rate, _ in learner.calls]
    seen = np.cumsum([0] + [len(tokens) for tokens, *_ in learner.calls])[:-1]
    np.testing.assert_allclose(rates, 0.1 - 0.09 * seen / (3 * len(corpus.tokens)))
    assert len({seed for *_, seed in learner.calls}) == len(learner.calls)


def test_threads_share_the_work(corpus):
    learner = Learner().train(corpus, Settings(threads=2))
    shown = np.sort(np.concatenate([tokens for tokens, *_ in learner.calls]))
    np.testing.assert_array_equal(shown, np.sort(np.tile(corpus.tokens, 3)))
    assert thread_count(3) == 3
    assert thread_count(None) >= 1


@pytest.mark.parametrize("interrupted_at", [0, 7, 25, 40])
def test_a_resumed_run_ends_as_an_uninterrupted_one(corpus, tmp_path, interrupted_at):
    whole = Learner().train(corpus)
    assert len(whole.calls) > 41
    with pytest.raises(KeyboardInterrupt):
        Learner(interrupted_at).train(corpus, run=tmp_path)
    resumed = Learner().train(corpus, run=tmp_path)
    np.testing.assert_array_equal(resumed.value, whole.value)
    chunks = len(whole.calls) // 3
    assert len(resumed.calls) == len(whole.calls) - interrupted_at // chunks * chunks
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert all(line["words per second"] > 0 for line in lines)
    assert lines[0]["loss"] == pytest.approx(corpus.tokens.mean())


def test_a_finished_run_is_read_back(corpus, tmp_path):
    finished = Learner().train(corpus, run=tmp_path)
    again = Learner().train(corpus, Settings(threads=2), run=tmp_path)
    assert not again.calls
    np.testing.assert_array_equal(again.value, finished.value)


def test_lines_after_the_last_state_are_dropped(corpus, tmp_path):
    Learner().train(corpus, Settings(epochs=1), run=tmp_path)
    line = (tmp_path / "metrics.jsonl").read_text()
    (tmp_path / "metrics.jsonl").write_text(line + '{"chunks": 9999}\n{"chu')
    Learner().train(corpus, Settings(epochs=1), run=tmp_path)
    assert (tmp_path / "metrics.jsonl").read_text() == line


def test_another_run_in_the_folder_is_refused(corpus, tmp_path):
    Learner().train(corpus, run=tmp_path)
    with pytest.raises(DataError, match="another corpus, settings or seed found; choose another run folder"):
        Learner().train(corpus, Settings(epochs=4), run=tmp_path)
    with pytest.raises(DataError, match="state.safetensors"):
        Learner().train(Corpus.of([["a"]]), run=tmp_path)


def test_a_damaged_state_is_refused(corpus, tmp_path):
    Learner().train(corpus, run=tmp_path)
    content = (tmp_path / "state.safetensors").read_bytes()
    (tmp_path / "state.safetensors").write_bytes(content[:-8])
    with pytest.raises(DataError, match="state.safetensors: not readable .*; delete it"):
        Learner().train(corpus, run=tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(epochs=0), "epochs: 0 found"),
        (Settings(rate=0), "rate: 0 found"),
        (Settings(rate=float("nan")), "rate: nan found"),
        (Settings(final_rate=0.2), "final_rate: 0.2 found, expected 0 to the rate of 0.1"),
        (Settings(threads=0), "threads: 0 found"),
    ],
)
def test_unusable_settings_are_refused(corpus, settings, message):
    with pytest.raises(InputError, match=message):
        Learner().train(corpus, settings)
