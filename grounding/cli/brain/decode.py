"""``grounding brain decode``: what can be read from a recording."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from grounding.cli.brain.inputs import Embedding, Source

if TYPE_CHECKING:
    import numpy as np

    from grounding.brain.decoding import Decoding
    from grounding.brain.folds import ByWordType
    from grounding.brain.recording import Responses
    from grounding.reports import Chapter


@dataclass(frozen=True)
class Decode:
    """Tell words, objects or categories from a recording, beside chance and dull controls.

    A BIDS folder of EEG, MEG or ECoG: words never trained with, from the channels' means in a window after word onset,
    both ways between word vectors and patterns. Named sets: lindborg (nouns and their categories), objects81 (objects
    never trained with), haxby (which of eight categories).
    """

    data: tyro.conf.Positional[str]
    """A BIDS folder whose events hold words, or lindborg, objects81 or haxby."""
    out: Path = Path("runs/brain/decode")
    """Folder for report.html, summary.json, scores.csv, scores.json and scores.npz."""
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)
    layer: int | None = None
    """Layer of the embedding, 0 for the first; the middle one if not given."""
    window: tuple[float, float] = (0.0, 0.5)
    """First and last second after word onset."""
    permutations: int = 1000
    """For p-values; 0 for none."""
    seed: int = 0
    """Of permutations and resamples."""


def run(settings: Decode) -> None:
    """Decodes, prints the verdict and writes the report."""
    from grounding.cli.brain.inputs import check_permutations
    from grounding.cli.brain.output import working, write_arrays, write_page, write_table

    check_permutations(settings.permutations, 0)
    known = {"haxby": _haxby, "lindborg": _lindborg, "objects81": _objects81}
    with working(f"decoding {settings.data}"):
        chapters, rows, arrays, synthetic = known.get(settings.data, _words)(settings)
    for chapter in chapters:
        print(f"{chapter.title} {chapter.verdict}")
    write_table(settings.out, "scores", rows)
    write_arrays(settings.out, "scores", **arrays)
    write_page(settings.out, "What can be read from a brain recording", chapters, settings, synthetic, rows)


Found = tuple["list[Chapter]", list[dict[str, object]], dict[str, Any], bool]


def _words(settings: Decode) -> Found:
    from grounding.brain.encoding import by_subject
    from grounding.brain.features import random_vectors
    from grounding.brain.geometry import average_repetitions, zero_shot
    from grounding.brain.recording import Features
    from grounding.cli.brain.inputs import (
        by_window,
        chosen_layer,
        in_context,
        mean_by_word,
        open_recording,
        word_layers,
    )
    from grounding.errors import InputError
    from grounding.reports.brain.chapters import zero_shot_chapter

    opened = open_recording(settings.data, settings.source)
    if opened.recording.kind == "fmri":
        raise InputError(
            f"{settings.data}: fMRI found, whose volumes hold several words each; use `grounding brain encode`, or a "
            "set with one stimulus at a time"
        )
    layers = word_layers(opened, settings.embedding)
    layer: Features = list(layers.values())[chosen_layer(layers, settings.layer, settings.embedding)]
    arbitrary = random_vectors(opened.recording, layer.width, seed=settings.seed)
    chapters: list[Chapter] = []
    rows: list[dict[str, object]] = []
    arrays: dict[str, Any] = {}
    for subject, recording in by_subject(opened.recording).items():
        responses = by_window(recording, *settings.window)
        vectors, words = (features.matrix(responses.rows) for features in (layer, arbitrary))
        patterns, tokens = responses, len(responses.rows)
        # Vectors in context differ from token to token, and their means would carry over what neighbours share.
        if not in_context(settings.embedding):
            patterns, _ = average_repetitions(responses)
            vectors, words = (
                mean_by_word(matrix, responses.rows.word, patterns.rows.word) for matrix in (vectors, words)
            )
        folds = _word_folds(vectors, patterns) if patterns is responses else None
        found = zero_shot(
            vectors, patterns, folds=folds, static=words, permutations=settings.permutations, seed=settings.seed
        )
        name = f"subject {subject or '1'}"
        chapters.append(zero_shot_chapter(name, layer.name, "arbitrary vectors", found, tokens))
        rows += [{"subject": subject, **row, "synthetic": found.synthetic} for row in found.table()]
        arrays |= {
            f"{name}/{direction}/{method}/{score}": one.words
            for direction, methods in found.scores.items()
            for method, scores in methods.items()
            for score, one in scores.items()
            if one.words is not None
        }
        arrays |= {f"{name}/token words": patterns.rows.word}
    return chapters, rows, arrays, opened.recording.synthetic


def _word_folds(vectors: "np.ndarray", tokens: "Responses") -> "ByWordType":
    """Ten folds by word type with the gap that `zero_shot` leaves; fewer where a frequent word would fill one alone."""
    import numpy as np

    from grounding.brain.encoding.nesting import autocorrelation_margin
    from grounding.brain.folds import ByWordType
    from grounding.brain.geometry.zero_shot import LONGEST_GAP

    gap = min(autocorrelation_margin(side, tokens.rows, LONGEST_GAP) for side in (vectors, tokens.data))
    assert tokens.rows.word is not None  # word-locked responses always have words
    counts = np.unique(tokens.rows.word, return_counts=True)[1]
    return ByWordType(max(2, min(10, int(counts.sum() / (1.5 * counts.max())))), purge=gap)


def _haxby(settings: Decode) -> Found:
    from grounding.brain.decoding import classify
    from grounding.brain.sets import haxby
    from grounding.cli.brain.inputs import named_folder
    from grounding.reports.brain.chapters import classification_chapter

    patterns, labels = haxby.load(named_folder("haxby")).blocks()
    found = classify(patterns, labels, permutations=settings.permutations, seed=settings.seed)
    arrays = {"actual": found.actual, "predicted": found.predicted, "confusion": found.confusion}
    return [classification_chapter("Which of eight categories was seen?", found)], [found.as_dict()], arrays, False


def _lindborg(settings: Decode) -> Found:
    import numpy as np

    from grounding.brain.decoding import averaged, decode, standardised
    from grounding.brain.folds import LeaveOneOut, Within
    from grounding.brain.sets import lindborg
    from grounding.cli.brain.inputs import named_folder
    from grounding.reports.brain.chapters import decoding_chapter

    loaded = lindborg.load(named_folder("lindborg"))
    trials = standardised(loaded.responses)
    words = sorted(loaded.nouns)
    nouns = {word: one for word, one in zip(words, np.eye(len(words)), strict=True)}
    letters = {word: np.array([float(loaded.nouns[word].letters)]) for word in words}
    options = {"permutations": settings.permutations, "seed": settings.seed}
    chapters: list[Chapter] = []
    rows: list[dict[str, object]] = []
    arrays: dict[str, Any] = {}
    for title, patterns, folds in (
        ("Which noun was read, by people never trained with?", averaged(trials), LeaveOneOut("subject")),
        ("Which noun was read, in another third of a session?", averaged(trials, 3), Within(LeaveOneOut("run"))),
    ):
        found = {
            "a template a noun": decode(patterns, nouns, folds, **options),  # type: ignore[arg-type]
            "the noun's length alone": decode(patterns, letters, folds, **options),  # type: ignore[arg-type]
        }
        text = "100 German nouns (Lindborg et al., 2022), mean of 64 channels from 300 to 500 ms, averaged repetitions."
        chapters.append(decoding_chapter(title, text, found))
        rows += [{"question": title, "decoder of": name, **one.as_dict()} for name, one in found.items()]
        arrays |= {f"{title}/{name}/{key}": value for name, one in found.items() for key, value in _ranks(one).items()}
    return chapters, rows, arrays, False


def _objects81(settings: Decode) -> Found:
    import numpy as np

    from grounding.brain.decoding import decode
    from grounding.brain.folds import ByWordType
    from grounding.brain.sets import objects81
    from grounding.cli.brain.inputs import named_folder
    from grounding.reports.brain.chapters import decoding_chapter

    loaded = objects81.load(named_folder("objects81"))
    names = loaded.responses.rows.word
    assert names is not None
    vectors = {
        "word2vec of the names": loaded.word2vec,
        "AlexNet of the pictures": loaded.alexnet,
        "the names' length alone": np.array([[float(len(name))] for name in names]),
    }
    found = {
        name: decode(
            loaded.responses, dict(zip(names.tolist(), table, strict=True)), ByWordType(9),
            permutations=settings.permutations, seed=settings.seed,
        )
        for name, table in vectors.items()
    }  # fmt: skip
    text = "81 objects, 696 voxels of one subject, the mean response to ten pictures each."
    chapter = decoding_chapter("Which object was seen, of those never trained with?", text, found)
    rows: list[dict[str, object]] = [{"decoder of": name, **one.as_dict()} for name, one in found.items()]
    arrays = {f"{name}/{key}": value for name, one in found.items() for key, value in _ranks(one).items()}
    return [chapter], rows, arrays, False


def _ranks(found: "Decoding") -> dict[str, Any]:
    """What each pattern's rates come from: the rank of the right answer, and among how many."""
    return {"rank": found.rank, "candidates": found.candidates}
