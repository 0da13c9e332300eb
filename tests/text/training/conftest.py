"""Small encoders of three kinds, and sentences of which the half that matters is planted."""

from pathlib import Path

import numpy as np
import pytest

from grounding.text.training import LstmEncoder, SubwordAverage, new_transformer

OBJECTS = ("drawer", "door", "kettle", "lamp", "cube", "lever", "button", "shelf")
FILLERS = ("slowly", "now", "please", "again", "carefully", "then", "today", "gladly")


def sentence(number: int, generator: np.random.Generator) -> str:
    """About one object, among words that say nothing."""
    words = [OBJECTS[number], *generator.choice(FILLERS, size=3)]
    return " ".join(generator.permutation(words))


@pytest.fixture(scope="session")
def pairs() -> list[tuple[str, str, float]]:
    """Scored 1 if both are about the same object, otherwise 0."""
    generator = np.random.default_rng(0)
    drawn = []
    for position in range(128):
        first = int(generator.integers(len(OBJECTS)))
        other = first if position % 2 else int((first + generator.integers(1, len(OBJECTS))) % len(OBJECTS))
        drawn.append((sentence(first, generator), sentence(other, generator), float(position % 2)))
    return drawn


@pytest.fixture(scope="session")
def sentences(pairs: list[tuple[str, str, float]]) -> list[str]:
    return [text for pair in pairs for text in pair[:2]]


@pytest.fixture(scope="session")
def untrained(sentences: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny random transformer."""
    folder = tmp_path_factory.mktemp("untrained")
    return new_transformer(sentences, folder, layers=1, width=32, vocabulary=320, seed=3)


@pytest.fixture
def subwords(sentences: list[str]) -> SubwordAverage:
    return SubwordAverage.of(sentences, width=16, vocabulary=320)


@pytest.fixture
def lstm(sentences: list[str]) -> LstmEncoder:
    return LstmEncoder.of(sentences, width=16, word_width=12)
