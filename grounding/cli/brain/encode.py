"""``grounding brain encode``: what part of a recording an embedding explains, with its audit."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from grounding.cli.brain.inputs import Embedding, Folds, Source

if TYPE_CHECKING:
    from grounding.brain.encoding import EncodingModel, EncodingResult, Space, SubjectsResult
    from grounding.brain.recording import Features, Recording, Responses
    from grounding.cli.brain.inputs import Opened
    from grounding.reports import Picture

SCORES = ("r", "unique r²")


@dataclass(frozen=True)
class Encode:
    """Predict a recording from an embedding, beside everything duller that could explain the score away.

    fMRI is predicted volume by volume from features delayed by 1 to 4 volumes; EEG, MEG and ECoG word by word, as the
    mean of a window after word onset. Several subjects are fitted each by itself and summarised.
    """

    data: tyro.conf.Positional[str]
    """A BIDS folder whose events hold words, or alice."""
    out: Path = Path("runs/brain/encode")
    """Folder for report.html, summary.json, result.json, scores.csv and scores.npz; of several subjects, arrays and
    single results lie in a folder each."""
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)
    layer: int | None = None
    """Layer of the embedding, 0 for the first; the middle one if not given."""
    delays: tuple[int, ...] = (1, 2, 3, 4)
    """fMRI: volumes by which features are moved to later ones."""
    window: tuple[float, float] = (0.3, 0.5)
    """EEG, MEG, ECoG: first and last second after word onset."""
    folds: Folds = "contiguous"
    """How rows of a subject are held out: in contiguous stretches with gaps, by run or story, or by word type (EEG,
    MEG, ECoG)."""
    components: int | None = 50
    """Principal components of the embedding, fitted in the training rows."""
    permutations: int = 1000
    """For p-values; 0 for none."""
    seed: int = 0
    """Of random vectors, the untrained copy, band weights and permutations."""
    dask: str | None = None
    """Address of a Dask scheduler to spread several subjects over, as launch/dask.sh prints it."""


def run(settings: Encode) -> None:
    """Fits, prints the audit and writes the report."""
    from grounding.brain.encoding import encode_subjects
    from grounding.cli.brain.inputs import open_recording
    from grounding.cli.brain.output import working, write_page
    from grounding.cluster import dask_cluster
    from grounding.errors import InputError
    from grounding.reports.brain.encoding import encoding_chapter

    with working(f"reading {settings.data} and its words"):
        opened = open_recording(settings.data, settings.source)
        model, targets = prepared(opened, settings)
    if settings.dask is not None and len(targets) == 1:
        raise InputError(f"dask: {settings.dask!r} found, but one subject; subjects are what is spread, leave it out")
    with working(f"fitting {len(targets)} subject{'s' if len(targets) > 1 else ''}"):
        if len(targets) == 1:
            result: EncodingResult | SubjectsResult = model.fit(next(iter(targets.values())))
        else:
            with nullcontext() if settings.dask is None else dask_cluster(settings.dask):
                result = encode_subjects(model, targets)
    print(result.audit())
    result.save(settings.out)
    with working("drawing"):
        chapter = encoding_chapter(result, maps_of(result, opened.recording))
    title = "What an embedding explains of a brain recording"
    write_page(settings.out, title, [chapter], settings, result.synthetic, result.as_dict())


def prepared(opened: "Opened", settings: Encode) -> "tuple[EncodingModel, Mapping[str, Recording | Responses]]":
    """The model, and what it is fitted to by subject."""
    from grounding.brain.encoding import EncodingModel, by_subject
    from grounding.brain.encoding.controls import default_controls
    from grounding.cli.brain.inputs import by_window, chosen_layer, folding, in_step, untrained_layer, word_layers
    from grounding.errors import InputError

    if settings.folds == "word" and opened.recording.kind == "fmri":
        raise InputError("folds: 'word' found with fMRI, whose volumes hold several words each; choose another")
    layers = word_layers(opened, settings.embedding)
    place = chosen_layer(layers, settings.layer, settings.embedding)
    layer = list(layers.values())[place]
    untrained = untrained_layer(opened, settings.embedding, place, settings.seed)
    recording = opened.recording
    targets: Mapping[str, Recording | Responses]
    controls: Sequence[Features | Space] | None
    if recording.kind == "fmri":
        layer, untrained = in_step(layer, recording), tuple(in_step(one, recording) for one in untrained)
        targets = by_subject(recording)
        controls = (*default_controls(recording), *opened.controls)
        delays = settings.delays
    else:
        targets = {name: by_window(one, *settings.window) for name, one in by_subject(recording).items()}
        controls, delays = None, (0,)
    model = EncodingModel(
        layer,
        controls=controls,
        untrained=untrained,
        delays=delays,
        folds=folding(settings.folds),
        components=settings.components,
        permutations=settings.permutations,
        seed=settings.seed,
    )
    return model, targets


def maps_of(
    result: "EncodingResult | SubjectsResult", recording: "Recording", scores: Sequence[str] = SCORES
) -> "list[Picture]":
    """Scores on the head or in the brain, where positions of the targets are known.

    Args:
        result: of the recording.
        recording: whose channels are the targets.
        scores: which of "r" and "unique r²".
    """
    import numpy as np

    from grounding.reports.brain.encoding import brain_maps

    if recording.positions is None or not len(result.targets):
        return []
    place = {name: number for number, name in enumerate(recording.channels)}
    known = [number for number, name in enumerate(result.targets) if name in place]
    if not known:
        return []
    values = {
        "r": np.asarray(result.interval("embedding", "r").estimate)[known],
        "unique r²": np.asarray(result.interval("unique", "r2").estimate)[known],
    }
    positions = recording.positions[[place[result.targets[number]] for number in known]]
    names = [result.targets[number] for number in known]
    return brain_maps({name: values[name] for name in scores}, names, positions, recording.kind)
