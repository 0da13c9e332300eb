"""Recordings and embeddings as the brain commands name them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from grounding.errors import DataError, InputError

if TYPE_CHECKING:
    import numpy as np

    from grounding.brain.encoding import Space
    from grounding.brain.folds import Folding
    from grounding.brain.recording import Epochs, Features, Recording, Responses

FOLDERS = {
    "alice": "alice_fmri_brennan2016",
    "lindborg": "lindborg2022_n400_words",
    "objects81": "fmri_81objects_rois",
    "kriegeskorte92": "kriegeskorte92",
    "haxby": "haxby2001_pymvpa",
}
"""Named sets and their folders in ``neural/`` of the folder that GROUNDING_DATA names."""

KNOWN = "alice for encode and layers; haxby, lindborg or objects81 for decode; kriegeskorte92 or objects81 for rsa"
PLANTED = "planted"
Folds = Literal["contiguous", "run", "story", "word"]


@dataclass(frozen=True)
class Source:
    """Which part of a BIDS folder is read, and how."""

    subjects: tuple[str, ...] = ()
    """Labels without sub-; all if none is given."""
    tasks: tuple[str, ...] = ()
    """Labels without task-; all if none is given."""
    words: str = "word"
    """Column of events.tsv that holds the words."""
    derivative: Path | None = None
    """fMRI: folder of preprocessed images, such as STUDY/derivatives/fmriprep."""
    regions: Path | None = None
    """fMRI: image of numbered regions to average over; every voxel by itself if not given."""
    high_pass: float = 0.01
    """fMRI: slow drifts below this many Hz are taken out of each run, together with its confounds; 0 leaves both in."""
    high_gamma: bool = False
    """EEG and ECoG: take the amplitude between 70 and 150 Hz; leave it out where the channels are envelopes already."""
    line_noise: float = 50.0
    """Hz of the mains, for --high-gamma: 50, or 60 in the Americas."""


@dataclass(frozen=True)
class Opened:
    """A recording, and controls that came with it."""

    recording: "Recording"
    controls: tuple["Space", ...] = ()
    planted: Mapping[str, "Features"] = field(default_factory=dict)


def named_folder(name: str) -> Path:
    """The folder of a named set.

    Raises:
        DataError: GROUNDING_DATA is not set, or there is no such folder.
    """
    root = os.environ.get("GROUNDING_DATA")
    if not root:
        raise DataError(f"{name}: a named set, but GROUNDING_DATA is not set; set it to the folder that holds neural/")
    folder = Path(root, "neural", FOLDERS[name])
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected the set {name!r}; data/README.md says where it comes from")
    return folder


def open_recording(data: str, source: Source) -> Opened:
    """A BIDS folder, or "alice", with the words of each run.

    Raises:
        DataError: neither, or as the readers say.
    """
    if data == "alice":
        from grounding.brain.encoding import Space
        from grounding.brain.sets import alice

        loaded = alice.load(named_folder(data))
        _demand_known(source.subjects, {run.subject for run in loaded.recording.runs}, data)
        runs = tuple(run for run in loaded.recording.runs if not source.subjects or run.subject in source.subjects)
        return Opened(_cleaned(replace(loaded.recording, runs=runs), source), (Space(loaded.controls),))
    folder = Path(data)
    if not (folder / "dataset_description.json").is_file():
        raise DataError(
            f"{data}: no BIDS folder (dataset_description.json is missing) and no set that this command knows; "
            f"expected a folder, or {KNOWN}"
        )
    return _open_bids(folder, source)


def _demand_known(wanted: Sequence[str], known: set[str], where: str) -> None:
    if unknown := [label for label in wanted if label not in known]:
        raise InputError(f"subjects: {', '.join(map(repr, unknown))} not in {where}; it has {', '.join(sorted(known))}")


def _open_bids(folder: Path, source: Source) -> Opened:
    from grounding.brain import readers
    from grounding.brain.synthetic import planted_layers
    from grounding.brain.synthetic.bids import DERIVATIVE, is_synthetic

    chosen: dict[str, Any] = {"subjects": source.subjects or None, "tasks": source.tasks or None}
    synthetic = is_synthetic(folder)
    kind = kind_of(folder)
    labels = {path.name.removeprefix("sub-") for path in folder.glob("sub-*") if path.is_dir()}
    _demand_known(source.subjects, labels, str(folder))
    if kind == "fmri":
        where = readers.Voxels() if source.regions is None else readers.Regions(source.regions)
        derivative = source.derivative
        if derivative is None and synthetic:
            derivative = folder / DERIVATIVE
        recording = _cleaned(readers.read_bids_fmri(folder, where, derivative=derivative, **chosen), source)
    else:
        recording = readers.read_bids(folder, kind, **chosen)
    recording = readers.with_events(recording, folder, words=source.words)
    if source.high_gamma:
        recording = readers.high_gamma(recording, line=source.line_noise)
    return Opened(recording, planted=planted_layers(folder, recording) if synthetic else {})


def _cleaned(recording: "Recording", source: Source) -> "Recording":
    from grounding.brain.readers import cleaned

    return cleaned(recording, high_pass=source.high_pass) if source.high_pass else recording


def kind_of(folder: Path) -> Any:
    """The kind of recording that a BIDS folder holds: "fmri", "ecog", "meg" or "eeg".

    Raises:
        DataError: none, or more than one.
    """
    kinds = {"func": "fmri", "ieeg": "ecog", "meg": "meg", "eeg": "eeg"}
    found = [
        kind
        for name, kind in kinds.items()
        if any(folder.glob(f"sub-*/{name}")) or any(folder.glob(f"sub-*/ses-*/{name}"))
    ]
    if len(found) != 1:
        raise DataError(
            f"{folder}: {' and '.join(found) or 'no'} recordings found, expected one kind: {', '.join(kinds)}"
        )
    return found[0]


@dataclass(frozen=True)
class Embedding:
    """Which vectors the words are given."""

    model: str = "sentence-transformers/all-MiniLM-L6-v2"
    """A language model (hub name or folder), word vectors (file, or folder of `grounding text train`), or "planted",
    the layers that drive a synthetic recording."""
    context: int = 32
    """How many words back a language model sees, the word itself among them."""
    cache: Path = Path("runs/brain/states")
    """Folder that keeps the states of language models."""


def word_layers(opened: Opened, embedding: Embedding, contexts: int | None = None) -> dict[str, "Features"]:
    """Every layer of the embedding, a row a word, by name in the order of depth; word vectors are one layer.

    Args:
        contexts: in place of the embedding's context.
    """
    if embedding.model == PLANTED:
        if not opened.planted:
            raise InputError('model "planted": only a folder of `grounding brain simulate` has planted layers')
        return dict(opened.planted)
    path = Path(embedding.model)
    if not is_language_model(embedding):
        return {"word vectors": _static(opened.recording, path)}
    model = _language_model(embedding.model)
    return _states(opened.recording, model, range(model.layers), embedding, contexts, path.name)


def is_language_model(embedding: Embedding) -> bool:
    """Whether the words' vectors depend on their context; planted layers and word vectors do not."""
    path = Path(embedding.model)
    vectors = path.is_file() or (path.is_dir() and not (path / "config.json").is_file())
    return embedding.model != PLANTED and not vectors


