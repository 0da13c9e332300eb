"""What a stimulus is like, in numbers: features with a row a word, and ways from words to samples.

1. A row a word: `states` of a language model by layer and context, `surprisal`, `static_vectors`, `subject_vectors`,
   and the controls `position`, `length`, `log_frequency`, `random_vectors`. They serve word-locked responses as they
   are.
2. From words to samples: `averaged` (free of the word rate), `summed`, `lanczos` and `word_hrf` for fMRI, `impulses`
   for EEG, MEG and ECoG. `word_rate`, `sound_envelope` and `sound_power` have a row a sample at once.
3. Later responses: `delayed` by samples (`lags` gives those of a stretch of seconds), or through the canonical `hrf`.

Everything happens run by run, on the run's own clock; nothing of one run depends on another.
"""

from grounding.brain.features.cache import StateCache
from grounding.brain.features.delays import delayed, lags
from grounding.brain.features.haemodynamics import canonical_hrf, hrf, word_hrf
from grounding.brain.features.models import states, surprisal
from grounding.brain.features.resampling import averaged, impulses, lanczos, summed, word_rate
from grounding.brain.features.sound import read_wave, sound_envelope, sound_power
from grounding.brain.features.stimulus import Stimulus, each_word, transcripts
from grounding.brain.features.subject import subject_vectors, vectors_of_texts
from grounding.brain.features.words import (
    length,
    log_frequency,
    position,
    random_vectors,
    static_vectors,
    unknown_words,
)

__all__ = [
    "StateCache",
    "Stimulus",
    "averaged",
    "canonical_hrf",
    "delayed",
    "each_word",
    "hrf",
    "impulses",
    "lags",
    "lanczos",
    "length",
    "log_frequency",
    "position",
    "random_vectors",
    "read_wave",
    "sound_envelope",
    "sound_power",
    "states",
    "static_vectors",
    "subject_vectors",
    "summed",
    "surprisal",
    "transcripts",
    "unknown_words",
    "vectors_of_texts",
    "word_hrf",
    "word_rate",
]
