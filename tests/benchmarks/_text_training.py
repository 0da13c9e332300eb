"""How good sentence encoders are that are trained here; called by `tests.benchmarks.text`.

Run alone: GROUNDING_DATA=FOLDER OMP_NUM_THREADS=1 python -m tests.benchmarks._text_training

Sentence similarity: from random weights, first the captions of the 6,000 training photos of Flickr8k (two pairs a
photo that say the same, in-batch negatives), then the training part of STS-B (cosine to score); Spearman's correlation
on its development part, whose sentences are left out of the captions. STS-B takes part of its own sentences from photo
captions of the same kind. Beside it, the same encoder before any training.

Translation: all-MiniLM-L6-v2, which reads English, teaches a bag of subwords its vectors of the 29,000 training
captions of Multi30k in English, German and French; P@1 of finding the translation among the 1,014 validation captions,
beside the teacher itself, which finds a translation where words look alike. The same student and teacher on the
development parts of STS-B, of whose labels they have seen nothing; 53 of its English sentences are among the captions.

Nothing was chosen on what is reported: settings were chosen on the training parts, of which groups of pairs without a
sentence in common with the rest (STS-B) and the last 1,000 captions (Multi30k) were held out. Every run ends with its
last weights.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from grounding.datasets.captioned_images import read_captioned_images
from grounding.datasets.language import ScoredPairs, read_parallel, read_sentence_similarity
from grounding.text import SentenceEncoder
from grounding.text.evaluation import Estimate, sentence_retrieval, sentence_similarity
from grounding.text.tokens import tokenise
from grounding.text.training import (
    CosineSimilarity,
    InBatchNegatives,
    LstmEncoder,
    SubwordAverage,
    TrainableEncoder,
    TrainingSettings,
    distil,
    fine_tune,
    load_encoder,
    new_transformer,
)
from grounding.text.training.distillation import Teacher
from tests.benchmarks._rows import one_thread, row

SEED = 0
HIGHEST = 5.0
"""The highest score of STS-B."""
SUBWORDS = 12000
# By encoder, how it reads captions first and scored pairs then.
CAPTIONS = {
    "bag of subwords": TrainingSettings(epochs=2, batch=64, learning_rate=1e-2, seed=SEED),
    "LSTM": TrainingSettings(epochs=2, batch=64, learning_rate=4e-3, seed=SEED),
    "transformer, 2 layers": TrainingSettings(epochs=1, batch=64, learning_rate=5e-4, seed=SEED),
}
SCORED = {
    "bag of subwords": TrainingSettings(epochs=3, batch=32, learning_rate=2e-3, seed=SEED),
    "LSTM": TrainingSettings(epochs=4, batch=32, learning_rate=3e-3, seed=SEED),
    "transformer, 2 layers": TrainingSettings(epochs=2, batch=32, learning_rate=2e-4, seed=SEED),
}
LANGUAGES = ("en", "de", "fr")
TRANSLATED = TrainingSettings(epochs=2, batch=128, learning_rate=1e-2, seed=SEED)
TRANSLATED_SUBWORDS = 16000


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    folder = Path(os.environ["GROUNDING_DATA"])
    with one_thread(), tempfile.TemporaryDirectory() as runs:
        return [*_similarity_rows(folder, Path(runs)), *_translation_rows(folder, Path(runs))]


def captions_in_pairs(folder: Path, without: Sequence[str]) -> list[tuple[str, str]]:
    """Two pairs of captions of every training photo of Flickr8k, without sentences of the same words as given ones."""
    left_out = {tuple(tokenise(sentence)) for sentence in without}
    pairs = []
    for photo in read_captioned_images(folder / "image" / "flickr8k", "train"):
        kept = [caption for caption in photo.captions if tuple(tokenise(caption)) not in left_out]
        pairs += [(kept[place], kept[place + 1]) for place in range(0, len(kept) - 1, 2)]
    return pairs


def train_on_similarity(
    name: str, pairs: Sequence[tuple[str, str]], scored: ScoredPairs, run: Path
) -> tuple[TrainableEncoder, TrainableEncoder]:
    """An encoder of this name as it was made, and trained on captions, then on scored pairs."""
    sentences = [*(text for pair in pairs for text in pair), *scored.first, *scored.second]
    first, encoder = (_made(name, sentences, run / str(place)) for place in range(2))
    fine_tune(encoder, pairs, InBatchNegatives(), run=run / "captions", settings=CAPTIONS[name])
    examples = list(zip(scored.first, scored.second, (scored.scores / HIGHEST).tolist(), strict=True))
    fine_tune(encoder, examples, CosineSimilarity(), run=run / "scored", settings=SCORED[name])
    return first, encoder


def agreement(encoder: Teacher, pairs: ScoredPairs) -> Estimate:
    """Spearman's correlation of cosines and scores."""
    first, second = encoder.encode(pairs.first), encoder.encode(pairs.second)
    return sentence_similarity(first, second, pairs.scores, seed=SEED).spearman


