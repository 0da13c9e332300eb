"""Dissimilarities of 92 pictures in inferior temporal cortex of people and monkeys (Kriegeskorte et al., 2008)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.sets.files import Layout, read_matlab
from grounding.errors import DataError

PICTURES = 92

LAYOUT = Layout(
    "Kriegeskorte 92",
    "92_brainRDMs.mat, 92_behavRDMs.mat, 92_modelRDMs.mat and Kriegeskorte_Neuron2008_supplementalData.mat",
    "the demonstration data of the RSA toolbox (Nili et al., 2014)",
)


@dataclass(frozen=True)
class Kriegeskorte92:
    """Dissimilarity matrices, each symmetric with zeros on its diagonal.

    Attributes:
        human: (4, 2, 92, 92) float64: subjects by sessions, 1 - correlation of patterns in human IT.
        subjects: the four.
        monkey: (92, 92) float64, 1 - correlation over 674 cells of monkey IT.
        behaviour: (16, 92, 92) float64, dissimilarity judgements of 16 people.
        models: (92, 92) float64 by name: "animacy", "FaceBodyManmadeNatobj", "EVA", "HMAX", "V1", "Silhouette",
            "RADON".
        categories: (92,) str, one of six, such as "human face".
        pictures: (92, 175, 175, 3) uint8.
    """

    human: np.ndarray
    subjects: tuple[str, ...]
    monkey: np.ndarray
    behaviour: np.ndarray
    models: Mapping[str, np.ndarray]
    categories: np.ndarray
    pictures: np.ndarray


def load(folder: Path | str) -> Kriegeskorte92:
    """Read the set.

    Raises:
        DataError: a file is missing, or does not hold what is expected.
    """
    brain = _variable(folder, "92_brainRDMs.mat", "RDMs")
    if brain.ndim != 3 or brain.shape[0] != 1:
        raise DataError(f"92_brainRDMs.mat: RDMs {brain.shape}, expected (1, subjects, sessions)")
    human = np.array([[_matrix("92_brainRDMs.mat", one) for one in subject] for subject in brain[0]])
    subjects = tuple(_name(subject[0]).split("|")[1].strip() for subject in brain[0])
    behaviour = [_matrix("92_behavRDMs.mat", one) for one in _variable(folder, "92_behavRDMs.mat", "rdms_behav_92")[0]]
    models = {
        _name(one): _matrix("92_modelRDMs.mat", one) for one in _variable(folder, "92_modelRDMs.mat", "Models")[0]
    }
    if "monkeyIT" not in models:
        raise DataError(f"92_modelRDMs.mat: no 'monkeyIT' among {', '.join(models)}; get the file again")
    monkey = models.pop("monkeyIT")
    stimuli = _variable(folder, "Kriegeskorte_Neuron2008_supplementalData.mat", "stimuli_92objs")[0]
    return Kriegeskorte92(
        human,
        subjects,
        monkey,
        np.array(behaviour),
        models,
        np.array([str(one["category"].ravel()[0]) for one in stimuli]),
        np.array([one["image"] for one in stimuli]),
    )


def _variable(folder: Path | str, file: str, name: str) -> Any:
    return read_matlab(LAYOUT.path(folder, file), name)


def _matrix(file: str, entry: Any) -> np.ndarray:
    matrix = np.asarray(entry["RDM"], dtype=np.float64)
    if matrix.shape != (PICTURES, PICTURES) or not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T):
        raise DataError(
            f"{file}, {_name(entry)}: {matrix.shape} found, expected a finite, symmetric ({PICTURES}, {PICTURES})"
        )
    return matrix


def _name(entry: Any) -> str:
    return str(entry["name"].ravel()[0])
