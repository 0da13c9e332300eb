"""fMRI runs from NIfTI images (voxels, regions of an atlas, cortical surface), GIFTI files and tables of regions."""

import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.readers.runs import without_bad_channels
from grounding.brain.readers.tables import existing_file, read_matrix
from grounding.brain.recording import Recording, Run
from grounding.errors import DataError, InputError


@dataclass(frozen=True)
class Voxels:
    """Each voxel of a mask is a channel, named by its indices: "12 40 7".

    Attributes:
        mask: path or nibabel image on the grid of the data; where None, a brain mask is computed from each image
            (nilearn's ``compute_epi_mask``), and voxels that some run's mask lacks are left out of all.
    """

    mask: Any = None


@dataclass(frozen=True)
class Regions:
    """The mean over the voxels of each region of an atlas is a channel.

    Attributes:
        atlas: path or nibabel image of whole numbers, 0 outside; brought onto the grid of the data.
        names: of the regions by number; "region 7" for those not named.
    """

    atlas: Any
    names: Mapping[int, str] | None = None


@dataclass(frozen=True)
class Surface:
    """Each vertex of the two hemispheres is a channel, named "left 0" to "right 10241".

    The image must be in MNI space. Values are means along the line from the white to the pial surface of the
    fsaverage5 that comes with nilearn.
    """


def read_fmri(
    image: Any,
    where: Voxels | Regions | Surface,
    *,
    tr: float | None = None,
    name: str | None = None,
    subject: str = "",
    story: str = "",
    confounds: np.ndarray | None = None,
) -> Recording:
    """One 4-D image as a recording of one run, as scanned: nothing is filtered or scaled (see `cleaned`); words are
    added by `with_transcripts`.

    Voxels that are constant or not finite are left out and named in ``excluded``; of a region, only they are, and
    how many. Positions are known where the image says it is in MNI space (its header, or ``space-MNI…`` in its name).

    Args:
        image: path of a NIfTI file, or a nibabel image.
        where: what the channels are.
        tr: seconds from scan to scan. Needed where the header has none; where it has one, both must agree.
        name: of the run; the file's name without ending unless given.
        subject: who.
        story: what was heard; the run's name unless given.
        confounds: (T, K) nuisance series, kept beside the data; see `read_confounds` and `cleaned`.

    Raises:
        DataError: a file that is missing or no 4-D NIfTI, a repetition time that is missing, unlikely or contradicted,
            a mask on another grid, or nothing inside it.
        InputError: an image without a name.

    Example:
        >>> recording = read_fmri("sub-1_bold.nii.gz", Voxels("sub-1_mask.nii.gz"), tr=2.5)
    """
    path, image = _loaded(image, "a 4-D NIfTI image")
    name = _name(path, name)
    if len(image.shape) != 4 or image.shape[3] < 2:
        raise DataError(f"{path or name}: image {image.shape}, expected (x, y, z, scans) with two scans or more")
    if not hasattr(image.header, "get_xyzt_units"):
        raise DataError(f"{path or name}: a {type(image).__name__} found, expected a NIfTI image; convert it first")
    seconds = repetition_time(image, tr, str(path or name))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data, channels, positions, excluded = _extracted(image, where, path)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path or name}: the image breaks off or is corrupt ({error}); copy it again") from error
    run = Run(name, data, 1 / seconds, subject=subject, story=story, confounds=confounds)
    return without_bad_channels(Recording((run,), channels, "fmri", positions=positions, excluded=excluded))


def read_surface(
    left: Any,
    right: Any,
    *,
    tr: float,
    name: str | None = None,
    subject: str = "",
    story: str = "",
    confounds: np.ndarray | None = None,
) -> Recording:
    """A run that is already on the surface: a GIFTI file (``.func.gii``) for each hemisphere.

    Vertices that are constant or not finite, as in the medial wall, are left out and named in ``excluded``. The rest
    is as in `read_fmri`; positions are known for fsaverage5 (10,242 vertices a hemisphere).

    Raises:
        DataError: no GIFTI time series, or hemispheres of different lengths.
    """
    path, _ = _loaded(left, "a GIFTI time series")
    parts = [_gifti(one) for one in (left, right)]
    if len(parts[0]) != len(parts[1]):
        raise DataError(f"{path}: {len(parts[0])} scans on the left and {len(parts[1])} on the right, expected as many")
    channels = _vertex_names([part.shape[1] for part in parts])
    known = all(part.shape[1] == 10_242 for part in parts)
    positions = _fsaverage5_positions() if known else None
    rate = 1 / _plausible(tr, str(path))
    run = Run(_name(path, name), np.hstack(parts), rate, subject=subject, story=story, confounds=confounds)
    return without_bad_channels(Recording((run,), channels, "fmri", positions=positions))


