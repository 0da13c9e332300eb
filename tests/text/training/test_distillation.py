import json

import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.evaluation import sentence_retrieval
from grounding.text.training import LstmEncoder, SubwordAverage, TrainingSettings, distil, load_encoder
from grounding.text.training.distillation import teacher_vectors

SETTINGS = TrainingSettings(epochs=12, batch=32, learning_rate=5e-2)


class Reading(LstmEncoder):
    """Tells how many sentences it read."""

    read = 0

    def encode(self, sentences):
        self.read += len(sentences)
        return super().encode(sentences)


@pytest.fixture
def teacher(sentences) -> Reading:
    return Reading.of(sentences, width=16, word_width=12)


@pytest.fixture
def parallel(sentences) -> dict[str, list[str]]:
    """The same sentences in a language that spells backwards and has its words in another order."""
    different = list(dict.fromkeys(sentences))[:150]
    return {"en": different, "ne": [sentence[::-1] for sentence in different]}


def student_of(parallel, width=16) -> SubwordAverage:
    return SubwordAverage.of([text for texts in parallel.values() for text in texts], width=width, vocabulary=450)


def test_translations_come_to_lie_together(teacher, parallel, tmp_path) -> None:
    train, test = ({name: texts[part] for name, texts in parallel.items()} for part in (slice(100), slice(100, 150)))
    student = student_of(train)

    def found(encoder) -> float:
        each = sentence_retrieval(encoder.encode(test["en"]), encoder.encode(test["ne"]), resamples=1)
        return (each.forward.value + each.backward.value) / 2

    before = found(student)
    done = distil(teacher, student, train, run=tmp_path, settings=SETTINGS, validation=test)
    trained = load_encoder(done.folder)
    assert before < 0.1 and done.best_score == pytest.approx(found(trained)) and done.best_score > 0.5
    cosines = (trained.encode(test["ne"]) * teacher.encode(test["en"])).sum(1)
    assert cosines.mean() > 0.8


def test_the_loss_is_the_mean_square_to_the_teachers_vectors_read_once(teacher, parallel, tmp_path) -> None:
    student = student_of(parallel)
    target = teacher.encode(parallel["en"])
    teacher.read = 0
    apart = np.concatenate([student.encode(parallel[name]) - target for name in ("en", "ne")])
    settings = TrainingSettings(batch=2 * len(target), log_every=1)
    distil(teacher, student, parallel, run=tmp_path, settings=settings)
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["loss"] == pytest.approx((apart**2).mean(), rel=1e-5)
    distil(teacher, student_of(parallel), parallel, run=tmp_path, settings=settings)
    assert teacher.read == len(target)
    held = teacher_vectors(teacher, parallel["en"], tmp_path)
    assert isinstance(held, np.memmap) and teacher.read == len(target)
    np.testing.assert_allclose(held, target, atol=1e-6)


def test_bad_input_is_named(teacher, parallel, tmp_path) -> None:
    student = student_of(parallel)
    for wrong, message in (
        ({}, "by language {} found"),
        ({"en": ["a", "b"], "ne": ["a"]}, "'en': 2, 'ne': 1"),
        ({"en": ["a", "b"], "ne": ["a", " "]}, "ne 1: ' ' found"),
    ):
        with pytest.raises(DataError, match=f"parallel: .*{message}"):
            distil(teacher, student, wrong, run=tmp_path)
        with pytest.raises(DataError, match=f"validation: .*{message}"):
            distil(teacher, student, parallel, run=tmp_path, validation=wrong)
    with pytest.raises(DataError, match="at least two languages"):
        distil(teacher, student, parallel, run=tmp_path, validation={"en": ["a"]})
    with pytest.raises(InputError, match="vectors of 8 numbers found, expected 16"):
        distil(teacher, student_of(parallel, 8), parallel, run=tmp_path)
    assert not list(tmp_path.iterdir())
    teacher_vectors(teacher, parallel["en"], tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="damaged"):
        distil(teacher, student, parallel, run=tmp_path)
