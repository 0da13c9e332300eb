"""``grounding brain rsa``: does the brain tell things apart as a model does?"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from grounding.cli.brain.inputs import Embedding, Source

if TYPE_CHECKING:
    from grounding.brain.geometry import SimilarityAnalysis


@dataclass(frozen=True)
class Rsa:
    """Compare dissimilarity matrices of brain and models, with noise ceilings where there are several subjects.

    A BIDS folder of EEG, MEG or ECoG: words against every layer of an embedding. Named sets: kriegeskorte92 (92
    pictures in human IT), objects81 (81 objects in seven regions).
    """

    data: tyro.conf.Positional[str]
    """A BIDS folder whose events hold words, or kriegeskorte92 or objects81."""
    out: Path = Path("runs/brain/rsa")
    """Folder for report.html, summary.json, scores.csv, scores.json and scores.npz."""
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)
    window: tuple[float, float] = (0.0, 0.5)
    """First and last second after word onset."""
    at_least: int = 3
    """Words with fewer repetitions are left out."""
    method: Literal["spearman", "kendall", "pearson", "cosine", "whitened correlation", "whitened cosine"] = "spearman"
    """How matrices are compared."""
    permutations: int = 1000
    """Of conditions, for p-values."""
    seed: int = 0
    """Of permutations and resamples."""


def run(settings: Rsa) -> None:
    """Compares, prints the verdict and writes the report."""
    from grounding.cli.brain.inputs import check_permutations
    from grounding.cli.brain.output import working, write_arrays, write_page, write_table
    from grounding.reports.brain.chapters import similarity_chapter

    check_permutations(settings.permutations)
    known = {"kriegeskorte92": _kriegeskorte92, "objects81": _objects81}
    with working(f"comparing dissimilarities of {settings.data}"):
        what, found, synthetic = known.get(settings.data, _words)(settings)
    chapter = similarity_chapter(what, found, synthetic)
    print(chapter.verdict)
    rows = [{"region": region, **row, "synthetic": synthetic} for region, one in found.items() for row in one.table()]
    write_table(settings.out, "scores", rows)
    arrays = {
        f"{region}/{name}": [one.score.value, one.score.low, one.score.high, one.p, one.p_corrected]
        for region, analysis in found.items()
        for name, one in analysis.models.items()
    }
    write_arrays(settings.out, "scores", columns=["value", "low", "high", "p", "p corrected"], **arrays)
    write_page(settings.out, "Representational similarity of brain and models", [chapter], settings, synthetic, rows)


Found = tuple[str, "dict[str, SimilarityAnalysis]", bool]


def _options(settings: Rsa) -> dict[str, Any]:
    return {"method": settings.method, "permutations": settings.permutations, "seed": settings.seed}


def _kriegeskorte92(settings: Rsa) -> Found:
    import numpy as np

    from grounding.brain.geometry import pairs_of, rdm, similarity_analysis
    from grounding.brain.sets import kriegeskorte92
    from grounding.cli.brain.inputs import named_folder

    loaded = kriegeskorte92.load(named_folder("kriegeskorte92"))
    human = np.stack([pairs_of(one) for one in loaded.human.mean(1)])
    models = {name: pairs_of(matrix) for name, matrix in loaded.models.items()}
    models |= {"monkey IT": pairs_of(loaded.monkey), "behaviour": pairs_of(loaded.behaviour.mean(0))}
    pixels = loaded.pictures.reshape(len(loaded.pictures), -1).astype(np.float64)
    models["pixels (dull control)"] = rdm(pixels)
    found = {"human IT": similarity_analysis(models, human, **_options(settings))}
    return "92 pictures in human inferior temporal cortex, four subjects (Kriegeskorte et al., 2008)", found, False


def _objects81(settings: Rsa) -> Found:
    import numpy as np

    from grounding.brain.geometry import rdm, similarity_analysis
    from grounding.brain.sets import objects81
    from grounding.cli.brain.inputs import named_folder

    loaded = objects81.load(named_folder("objects81"))
    names = loaded.responses.rows.word
    assert names is not None
    length = np.array([[float(len(name))] for name in names])
    models = {
        "word2vec of the names": rdm(loaded.word2vec),
        "AlexNet of the pictures": rdm(loaded.alexnet),
        "length of the name (dull control)": rdm(length, "euclidean"),
    }
    regions = dict.fromkeys(loaded.regions.tolist())
    found = {
        region: similarity_analysis(models, rdm(loaded.region(region).data), **_options(settings)) for region in regions
    }
    return "81 objects in seven regions of one subject", found, False


def _words(settings: Rsa) -> Found:
    from grounding.brain.encoding import by_subject
    from grounding.brain.features import length, random_vectors
    from grounding.brain.geometry import average_repetitions, rdm, similarity_analysis
    from grounding.cli.brain.inputs import by_window, mean_by_word, open_recording, word_layers
    from grounding.errors import InputError

    opened = open_recording(settings.data, settings.source)
    if opened.recording.kind == "fmri":
        raise InputError(
            f"{settings.data}: fMRI found, whose volumes hold several words each; expected EEG, MEG or ECoG"
        )
    layers = word_layers(opened, settings.embedding)
    dull = {
        "arbitrary vectors (control)": random_vectors(opened.recording, 50, seed=settings.seed),
        "length (dull control)": length(opened.recording),
    }
    found = {}
    for subject, recording in by_subject(opened.recording).items():
        responses = by_window(recording, *settings.window)
        patterns, _ = average_repetitions(responses, at_least=settings.at_least)
        models = {}
        for name, features in {**layers, **dull}.items():
            vectors = mean_by_word(features.matrix(responses.rows), responses.rows.word, patterns.rows.word)
            models[name] = rdm(vectors, "euclidean" if features.width == 1 else "correlation")
        found[f"subject {subject or '1'}"] = similarity_analysis(models, rdm(patterns.data), **_options(settings))
    return f"words in {len(opened.recording.channels)} channels", found, opened.recording.synthetic