def read_region_table(
    path: str | Path,
    *,
    tr: float,
    regions: tuple[str, ...] | None = None,
    name: str | None = None,
    subject: str = "",
    story: str = "",
    confounds: np.ndarray | None = None,
) -> Recording:
    """A run from a table with a row for each scan and a column for each region (TSV, CSV or parted by blanks).

    Args:
        regions: names of the columns; needed where the table has no header.

    Raises:
        DataError: not such a table, or another number of columns than names; and as `read_fmri`.
        InputError: a table without header and no names.

    Example:
        >>> read_region_table("s18-timecourses.txt", tr=2.0, regions=("LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"))
    """
    values, header = read_matrix(path, "a table with a row for each scan")
    names = regions or header
    if names is None:
        raise InputError(f"{path}: the table has no header; name its {values.shape[1]} columns by regions=")
    if len(names) != values.shape[1]:
        raise DataError(f"{path}: {values.shape[1]} columns found, expected {len(names)}: {', '.join(names)}")
    rate = 1 / _plausible(tr, str(path))
    data = values.astype(np.float32)
    run = Run(_name(Path(path), name), data, rate, subject=subject, story=story, confounds=confounds)
    return without_bad_channels(Recording((run,), tuple(names), "fmri"))


def repetition_time(image: Any, tr: float | None, culprit: str) -> float:
    """Seconds from scan to scan, by the header of a 4-D NIfTI image and by ``tr``, which must agree.

    Raises:
        DataError: neither has it, they differ by more than a millisecond, or it is not between 0.1 and 20 s.
    """
    zooms = image.header.get_zooms()
    unit = image.header.get_xyzt_units()[1]
    scale = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}.get(unit)
    stated = float(zooms[3]) * scale if scale is not None and zooms[3] > 0 else None
    if stated is None and tr is None:
        raise DataError(f"{culprit}: the header states no repetition time ({zooms[3]:g}, unit {unit}); give tr=")
    if stated is not None and tr is not None and abs(stated - tr) > 1e-3:
        raise DataError(
            f"{culprit}: the header states a repetition time of {stated:g} s, expected {tr:g} s as given; find out "
            "which is right and mend the other"
        )
    return _plausible(tr if stated is None else stated, culprit)


def _plausible(tr: float | None, culprit: str) -> float:
    if tr is None or not 0.1 <= tr <= 20:
        raise DataError(f"{culprit}: repetition time {tr} s, expected between 0.1 and 20 s; was it in milliseconds?")
    # The header keeps float32, in which 0.72 s has a tail of digits.
    return round(float(tr), 6)


_Extracted = tuple[np.ndarray, tuple[str, ...], np.ndarray | None, dict[str, str]]


def _extracted(image: Any, where: Voxels | Regions | Surface, path: Path | None) -> _Extracted:
    """data (T, C) float32, names of the channels, positions (C, 3), and what was left out."""
    if isinstance(where, Voxels):
        return _voxels(image, where, path)
    if isinstance(where, Regions):
        return _regions(image, where, path)
    return _surface(image)


def _voxels(image: Any, where: Voxels, path: Path | None) -> _Extracted:
    from nilearn import masking

    mask_path, mask = (None, None) if where.mask is None else _loaded(where.mask, "a NIfTI mask")
    if mask is None:
        mask = masking.compute_epi_mask(image)
    elif _volume(mask, mask_path) != image.shape[:3] or not np.allclose(mask.affine, image.affine, atol=1e-3):
        raise DataError(
            f"{mask_path or 'mask'}: {mask.shape} with another grid than the image's {image.shape[:3]}; bring it onto "
            "the image's grid (nilearn.image.resample_to_img, interpolation='nearest')"
        )
    inside = np.asarray(mask.dataobj).reshape(image.shape[:3]) > 0
    if not inside.any():
        which = "the mask" if where.mask is not None else "the brain mask that was computed; give one"
        raise DataError(f"{mask_path or path or 'image'}: no voxel lies in {which}")
    binary = type(image)(inside.astype(np.int8), image.affine)
    # Left to itself nilearn turns NaN into 0, and a broken voxel would pass for a quiet one.
    data = masking.apply_mask(image, binary, dtype=np.float32, ensure_finite=False)
    places = np.argwhere(inside)
    return data, tuple(f"{i} {j} {k}" for i, j, k in places.tolist()), _mni_metres(image, path, places), {}


