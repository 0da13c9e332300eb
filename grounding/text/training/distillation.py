"""Teaching an encoder to give the vectors of another one, in more languages (Reimers and Gurevych, 2020)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from grounding.errors import DataError, InputError
from grounding.files import atomic
from grounding.text.evaluation import sentence_retrieval
from grounding.text.training.encoder import TrainableEncoder
from grounding.text.training.folders import as_trainable
from grounding.text.training.run import Batches, Trained, TrainingSettings, digest_of, train

CHUNK = 2048


class Teacher(Protocol):
    """What gives the vectors to be learned: a `SentenceEncoder`, or anything with these three."""

    width: int

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """Vectors of sentences, float32 (B, width), unit length."""

    def fingerprint(self) -> str:
        """Digest of everything that determines the vectors."""


def distil(
    teacher: Teacher,
    student: TrainableEncoder | Path | str,
    parallel: Mapping[str, Sequence[str]],
    *,
    run: Path | str,
    settings: TrainingSettings = TrainingSettings(),
    validation: Mapping[str, Sequence[str]] | None = None,
) -> Trained:
    """Train a student whose vectors of a sentence and of its translations are the teacher's vector of the sentence.

    The loss is the mean squared difference between the student's vector of a sentence, in whichever language, and the
    teacher's vector of the same sentence in the first language (Reimers and Gurevych, 2020), both of unit length. The
    teacher reads each sentence once; its vectors are kept in the run's folder and mapped into memory. An epoch shows
    every sentence of every language once. A run that was killed goes on as in `grounding.text.training.run.train`.

    Args:
        teacher: such as a `SentenceEncoder`.
        student: an encoder in memory, trained in place, or the folder of one; as wide as the teacher.
        parallel: by language, the sentences; the first language is the one that the teacher reads, and sentence i is
            the same in all. {"en": [...]} alone teaches a smaller encoder the same language.
        run: the folder of the run; the student is in `run/encoder`.
        settings: of the training.
        validation: more of the same languages; the weights with which most translations are nearest (mean
            P@1 between the first language and each other one, both directions) are kept.

    Example:
        >>> student = SubwordAverage.of([*en, *de], width=teacher.width)
        >>> distil(teacher, student, {"en": en, "de": de}, run="runs/two-languages")

    Raises:
        InputError: a student of another width than the teacher, or one that cannot be trained.
        DataError: languages of different numbers of sentences, blank sentences, or what `train` raises.
        WeightsError: the folder has no encoder that can be trained.
        StorageError: the folder cannot be written.
    """
    _check_parallel("parallel", parallel)
    held = as_trainable(student)
    if held.width != teacher.width:
        raise InputError(
            f"student: vectors of {held.width} numbers found, expected {teacher.width}, as of the teacher; make one "
            f"with width={teacher.width}"
        )
    if validation is not None:
        _check_parallel("validation", validation)
        if len(validation) < 2:
            raise DataError(f"validation: {list(validation)} found, expected at least two languages to search across")
    source, *_ = parallel.values()
    targets = teacher_vectors(teacher, source, Path(run))
    tokens = [each for sentences in parallel.values() for each in held.tokens(sentences)]

    def loss_of(positions: np.ndarray) -> Tensor:
        wanted = torch.from_numpy(targets[positions % len(source)]).to(held.device)
        return functional.mse_loss(held.embed([tokens[place] for place in positions]), wanted)

    identity = {
        "task": "distil",
        "teacher": teacher.fingerprint()[:16],
        "parallel": digest_of([[name, list(those)] for name, those in parallel.items()])[:16],
        "validation": digest_of([[name, list(those)] for name, those in (validation or {}).items()])[:16],
    }
    return train(
        held,
        Batches([len(each) for each in tokens], settings),
        loss_of,
        run=run,
        settings=settings,
        identity=identity,
        score=None if validation is None else lambda: _mean_precision(held, validation),
    )


def _mean_precision(student: TrainableEncoder, parallel: Mapping[str, Sequence[str]]) -> float:
    """Mean P@1 of searching translations, between the first language and each other one, in both directions."""
    first, *others = (student.encode(sentences) for sentences in parallel.values())
    found = [sentence_retrieval(first, other, resamples=1) for other in others]
    return float(np.mean([(each.forward.value, each.backward.value) for each in found]))


def teacher_vectors(teacher: Teacher, sentences: Sequence[str], folder: Path) -> np.ndarray:
    """The teacher's vectors of sentences, float32 (N, width), mapped from a file of the folder; computed if missing.

    Raises:
        DataError: the file is damaged.
        StorageError: the folder cannot be written.
    """
    from rich.progress import track

    file = folder / f"teacher-{digest_of([teacher.fingerprint(), list(sentences)])[:16]}.npy"
    shape = len(sentences), teacher.width
    if not file.is_file():
        with atomic(file) as temporary:
            held = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
            for start in track(range(0, len(sentences), CHUNK), description="teacher"):
                held[start : start + CHUNK] = teacher.encode(list(sentences[start : start + CHUNK]))
            held.flush()
    try:
        vectors = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: damaged ({error}); delete it, it is made anew") from error
    if vectors.shape != shape:
        raise DataError(f"{file}: shape {vectors.shape} found, expected {shape}; delete it, it is made anew")
    return vectors


def _check_parallel(name: str, parallel: Mapping[str, Sequence[str]]) -> None:
    counts = {language: len(sentences) for language, sentences in parallel.items()}
    if not counts or len(set(counts.values())) > 1 or not all(counts.values()):
        raise DataError(f"{name}: sentences by language {counts} found, expected the same number of each, at least one")
    for language, sentences in parallel.items():
        for position, sentence in enumerate(sentences):
            if not isinstance(sentence, str) or not sentence.strip():
                raise DataError(f"{name}: {language} {position}: {sentence!r} found, expected a sentence")
