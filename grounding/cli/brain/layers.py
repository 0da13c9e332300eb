"""``grounding brain layers``: which layer predicts when, or with how much context."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import tyro

from grounding.cli.brain.inputs import Embedding, Source

if TYPE_CHECKING:
    from grounding.brain.recording import Features
    from grounding.brain.sweeps import LayerContext, LayerLag
    from grounding.cli.brain.inputs import Opened
    from grounding.reports import Chapter

Sweep = TypeVar("Sweep", "LayerLag", "LayerContext")


@dataclass(frozen=True)
class Layers:
    """Sweep over the layers of an embedding: by lag around word onset for EEG, MEG and ECoG, by context for fMRI.

    Several subjects are fitted each by itself, and their scores averaged.
    """

    data: tyro.conf.Positional[str]
    """A BIDS folder whose events hold words, or alice."""
    out: Path = Path("runs/brain/layers")
    """Folder for report.html, summary.json, scores.csv, scores.json and scores.npz."""
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)
    embedding: Annotated[Embedding, tyro.conf.arg(name="")] = field(default_factory=Embedding)
    lags: tuple[float, float] = (-0.5, 1.0)
    """EEG, MEG, ECoG: first and last second around word onset."""
    channels: tuple[str, ...] = ()
    """EEG, MEG, ECoG: the peak of a layer is that of its mean over these channels; all if none is given."""
    contexts: tuple[int, ...] = (1, 4, 16, 64)
    """fMRI: how many words back a language model sees."""
    delays: tuple[int, ...] = (1, 2, 3, 4)
    """fMRI: volumes by which features are moved to later ones."""
    components: int | None = 50
    """Principal components of each layer, fitted in the training rows."""
    seed: int = 0
    """Of scrambled layers and permutations."""


def run(settings: Layers) -> None:
    """Sweeps, prints what was found and writes the report."""
    from grounding.cli.brain.inputs import open_recording
    from grounding.cli.brain.output import working, write_page

    with working(f"sweeping over the layers of {settings.embedding.model}"):
        opened = open_recording(settings.data, settings.source)
        sweep = _by_context if opened.recording.kind == "fmri" else _by_lag
        chapter, numbers = sweep(opened, settings)
    print(chapter.verdict)
    title = "Layers of an embedding in a brain recording"
    write_page(settings.out, title, [chapter], settings, opened.recording.synthetic, numbers)


Found = tuple["Chapter", list[dict[str, object]]]


def _by_lag(opened: "Opened", settings: Layers) -> Found:
    from grounding.brain.encoding import by_subject
    from grounding.brain.sweeps import interpolated, lag_by_layer, layer_by_lag, scrambled
    from grounding.cli.brain.inputs import epochs_of, word_layers
    from grounding.cli.brain.output import write_arrays, write_table
    from grounding.errors import InputError
    from grounding.reports.brain.chapters import layers_chapter

    if unknown := [name for name in settings.channels if name not in opened.recording.channels]:
        raise InputError(
            f"channels: {', '.join(map(repr, unknown))} not in the recording; it has "
            f"{', '.join(opened.recording.channels)}"
        )
    layers = list(word_layers(opened, settings.embedding).values())
    epochs = {name: epochs_of(one, *settings.lags) for name, one in by_subject(opened.recording).items()}

    def swept(features: "Sequence[Features]") -> "LayerLag":
        return over_subjects([layer_by_lag(features, one, components=settings.components) for one in epochs.values()])

    chosen = settings.channels or None
    sweep = swept(layers)
    found, controls = None, {}
    # Fewer layers have no order to relate to lags.
    if len(layers) > 2:
        found = lag_by_layer(sweep, chosen, seed=settings.seed)
        controls = {
            name: lag_by_layer(swept(broken), chosen, seed=settings.seed)
            for name, broken in (
                ("scrambled layers", scrambled(layers, settings.seed)),
                ("from the first layer straight to the last", interpolated(layers)),
            )
        }
    write_arrays(settings.out, "scores", scores=sweep.scores, by_fold=sweep.by_fold, lags=sweep.lags,
                 layers=sweep.layers, channels=sweep.channels, subjects=list(epochs))  # fmt: skip
    rows = [
        {"layer": layer, "channel": channel, "lag": float(lag), "r": float(r), "synthetic": sweep.synthetic}
        for layer, by_channel in zip(sweep.layers, sweep.scores, strict=True)
        for channel, by_lag in zip(sweep.channels, by_channel, strict=True)
        for lag, r in zip(sweep.lags, by_lag, strict=True)
    ]
    write_table(settings.out, "scores", rows)
    named = ", ".join(settings.channels) if settings.channels else f"all {len(sweep.channels)} channels"
    peaks: list[dict[str, object]] = [
        {"layers": name, "r of depth and lag": one.correlation, "p": one.p, "peak lags, s": one.lags}
        for name, one in {"as they are": found, **controls}.items()
        if one is not None
    ]
    return layers_chapter(sweep, found, controls, named, settings.channels), peaks


def _by_context(opened: "Opened", settings: Layers) -> Found:
    import numpy as np

    from grounding.brain.encoding import by_subject
    from grounding.brain.encoding.nesting import autocorrelation_margin
    from grounding.brain.folds import Contiguous
    from grounding.brain.sweeps import layer_by_context
    from grounding.cli.brain.inputs import in_step, is_language_model, word_layers
    from grounding.cli.brain.output import write_arrays, write_table
    from grounding.reports.brain.chapters import context_chapter

    recording = opened.recording
    contexts = settings.contexts if is_language_model(settings.embedding) else (0,)
    features = {
        f"{words} words" if words else "no context to vary": [
            in_step(layer, recording) for layer in word_layers(opened, settings.embedding, words or None).values()
        ]
        for words in contexts
    }
    grids = []
    for one in by_subject(recording).values():
        responses = one.responses()
        margin = autocorrelation_margin(responses.data, responses.rows, max(1, len(responses.rows) // 20))
        folds = Contiguous(5, purge=max(abs(delay) for delay in settings.delays) + margin)
        grids.append(
            layer_by_context(features, responses, folding=folds, delays=settings.delays, components=settings.components)
        )
    grid = over_subjects(grids)
    write_arrays(settings.out, "scores", scores=grid.scores, by_fold=grid.by_fold, layers=grid.layers,
                 contexts=grid.contexts, targets=grid.targets, subjects=list(by_subject(recording)))  # fmt: skip
    rows: list[dict[str, object]] = [
        {"layer": layer, "context": context, "target": target, "r": float(r), "synthetic": grid.synthetic}
        for layer, by_context in zip(grid.layers, grid.scores, strict=True)
        for context, cell in zip(grid.contexts, by_context, strict=True)
        for target, r in zip(grid.targets, cell, strict=True)
    ]
    write_table(settings.out, "scores", rows)
    means: list[dict[str, object]] = [
        {"layer": layer, "context": context, "mean r": float(np.mean(cell))}
        for layer, by_context in zip(grid.layers, grid.scores, strict=True)
        for context, cell in zip(grid.contexts, by_context, strict=True)
    ]
    return context_chapter(grid), means


def over_subjects(sweeps: "Sequence[Sweep]") -> "Sweep":
    """The mean of sweeps of several subjects; ``by_fold`` holds the folds of all, one subject behind the other.

    Each is fitted by itself: they heard the same words, and one's training rows would tell of another's test rows.
    """
    import numpy as np

    first = sweeps[0]
    if len(sweeps) == 1:
        return first
    return replace(
        first,
        scores=np.mean([one.scores for one in sweeps], axis=0),
        by_fold=np.concatenate([one.by_fold for one in sweeps]),
        folds=f"{first.folds}, for each of {len(sweeps)} subjects by itself",
    )
