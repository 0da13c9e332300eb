"""``grounding brain simulate``: a synthetic recording with planted truth, as a BIDS folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro


@dataclass(frozen=True)
class Simulate:
    """Write a synthetic fMRI, EEG or ECoG study whose truth is known, to check an analysis or plan a study with.

    The folder says that it is synthetic, and so does everything made from it.
    """

    out: tyro.conf.Positional[Path]
    """Folder to write; must not exist yet, or be empty."""
    kind: Literal["fmri", "eeg", "ecog"] = "fmri"
    """Kind of recording."""
    subjects: int = 1
    """People, who share signals and have noise of their own."""
    stories: int = 4
    """Stories, each a run of every subject."""
    minutes: float = 4.0
    """Length of a story."""
    repeats: int = 1
    """How often each story is heard."""
    seed: int = 0
    """Of everything."""


def run(settings: Simulate) -> None:
    """Makes the recording and says what was planted."""
    from grounding.brain.synthetic import simulate_ecog, simulate_eeg, simulate_fmri, write_bids

    makers = {"fmri": simulate_fmri, "eeg": simulate_eeg, "ecog": simulate_ecog}
    made = makers[settings.kind](
        stories=settings.stories, minutes=settings.minutes, subjects=settings.subjects, repeats=settings.repeats,
        seed=settings.seed,
    )  # type: ignore[operator]  # fmt: skip
    folder = write_bids(made, settings.out)
    recording, truth = made.recording, made.truth
    print(f"Synthetic {recording.kind}: {len(recording.runs)} runs of {len(recording.channels)} channels in {folder}")
    for region in dict.fromkeys(truth.regions):
        places = [number for number, name in enumerate(truth.regions) if name == region]
        place = max(places, key=lambda number: float(truth.ceiling[number]))
        layer = "no layer" if truth.layer[place] < 0 else f"layer {truth.layer[place]}"
        print(
            f"  {region:<15} {len(places):>3} channels, {layer}, lag {truth.lag[place]:.2f} s, ceiling of r² in a "
            f"sample up to {truth.ceiling[place]:.3f}"
        )
    print(f"next: grounding brain encode {folder} --model planted")