def in_context(embedding: Embedding) -> bool:
    """Whether a word's vector may differ from token to token."""
    return embedding.model == PLANTED or is_language_model(embedding)


def chosen_layer(layers: Mapping[str, "Features"], layer: int | None, embedding: Embedding) -> int:
    """The place of the layer that a command's --layer names, the middle one if none is named.

    Raises:
        InputError: the embedding has no such layer.
    """
    place = len(layers) // 2 if layer is None else layer
    if not 0 <= place < len(layers):
        raise InputError(f"layer: {place} found, expected 0 to {len(layers) - 1} of {embedding.model}")
    return place


def _language_model(name: str) -> Any:
    from transformers.utils import logging

    from grounding.text.contextual import ContextualModel

    # Its bars tell nothing of how long the work takes that is done here.
    logging.disable_progress_bar()
    return ContextualModel(name)


def untrained_layer(opened: Opened, embedding: Embedding, layer: int, seed: int) -> tuple["Features", ...]:
    """The same layer of an untrained copy of a language model; nothing where the embedding is none."""
    if not is_language_model(embedding):
        return ()
    model = _language_model(embedding.model).untrained(seed)
    found = _states(opened.recording, model, [layer], embedding, None, f"untrained {Path(embedding.model).name}")
    return tuple(found.values())


def _states(
    recording: "Recording", model: Any, layers: Sequence[int], embedding: Embedding, words: int | None, name: str
) -> dict[str, "Features"]:
    from grounding.brain.features import states
    from grounding.text.contextual import Context

    context = Context(words=words or embedding.context)
    found = states(recording, model, list(layers), context=context, cache=embedding.cache, name=name)
    return {features.name: features for features in found.values()}


def _static(recording: "Recording", path: Path) -> "Features":
    from grounding.brain.features import static_vectors
    from grounding.cli.text.vectors import read_vectors

    return static_vectors(recording, read_vectors(path), unknown="zero", name=f"word vectors {path.name}")


def in_step(features: "Features", recording: "Recording") -> "Features":
    """Features of words brought to the volumes of an fMRI recording, free of the word rate."""
    from grounding.brain.features import averaged

    return averaged(features, recording)


def by_window(recording: "Recording", first: float, last: float) -> "Responses":
    """The mean over a window after each word's onset, words whose window leaves the recording left out."""
    return epochs_of(recording, first, last).mean(first, last)


def epochs_of(recording: "Recording", first: float, last: float) -> "Epochs":
    """Stretches around the onsets of words."""
    from grounding.brain.readers import word_epochs

    return word_epochs(recording, first, last)


def folding(name: Folds, k: int = 5) -> "Folding | Literal['contiguous']":
    """The folds that a command's word means."""
    from grounding.brain.folds import ByWordType, LeaveOneOut

    if name == "contiguous":
        return name
    return ByWordType(k) if name == "word" else LeaveOneOut(name)


def mean_by_word(vectors: "np.ndarray", words: "np.ndarray | None", wanted: "np.ndarray | None") -> "np.ndarray":
    """(m, p): the mean vector of each of m wanted words over its tokens.

    Args:
        vectors: (n, p) of n tokens.
        words: (n,) str, what the tokens are.
        wanted: (m,) str, each among them.
    """
    import numpy as np

    from grounding.brain.rows import word_type

    # Word-locked responses always have words.
    assert words is not None and wanted is not None
    types = np.array([word_type(word) for word in words.tolist()])
    return np.stack([vectors[types == word_type(word)].mean(0) for word in wanted.tolist()])


def check_permutations(found: int, *allowed: int) -> None:
    """Refuse so few permutations that no p-value could be 0.05.

    Args:
        found: the number asked for.
        allowed: numbers with a meaning of their own, such as 0 for none.

    Raises:
        InputError: fewer than 19.
    """
    if found < 19 and found not in allowed:
        other = "".join(f"{number} or " for number in allowed)
        raise InputError(f"permutations: {found} found, expected {other}at least 19, below which no p is 0.05")
