"""``grounding brain layers``: which layer predicts when, or with how much context."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from grounding.cli.brain.inputs import Embedding, Source

if TYPE_CHECKING:
    from grounding.cli.brain.inputs import Opened
    from grounding.reports import Chapter


@dataclass(frozen=True)
class Layers:
    """Sweep over the layers of an embedding: by lag around word onset for EEG, MEG and ECoG, by context for fMRI."""

    data: tyro.conf.Positional[str]
    """A BIDS folder whose events hold words, or alice."""
    out: Path = Path("runs/brain/layers")
    """Folder for report.html, scores.csv, scores.json and scores.npz."""
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
    from grounding.cli.brain.output import write_page

    opened = open_recording(settings.data, settings.source)
    sweep = _by_context if opened.recording.kind == "fmri" else _by_lag
    chapter = sweep(opened, settings)
    print(chapter.verdict)
    write_page(
        settings.out, "Layers of an embedding in a brain recording", [chapter], settings, opened.recording.synthetic
    )


def _by_lag(opened: "Opened", settings: Layers) -> "Chapter":
    from grounding.brain.sweeps import interpolated, lag_by_layer, layer_by_lag, scrambled
    from grounding.cli.brain.inputs import epochs_of, word_layers
    from grounding.cli.brain.output import write_arrays, write_table
    from grounding.reports.brain.chapters import layers_chapter

    layers = list(word_layers(opened, settings.embedding).values())
    epochs = epochs_of(opened.recording, *settings.lags)
    chosen = settings.channels or None
    sweep = layer_by_lag(layers, epochs, components=settings.components)
    found = lag_by_layer(sweep, chosen, seed=settings.seed)
    controls = {
        name: lag_by_layer(layer_by_lag(broken, epochs, components=settings.components), chosen, seed=settings.seed)
        for name, broken in (
            ("scrambled layers", scrambled(layers, settings.seed)),
            ("from the first layer straight to the last", interpolated(layers)),
        )
    }
    write_arrays(settings.out, "scores", scores=sweep.scores, by_fold=sweep.by_fold, lags=sweep.lags,
                 layers=sweep.layers, channels=sweep.channels)  # fmt: skip
    rows = [
        {"layer": layer, "channel": channel, "lag": float(lag), "r": float(r), "synthetic": sweep.synthetic}
        for layer, by_channel in zip(sweep.layers, sweep.scores, strict=True)
        for channel, by_lag in zip(sweep.channels, by_channel, strict=True)
        for lag, r in zip(sweep.lags, by_lag, strict=True)
    ]
    write_table(settings.out, "scores", rows)
    named = ", ".join(settings.channels) if settings.channels else f"all {len(sweep.channels)} channels"
    return layers_chapter(sweep, found, controls, named)


def _by_context(opened: "Opened", settings: Layers) -> "Chapter":
    import numpy as np

    from grounding.brain.encoding.nesting import autocorrelation_margin
    from grounding.brain.folds import Contiguous
    from grounding.brain.sweeps import layer_by_context
    from grounding.cli.brain.inputs import PLANTED, in_step, word_layers
    from grounding.cli.brain.output import write_arrays, write_table
    from grounding.reports.brain.chapters import context_chapter

    recording = opened.recording
    # Planted layers have no context to vary.
    contexts = (0,) if settings.embedding.model == PLANTED else settings.contexts
    features = {
        f"{words} words" if words else "as planted": [
            in_step(layer, recording) for layer in word_layers(opened, settings.embedding, words or None).values()
        ]
        for words in contexts
    }
    responses = recording.responses()
    margin = autocorrelation_margin(responses.data, responses.rows, max(1, len(responses.rows) // 20))
    folds = Contiguous(5, purge=max(abs(delay) for delay in settings.delays) + margin)
    grid = layer_by_context(features, responses, folding=folds, delays=settings.delays, components=settings.components)
    write_arrays(settings.out, "scores", scores=grid.scores, by_fold=grid.by_fold, layers=grid.layers,
                 contexts=grid.contexts, targets=grid.targets)  # fmt: skip
    rows = [
        {"layer": layer, "context": context, "mean r": float(np.mean(cell)), "synthetic": grid.synthetic}
        for layer, by_context in zip(grid.layers, grid.scores, strict=True)
        for context, cell in zip(grid.contexts, by_context, strict=True)
    ]
    write_table(settings.out, "scores", rows)
    return context_chapter(grid)