def _regions(image: Any, where: Regions, path: Path | None) -> _Extracted:
    from nilearn import image as images
    from nilearn.maskers import NiftiLabelsMasker

    atlas_path, atlas = _loaded(where.atlas, "a NIfTI atlas")
    _volume(atlas, atlas_path)
    resampled = images.resample_to_img(
        atlas, images.index_img(image, 0), interpolation="nearest", force_resample=True, copy_header=True
    )
    labels = np.round(np.asarray(resampled.dataobj)).reshape(image.shape[:3]).astype(np.int32)
    numbers = [number for number in np.unique(np.round(np.asarray(atlas.dataobj))).astype(int).tolist() if number]
    if not numbers:
        raise DataError(f"{atlas_path or 'atlas'}: no region in it, expected whole numbers above 0")
    given = where.names or {}
    names = {number: given.get(number, f"region {number}") for number in numbers}
    if unknown := sorted(set(given) - set(numbers)):
        raise DataError(f"{atlas_path or 'atlas'}: no region has the number {unknown[0]} ({given[unknown[0]]!r})")
    # A voxel without signal would weigh on the mean of its region.
    scans = image.get_fdata(dtype=np.float32, caching="unchanged")
    least, greatest = scans.min(axis=3), scans.max(axis=3)
    usable = np.isfinite(least) & np.isfinite(greatest) & (least < greatest)
    excluded, kept = {}, []
    for number in numbers:
        total, good = int((labels == number).sum()), int(((labels == number) & usable).sum())
        if not good:
            excluded[names[number]] = f"none of its {total} voxels on the image's grid has a signal"
        else:
            kept.append(number)
            if good < total:
                excluded[f"voxels of {names[number]}"] = f"{total - good} of {total} are constant or not finite"
    if not kept:
        raise DataError(f"{atlas_path or 'atlas'}: no region has a voxel with a signal; are both in one space?")
    # Numbered anew, so that the columns' order does not hang on how nilearn treats gaps between the numbers.
    dense = np.where(usable & np.isin(labels, kept), np.searchsorted(kept, labels) + 1, 0).astype(np.int32)
    masker = NiftiLabelsMasker(
        type(image)(dense, image.affine), standardize=None, resampling_target=None, reports=False
    )
    clean = type(image)(np.where(usable[..., None], scans, 0), image.affine)
    data = masker.fit_transform(clean).astype(np.float32)
    centres = np.array([np.argwhere(dense == place).mean(axis=0) for place in range(1, len(kept) + 1)])
    return data, tuple(names[number] for number in kept), _mni_metres(image, path, centres), excluded


def _volume(image: Any, path: Path | None) -> tuple[int, ...]:
    """The shape of a single volume, which a file may hold as the only one of a series."""
    if len(image.shape) < 3 or np.prod(image.shape[3:]) != 1:
        raise DataError(f"{path or 'mask or atlas'}: image {image.shape}, expected one volume (x, y, z)")
    return tuple(image.shape[:3])


def _surface(image: Any) -> _Extracted:
    from nilearn.datasets import load_fsaverage
    from nilearn.surface import SurfaceImage

    brain = load_fsaverage("fsaverage5")
    projected = SurfaceImage.from_volume(brain["pial"], image, inner_mesh=brain["white_matter"])
    parts = [projected.data.parts[side].T.astype(np.float32) for side in ("left", "right")]
    return np.hstack(parts), _vertex_names([part.shape[1] for part in parts]), _fsaverage5_positions(), {}


def _vertex_names(counts: list[int]) -> tuple[str, ...]:
    sides = zip(("left", "right"), counts, strict=True)
    return tuple(f"{side} {vertex}" for side, count in sides for vertex in range(count))


def _fsaverage5_positions() -> np.ndarray:
    from nilearn.datasets import load_fsaverage

    parts = load_fsaverage("fsaverage5")["pial"].parts
    return (np.vstack([parts[side].coordinates for side in ("left", "right")]) / 1000).astype(np.float32)


def _gifti(source: Any) -> np.ndarray:
    path, image = _loaded(source, "a GIFTI time series")
    if not hasattr(image, "agg_data"):
        raise DataError(f"{path}: no GIFTI file, expected a .func.gii time series")
    arrays = image.agg_data()
    data = np.stack(arrays) if isinstance(arrays, tuple) else np.atleast_2d(np.asarray(arrays).T)
    if data.ndim != 2 or len(data) < 2:
        raise DataError(f"{path}: data {data.shape}, expected (scans, vertices) with two scans or more")
    return data.astype(np.float32)


def _mni_metres(image: Any, path: Path | None, places: np.ndarray) -> np.ndarray | None:
    """(C, 3) float32 positions of voxel indices, or None where the image does not say that it is in MNI space."""
    stated = "space-MNI" in path.name if path else False
    if not stated and int(image.header["sform_code"]) != 4:
        return None
    from nibabel.affines import apply_affine

    return (apply_affine(image.affine, places) / 1000).astype(np.float32)


def _loaded(source: Any, expected: str) -> tuple[Path | None, Any]:
    if not isinstance(source, str | Path):
        return None, source
    import nibabel

    path = existing_file(source, expected)
    try:
        return path, nibabel.load(path)
    except Exception as error:  # nibabel raises what the bytes of a format stumble on
        raise DataError(f"{path}: cannot be read as {expected} ({error})") from error


def _name(path: Path | None, name: str | None) -> str:
    if name is not None:
        return name
    if path is None:
        raise InputError("image: an image that comes from no file has no name; give name=")
    return path.name.split(".")[0]
