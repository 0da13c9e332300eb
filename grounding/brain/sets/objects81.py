"""Pictures of 81 kinds of objects: fMRI of one person in seven visual regions."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.brain.sets.files import Layout, read_matlab
from grounding.errors import DataError, InputError

ARRAYS = {"betas": 2, "objects": 1, "roi_of_voxel": 1, "roi_names": 1}

LAYOUT = Layout(
    "81 objects",
    "responses.npz (betas, objects, roi_of_voxel, roi_names), alexnet.mat and word2vec.mat",
    "the repository 'Neural Encoding Analysis' of its authors; responses.npz holds the arrays of its "
    "python_roi_data.pickle, which is not read here",
)


@dataclass(frozen=True)
class Objects81:
    """One response pattern an object, the mean over ten pictures of it.

    Attributes:
        responses: (81, 696) float32, GLM betas; a row an object, in the order of the file. The rows are no time
            series, and ``rows.word`` is the object.
        regions: (696,) str, the region of each voxel: EVC, OPA, PPA, LOC, PFS, OFA or FFA.
        alexnet: (81, 20) float32 principal components of AlexNet's convolutional layers for the same pictures.
        word2vec: (81, 30) float32 principal components of word2vec vectors of the names. Both were computed over all
            81 objects, test objects included.
    """

    responses: Responses
    regions: np.ndarray
    alexnet: np.ndarray
    word2vec: np.ndarray

    def region(self, name: str) -> Responses:
        """The voxels of one region.

        Raises:
            InputError: there is none of that name.
        """
        chosen = np.flatnonzero(self.regions == name)
        if not len(chosen):
            raise InputError(f"region {name!r}: not found, expected one of {', '.join(dict.fromkeys(self.regions))}")
        targets = tuple(self.responses.targets[voxel] for voxel in chosen)
        return Responses(self.responses.data[:, chosen], self.responses.rows, targets, "fmri")


def load(folder: Path | str) -> Objects81:
    """Read the set.

    Raises:
        DataError: a file is missing, or its arrays are not the ones expected.
    """
    path = LAYOUT.path(folder, "responses.npz")
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in ARRAYS if name in found}
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: not readable ({error}); get the file again") from error
    if missing := [name for name, axes in ARRAYS.items() if name not in arrays or arrays[name].ndim != axes]:
        raise DataError(f"{path}: no usable array {', '.join(missing)}; expected {', '.join(ARRAYS)}")
    betas, objects = arrays["betas"].astype(np.float32), arrays["objects"].astype(np.str_)
    if betas.shape != (len(objects), len(arrays["roi_of_voxel"])):
        raise DataError(f"{path}: betas {betas.shape}, expected ({len(objects)}, {len(arrays['roi_of_voxel'])})")
    if not np.isfinite(betas).all():
        raise DataError(f"{path}: {int((~np.isfinite(betas)).sum())} betas are not finite; get the file again")
    # Regions are numbered from 1, in the order of their names.
    regions = arrays["roi_names"].astype(np.str_)[arrays["roi_of_voxel"].astype(int) - 1]
    rows = Rows.of_run("objects", np.arange(len(objects)), word=objects.tolist())
    targets = tuple(f"{region} {voxel}" for voxel, region in enumerate(regions))
    vectors = [_vectors(folder, name, len(objects)) for name in ("alexnet", "word2vec")]
    return Objects81(Responses(betas, rows, targets, "fmri"), regions, *vectors)


def _vectors(folder: Path | str, name: str, rows: int) -> np.ndarray:
    path = LAYOUT.path(folder, f"{name}.mat")
    vectors = read_matlab(path, name)
    if vectors.ndim != 2 or len(vectors) != rows:
        raise DataError(f"{path}: {vectors.shape} found, expected ({rows}, components)")
    return vectors.astype(np.float32)
