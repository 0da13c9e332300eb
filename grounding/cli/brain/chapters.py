"""The brain chapters of the demo's report: a synthetic recording, and a real one where there is any."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grounding.reports import Chapter

# A small share of the set, of short contexts and few components, as the demo has little time.
CONTEXT = 4
COMPONENTS = 20
LISTENERS = ("s18", "s22", "s23")


def brain_chapters(run: Path, seed: int) -> "list[Chapter]":
    """What planted layers explain of synthetic fMRI, and when they do in synthetic ECoG.

    Where GROUNDING_DATA names the folder of real sets: also what MiniLM explains of people hearing Alice in Wonderland.

    Args:
        run: of the demo; states of the language model and every number are kept in it.
        seed: of what is made up.
    """
    chapters = [_synthetic_fmri(run, seed), _synthetic_ecog(seed)]
    root = os.environ.get("GROUNDING_DATA")
    if root and Path(root, "neural", "alice_fmri_brennan2016").is_dir():
        chapters.append(_alice(run, seed))
    return chapters


def _synthetic_fmri(run: Path, seed: int) -> "Chapter":
    from grounding.brain.encoding import EncodingModel
    from grounding.brain.features import averaged
    from grounding.brain.synthetic import simulate_fmri
    from grounding.cli.brain.encode import maps_of
    from grounding.reports.brain.encoding import encoding_chapter

    made = simulate_fmri(stories=4, minutes=6.0, voxels=6, seed=seed)
    layer = averaged(made.layers[3], made.recording)
    result = EncodingModel(layer, delays=(1, 2, 3, 4), permutations=200, draws=6, seed=seed).fit(made.recording)
    result.save(run / "brain" / "synthetic-fmri")
    chapter = encoding_chapter(result, maps_of(result, made.recording, ("r",)))
    return replace(chapter, title="Synthetic fMRI: what does a planted layer explain?")


def _synthetic_ecog(seed: int) -> "Chapter":
    from grounding.brain.readers import word_epochs
    from grounding.brain.sweeps import interpolated, lag_by_layer, layer_by_lag, scrambled
    from grounding.brain.synthetic import simulate_ecog
    from grounding.reports.brain.chapters import layers_chapter

    made = simulate_ecog(stories=2, minutes=4.0, rate=25.0, electrodes=4, seed=seed)
    epochs = word_epochs(made.recording, -0.2, 0.8)
    sweep = layer_by_lag(made.layers, epochs, components=None)
    controls = {
        name: lag_by_layer(layer_by_lag(layers, epochs, components=None), seed=seed)
        for name, layers in (
            ("scrambled layers", scrambled(made.layers, seed)),
            ("from the first layer straight to the last", interpolated(made.layers)),
        )
    }
    chapter = layers_chapter(sweep, lag_by_layer(sweep, seed=seed), controls)
    return replace(chapter, title="Synthetic ECoG: which planted layer, when?")


def _alice(run: Path, seed: int) -> "Chapter":
    from grounding.brain.encoding import encode_subjects
    from grounding.cli.brain.encode import Encode, prepared
    from grounding.cli.brain.inputs import Embedding, Source, open_recording
    from grounding.reports.brain.encoding import encoding_chapter

    settings = Encode(
        "alice",
        source=Source(subjects=LISTENERS),
        embedding=Embedding(context=CONTEXT, cache=run / "states"),
        components=COMPONENTS,
        permutations=0,
        seed=seed,
    )
    model, targets = prepared(open_recording(settings.data, settings.source), settings)
    result = encode_subjects(replace(model, draws=4, inner=3), targets)
    result.save(run / "brain" / "alice")
    chapter = encoding_chapter(result)
    told = (
        f"{len(LISTENERS)} of 27 people hearing Alice in Wonderland (Brennan et al., 2016), {COMPONENTS} components "
        f"and {CONTEXT} words of context, as time is short; `grounding brain encode alice` takes all people, more of "
        "both, and p-values."
    )
    title = "People hearing Alice in Wonderland: what does a language model explain?"
    return replace(chapter, title=title, explanation=f"{told}\n\n{chapter.explanation}")
