"""Training a sentence encoder on pairs, scored pairs or triplets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from grounding.errors import DataError
from grounding.text.evaluation import sentence_similarity
from grounding.text.training.encoder import TrainableEncoder
from grounding.text.training.folders import as_trainable
from grounding.text.training.losses import Loss
from grounding.text.training.run import Batches, Trained, TrainingSettings, digest_of, train

Example = Sequence[str | float]


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples with each sentence kept once.

    Attributes:
        sentences: all different ones.
        texts: int64 (N, columns), which sentence stands where.
        scores: float32 (N,), or None.
    """

    sentences: list[str]
    texts: np.ndarray
    scores: np.ndarray | None

    def digest(self) -> str:
        """Digest of sentences, order and scores."""
        return digest_of([self.sentences, self.texts.tolist(), None if self.scores is None else self.scores.tolist()])


def fine_tune(
    encoder: TrainableEncoder | Path | str,
    examples: Sequence[Example],
    loss: Loss,
    *,
    run: Path | str,
    settings: TrainingSettings = TrainingSettings(),
    validation: Sequence[tuple[str, str, float]] | None = None,
) -> Trained:
    """Train a sentence encoder; the result is in `run/encoder`, for `SentenceEncoder` or `load_encoder`.

    See `grounding.text.training.run.train` for what is kept on disk, and how a run that was killed goes on: call it
    again with the same arguments (and an encoder made in the same way).

    Args:
        encoder: one in memory, trained in place; or the folder or name of one, as `load_encoder` reads it.
        examples: (a, b); (a, b, score) with scores in units of the cosine; or (anchor, positive, negative, ...). All of
            one form, which the loss must take.
        loss: such as `CosineSimilarity()`, `InBatchNegatives()`, `Triplet()` or `Matryoshka(...)` of one.
        run: the folder of the run.
        settings: of the training.
        validation: scored pairs; the weights whose cosines have the highest rank correlation (Spearman) with the scores
            are kept.

    Example:
        >>> done = fine_tune("all-MiniLM-L6-v2", pairs, InBatchNegatives(), run="runs/mine")
        >>> SentenceEncoder(str(done.folder)).encode(["open the top drawer"])

    Raises:
        DataError: examples that cannot be trained on, or what `train` raises.
        InputError: examples that are not of the form that the loss needs, or no encoder that can be trained.
        WeightsError: the folder has no encoder that can be trained.
        StorageError: the folder cannot be written.
    """
    data = read_examples("examples", examples)
    held = as_trainable(encoder)
    tokens = held.tokens(data.sentences)
    lengths = np.array([len(each) for each in tokens])[data.texts].max(axis=1)

    def loss_of(positions: np.ndarray) -> Tensor:
        texts = data.texts[positions]
        # All columns in one call; a sentence that stands twice is read twice, with other dropout (SimCSE).
        vectors = held.embed([tokens[place] for place in texts.T.flatten()]).split(len(positions))
        scores = None if data.scores is None else torch.from_numpy(data.scores[positions]).to(held.device)
        return loss(vectors, torch.from_numpy(texts).to(held.device), scores)

    identity = {"task": "fine_tune", "loss": repr(loss), "examples": data.digest()[:16]}
    score = None
    if validation is not None:
        pairs = read_examples("validation", validation)
        identity["validation"] = pairs.digest()[:16]
        score = _spearman_on(held, pairs)
    return train(held, Batches(lengths, settings), loss_of, run=run, settings=settings, identity=identity, score=score)


def read_examples(name: str, examples: Sequence[Example]) -> Examples:
    """Check examples and number their sentences.

    Args:
        name: what to call them in errors.
        examples: see `fine_tune`.

    Raises:
        DataError: none, other forms than allowed, forms that differ, blank sentences, or scores that are not finite or
            beyond -1 to 1.
    """
    if not len(examples):
        raise DataError(f"{name}: none found, expected at least one")
    scored = len(examples[0]) == 3 and not isinstance(examples[0][2], str)
    columns = 2 if scored else len(examples[0])
    number: dict[str, int] = {}
    texts = np.empty((len(examples), columns), dtype=np.int64)
    for position, example in enumerate(examples):
        if isinstance(example, str):
            raise DataError(f"{name} {position}: one string found, {example[:40]!r}, expected several, such as (a, b)")
        if len(example) != columns + scored or columns < 2:
            raise DataError(
                f"{name} {position}: {len(example)} parts found, expected "
                f"{columns + scored if position else 'at least two sentences'}, as in the first"
            )
        for column, sentence in enumerate(example[:columns]):
            if not isinstance(sentence, str) or not sentence.strip():
                raise DataError(f"{name} {position}: {sentence!r} found, expected a sentence")
            texts[position, column] = number.setdefault(sentence, len(number))
        if scored and (isinstance(example[2], str) or example[2] is None):
            raise DataError(f"{name} {position}: {example[2]!r} found, expected a score, as in the first")
    scores = np.array([float(example[2]) for example in examples], dtype=np.float32) if scored else None
    if scores is not None and not (np.abs(scores) <= 1).all():
        wrong = int((~(np.abs(scores) <= 1)).argmax())
        raise DataError(
            f"{name} {wrong}: score {scores[wrong]} found, expected -1 to 1, as a cosine; divide by the highest score"
        )
    return Examples(list(number), texts, scores)


def _spearman_on(encoder: TrainableEncoder, pairs: Examples) -> Callable[[], float]:
    """A function that tells how well cosines of the encoder rank the pairs."""
    scores = pairs.scores
    if scores is None or len(scores) < 3 or np.ptp(scores) == 0:
        raise DataError("validation: expected at least three pairs with scores that differ, (a, b, score)")

    def score() -> float:
        vectors = encoder.encode(pairs.sentences)
        first, second = (vectors[column] for column in pairs.texts.T)
        return sentence_similarity(first, second, scores, resamples=1).spearman.value

    return score
