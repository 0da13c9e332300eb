"""``grounding brain encode``: what part of a recording an embedding explains, with its audit."""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True)
class Encode:
    """Predict a recording from an embedding, beside everything duller that could explain the score away.

    fMRI is predicted volume by volume from features delayed by 1 to 4 volumes; EEG, MEG and ECoG word by word, as the
    mean of a window after word onset. Several subjects are fitted each by itself and summarised.
    """

    data: tyro.conf.Positional[str]
    """A BIDS folder whose events hold words, or alice."""
    out: Path = Path("runs/brain/encode")
    """Folder for report.html, result.json, scores.csv and scores.npz."""
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)
    layer: int | None = None
    """Layer of the embedding, 0 for the first; the middle one if not given."""
    delays: tuple[int, ...] = (1, 2, 3, 4)
    """fMRI: volumes by which features are moved to later ones."""
    window: tuple[float, float] = (0.3, 0.5)
    """EEG, MEG, ECoG: first and last second after word onset."""
    folds: Folds = "contiguous"
    """How rows are held out: in contiguous stretches with gaps, by run, story or subject, or by word type."""
    components: int | None = 50
    """Principal components of the embedding, fitted in the training rows."""
    permutations: int = 1000
    """For p-values; 0 for none."""
    seed: int = 0
    """Of random vectors, the untrained copy, band weights and permutations."""


def run(settings: Encode) -> None:
    """Fits, prints the audit and writes the report."""
    from grounding.brain.encoding import encode_subjects
    from grounding.cli.brain.inputs import open_recording
    from grounding.cli.brain.output import write_page
    from grounding.reports.brain.encoding import encoding_chapter

    opened = open_recording(settings.data, settings.source)
    model, targets = prepared(opened, settings)
    result = encode_subjects(model, targets) if len(targets) > 1 else model.fit(next(iter(targets.values())))
    print(result.audit())
    result.save(settings.out)
    chapter = encoding_chapter(result, maps_of(result, opened.recording))
    write_page(settings.out, "What an embedding explains of a brain recording", [chapter], settings, result.synthetic)


def prepared(opened: "Opened", settings: Encode) -> "tuple[EncodingModel, Mapping[str, Recording | Responses]]":
    """The model, and what it is fitted to by subject."""
    from grounding.brain.encoding import EncodingModel, by_subject
    from grounding.brain.encoding.controls import default_controls
    from grounding.cli.brain.inputs import by_window, folding, in_step, untrained_layer, word_layers
    from grounding.errors import InputError

    layers = word_layers(opened, settings.embedding)
    place = len(layers) // 2 if settings.layer is None else settings.layer
    if not 0 <= place < len(layers):
        raise InputError(f"layer: {place} found, expected 0 to {len(layers) - 1} of {settings.embedding.model}")
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


def maps_of(result: "EncodingResult | SubjectsResult", recording: "Recording") -> "list[Picture]":
    """Scores on the head or in the brain, where positions of the targets are known."""
    import numpy as np

    from grounding.reports import Picture
    from grounding.reports.brain.maps import electrodes_figure, topography_figure

    if recording.positions is None or not len(result.targets):
        return []
    place = {name: number for number, name in enumerate(recording.channels)}
    known = [number for number, name in enumerate(result.targets) if name in place]
    if not known:
        return []
    positions = recording.positions[[place[result.targets[number]] for number in known]]
    values = {
        "r": np.asarray(result.interval("embedding", "r").estimate)[known],
        "unique r²": np.asarray(result.interval("unique", "r2").estimate)[known],
    }
    if recording.kind in ("eeg", "meg"):
        return [
            Picture.drawn(
                lambda theme: topography_figure(
                    np.stack(list(values.values()), axis=1), positions, theme, list(values), value="score"
                ),
                "The embedding's correlation and its unique variance over the scalp.",
            )
        ]
    return [
        Picture.drawn(
            lambda theme, one=one, name=name: electrodes_figure(one, positions, theme, name),  # type: ignore[misc]
            f"The embedding's {name} in the brain (MNI space).",
        )
        for name, one in values.items()
    ]