def found_translations(encoder: Teacher, parallel: dict[str, Sequence[str]]) -> dict[str, Estimate]:
    """P@1 by direction, between English and each other language."""
    vectors = {language: encoder.encode(sentences) for language, sentences in parallel.items()}
    found = {}
    for other in LANGUAGES[1:]:
        both = sentence_retrieval(vectors["en"], vectors[other], seed=SEED)
        found |= {f"en to {other}": both.forward, f"{other} to en": both.backward}
    return found


def read_captions(folder: Path, split: str) -> dict[str, Sequence[str]]:
    """Multi30k by language."""
    texts = {}
    for other in LANGUAGES[1:]:
        files = (folder / "text" / "multi30k" / f"{split}.{language}.gz" for language in ("en", other))
        texts["en"], texts[other] = read_parallel(*files)
    return texts


def _similarity_rows(folder: Path, runs: Path) -> list[dict[str, object]]:
    scored, reported = (
        read_sentence_similarity(folder / "text" / "stsb" / f"stsb-en-{part}.csv") for part in ("train", "dev")
    )
    pairs = captions_in_pairs(folder, [*reported.first, *reported.second])
    found = []
    for name in CAPTIONS:
        (before, after), seconds = _timed(lambda name=name: train_on_similarity(name, pairs, scored, runs / name))
        found.append(
            _row(
                f"STS-B en dev, {name} trained here in {seconds:.0f} CPU-s",
                agreement(after, reported),
                agreement(before, reported),
                "before training",
                f"100 x Spearman of {len(reported.scores)} pairs",
            )
        )
    return found


def _translation_rows(folder: Path, runs: Path) -> list[dict[str, object]]:
    teacher = SentenceEncoder()
    train, reported = (read_captions(folder, split) for split in ("train", "val"))

    def taught() -> TrainableEncoder:
        student = SubwordAverage.of(
            [text for texts in train.values() for text in texts], teacher.width, TRANSLATED_SUBWORDS, SEED
        )
        distil(teacher, student, train, run=runs / "taught", settings=TRANSLATED)
        return student

    student, seconds = _timed(taught)
    ours, alone = (found_translations(encoder, reported) for encoder in (student, teacher))
    count = len(reported["en"])
    told = f"bag of subwords taught in {seconds:.0f} CPU-s"
    unit, peer = f"% P@1 of {count}, by chance {100 / count:.1f}", "its teacher, of English"
    found = [_row(f"Multi30k val {way}, {told}", ours[way], alone[way], peer, unit) for way in ours]
    for language in ("en", "de"):
        pairs = read_sentence_similarity(folder / "text" / "stsb" / f"stsb-{language}-dev.csv")
        unit = f"100 x Spearman of {len(pairs.scores)} pairs"
        both = agreement(student, pairs), agreement(teacher, pairs)
        found.append(_row(f"STS-B {language} dev, {told}", *both, peer, unit))
    return found


def _made(name: str, sentences: Sequence[str], folder: Path) -> TrainableEncoder:
    match name:
        case "bag of subwords":
            return SubwordAverage.of(sentences, width=256, vocabulary=SUBWORDS, seed=SEED)
        case "LSTM":
            return LstmEncoder.of(sentences, width=256, word_width=128, dropout=0.2, seed=SEED)
    return load_encoder(new_transformer(sentences, folder, layers=2, width=256, vocabulary=SUBWORDS, seed=SEED))


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def _row(measure: str, ours: Estimate, peer: Estimate, peer_name: str, unit: str) -> dict[str, object]:
    interval = f"95 % interval {100 * ours.low:.0f} to {100 * ours.high:.0f}"
    return row(measure, 100 * ours.value, 100 * peer.value, peer_name, f"{unit}, {interval}", None)


if __name__ == "__main__":
    for each in rows():
        print(each)
