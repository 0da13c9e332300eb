"""Synthetic brains: recordings with planted truth, to check an analysis and to plan a study. Always labelled.

`simulate_fmri`, `simulate_eeg` and `simulate_ecog` give a `Simulation`: the recording, the layers and the sound that
drive it, and the `Truth`; `write_bids` makes a folder of it.

Example:
    >>> made = simulate_ecog(seed=0)
    >>> dict(zip(made.truth.regions, made.truth.lag))  # deeper layers later
    {'mSTG': 0.1, 'aSTG': 0.2, 'TP': 0.3, 'IFG': 0.4, 'precentral': 0.0}
"""

from grounding.brain.synthetic.bids import is_synthetic, planted_layers, planted_stories, write_bids
from grounding.brain.synthetic.electrophysiology import ECOG_REGIONS, EEG_REGIONS, simulate_ecog, simulate_eeg
from grounding.brain.synthetic.fmri import FMRI_REGIONS, simulate_fmri
from grounding.brain.synthetic.layers import made_up_layers
from grounding.brain.synthetic.speech import made_up_sentences, spoken, spoken_for
from grounding.brain.synthetic.truth import Region, Simulation, Truth

__all__ = [
    "ECOG_REGIONS",
    "EEG_REGIONS",
    "FMRI_REGIONS",
    "Region",
    "Simulation",
    "Truth",
    "is_synthetic",
    "made_up_layers",
    "made_up_sentences",
    "planted_layers",
    "planted_stories",
    "simulate_ecog",
    "simulate_eeg",
    "simulate_fmri",
    "spoken",
    "spoken_for",
    "write_bids",
]
