import numpy as np
import pytest

from grounding.brain.readers.fmri import Regions, Surface, Voxels, read_fmri, read_region_table, read_surface
from grounding.errors import DataError, InputError

nibabel = pytest.importorskip("nibabel")

AFFINE = np.array([[3.0, 0, 0, -6], [0, 3, 0, -9], [0, 0, 3, 12], [0, 0, 0, 1]])
SHAPE = (4, 5, 3)


def image(scans=12, tr=2.0, unit="sec", seed=0, code=1, affine=AFFINE, shape=SHAPE):
    data = np.random.default_rng(seed).normal(100, 5, size=(*shape, scans)).astype(np.float32)
    made = nibabel.Nifti1Image(data, affine)
    made.header.set_xyzt_units("mm", unit)
    made.header["pixdim"][4] = tr
    made.header["sform_code"] = code
    return made


def mask(*places, affine=AFFINE):
    inside = np.zeros(SHAPE, dtype=np.int8)
    for place in places:
        inside[place] = 1
    return nibabel.Nifti1Image(inside, affine)


PLACES = ((0, 0, 0), (1, 2, 1), (3, 4, 2))


def test_voxels_of_a_file(tmp_path, recwarn):
    nibabel.save(image(), tmp_path / "bold.nii.gz")
    nibabel.save(mask(*PLACES), tmp_path / "mask.nii.gz")
    recording = read_fmri(tmp_path / "bold.nii.gz", Voxels(tmp_path / "mask.nii.gz"), subject="1")
    (run,) = recording.runs
    assert recording.channels == ("0 0 0", "1 2 1", "3 4 2") and recording.kind == "fmri"
    assert (run.name, run.rate, run.subject) == ("bold", 0.5, "1")
    expected = np.stack([image().get_fdata()[place] for place in PLACES], axis=1)
    np.testing.assert_allclose(run.data, expected, rtol=1e-6)
    assert recording.positions is None and not recwarn.list


def test_positions_where_the_image_is_in_mni_space(tmp_path):
    recording = read_fmri(image(code=4), Voxels(mask(*PLACES)), name="r")
    np.testing.assert_allclose(recording.positions, [[-6e-3, -9e-3, 12e-3], [-3e-3, -3e-3, 15e-3], [3e-3, 3e-3, 18e-3]])
    path = tmp_path / "sub-1_space-MNI152NLin2009cAsym_bold.nii"
    nibabel.save(image(), path)
    np.testing.assert_allclose(read_fmri(path, Voxels(mask(*PLACES))).positions, recording.positions)


def test_broken_voxels_are_named():
    broken = image()
    broken.dataobj[PLACES[0]][3] = np.nan
    broken.dataobj[PLACES[2]][:] = 0
    recording = read_fmri(broken, Voxels(mask(*PLACES)), name="r")
    assert recording.channels == ("1 2 1",)
    assert recording.excluded == {
        "0 0 0": "1 of 12 samples are not finite in run 'r'",
        "3 4 2": "constant in run 'r'",
    }


def test_voxels_equal_nilearns_masker():
    from nilearn.maskers import NiftiMasker

    recording = read_fmri(image(), Voxels(mask(*PLACES)), name="r")
    theirs = NiftiMasker(mask(*PLACES), standardize=None, reports=False).fit_transform(image())
    np.testing.assert_allclose(recording.runs[0].data, theirs, rtol=1e-6)


def test_a_mask_is_computed_where_none_is_given():
    brain = np.zeros((12, 12, 12), dtype=bool)
    brain[3:9, 3:9, 3:9] = True
    scans = np.random.default_rng(0).normal(0, 1, size=(12, 12, 12, 5)).astype(np.float32)
    scans[brain] += 1000
    made = nibabel.Nifti1Image(scans, AFFINE)
    recording = read_fmri(made, Voxels(), tr=2.0, name="r")
    places = np.array([list(map(int, name.split())) for name in recording.channels])
    assert brain[tuple(places.T)].sum() > 0.9 * brain.sum()
    assert brain[tuple(places.T)].mean() > 0.6 and len(places) < 0.25 * brain.size  # it is a little generous


def atlas(**regions):
    labels = np.zeros(SHAPE, dtype=np.int16)
    for number, places in regions.items():
        for place in places:
            labels[place] = int(number[1:])
    return nibabel.Nifti1Image(labels, AFFINE)


def test_regions_are_means_over_their_good_voxels():
    bold = image()
    bold.dataobj[PLACES[1]][5] = np.nan
    bold.dataobj[2, 2, 2] = 3.0
    made = atlas(n7=PLACES, n2=[(0, 1, 0), (0, 2, 0)], n9=[(2, 2, 2)])
    recording = read_fmri(bold, Regions(made, {7: "IFG"}), name="r")
    assert recording.channels == ("region 2", "IFG")
    data = image().get_fdata()
    np.testing.assert_allclose(recording.runs[0].data[:, 0], (data[0, 1, 0] + data[0, 2, 0]) / 2, rtol=1e-6)
    np.testing.assert_allclose(recording.runs[0].data[:, 1], (data[PLACES[0]] + data[PLACES[2]]) / 2, rtol=1e-6)
    assert recording.excluded == {
        "voxels of IFG": "1 of 3 are constant or not finite",
        "region 9": "none of its 1 voxels on the image's grid has a signal",
    }


def test_an_atlas_of_finer_grain_is_brought_onto_the_images_grid():
    fine = np.zeros((8, 10, 6), dtype=np.int16)
    fine[2:4, 4:6, 2:4] = 5  # the voxel 1 2 1 of the image
    affine = AFFINE.copy()
    affine[:3, :3] /= 2
    affine[:3, 3] -= 0.75
    recording = read_fmri(image(), Regions(nibabel.Nifti1Image(fine, affine)), name="r")
    np.testing.assert_allclose(recording.runs[0].data[:, 0], image().get_fdata()[1, 2, 1], rtol=1e-6)


@pytest.mark.parametrize(
    ("header", "given", "expected"), [((0.72, "sec"), None, 0.72), ((720, "msec"), 0.72, 0.72), ((0, "sec"), 1.5, 1.5)]
)
def test_repetition_time(header, given, expected):
    recording = read_fmri(image(tr=header[0], unit=header[1]), Voxels(mask(*PLACES)), tr=given, name="r")
    assert 1 / recording.runs[0].rate == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("header", "given", "message"),
    [
        ((0, "sec"), None, "the header states no repetition time"),
        ((1.0, "unknown"), None, "states no repetition time .1, unit unknown.; give tr="),
        ((2.0, "sec"), 2.5, "states a repetition time of 2 s, expected 2.5 s as given"),
        ((2000, "sec"), None, "repetition time 2000.0 s, expected between 0.1 and 20 s; was it in milliseconds"),
    ],
)
def test_wrong_repetition_times(header, given, message):
    with pytest.raises(DataError, match=message):
        read_fmri(image(tr=header[0], unit=header[1]), Voxels(mask(*PLACES)), tr=given, name="r")


def test_images_that_cannot_be_used(tmp_path):
    with pytest.raises(DataError, match="expected .x, y, z, scans. with two scans or more"):
        read_fmri(mask(*PLACES), Voxels(), name="r")
    with pytest.raises(DataError, match="another grid than the image's"):
        read_fmri(image(), Voxels(mask(*PLACES, affine=AFFINE * 2)), name="r")
    with pytest.raises(DataError, match="no voxel lies in the mask"):
        read_fmri(image(), Voxels(mask()), name="r")
    with pytest.raises(DataError, match="no region in it"):
        read_fmri(image(), Regions(atlas()), name="r")
    with pytest.raises(DataError, match="no region has the number 3 .'V1'"):
        read_fmri(image(), Regions(atlas(n1=PLACES), {3: "V1"}), name="r")
    with pytest.raises(InputError, match="give name="):
        read_fmri(image(), Voxels(mask(*PLACES)))
    (tmp_path / "x.nii.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="x.nii.gz: cannot be read as a 4-D NIfTI image"):
        read_fmri(tmp_path / "x.nii.gz", Voxels())
    nibabel.save(image(scans=50), tmp_path / "cut.nii.gz")
    whole = (tmp_path / "cut.nii.gz").read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cut.nii.gz: the image breaks off or is corrupt"):
        read_fmri(tmp_path / "cut.nii.gz", Voxels(mask(*PLACES)))
    with pytest.raises(DataError, match="expected one volume"):
        read_fmri(image(), Regions(image()), name="r")
    with pytest.raises(DataError, match="expected one volume"):
        read_fmri(image(), Voxels(image()), name="r")
    with pytest.raises(DataError, match="a MGHImage found, expected a NIfTI image"):
        read_fmri(nibabel.MGHImage(image().get_fdata(dtype=np.float32), AFFINE), Voxels(mask(*PLACES)), name="r")
    with pytest.raises(DataError, match="run 'r': confounds"):
        read_fmri(image(), Voxels(mask(*PLACES)), name="r", confounds=np.zeros((11, 6), np.float32))


def test_surface_of_the_left_and_the_right():
    """A brain that is busy on the left only: the vertices on the right are constant and named."""
    affine = np.diag([12.0, 12, 12, 1])
    affine[:3, 3] = -96, -132, -78
    busy = image(scans=3, affine=affine, shape=(17, 20, 17))
    busy.dataobj[9:] = 0
    busy.dataobj[7:9] = 0
    recording = read_fmri(busy, Surface(), name="r")
    assert 5000 < len(recording.channels) < 10_242
    assert {name.split()[0] for name in recording.channels} == {"left"}
    assert recording.excluded["right 0"] == "constant in run 'r'"
    assert recording.positions.shape == (len(recording.channels), 3) and (recording.positions[:, 0] < 0).all()


def gifti(path, data):
    arrays = [nibabel.gifti.GiftiDataArray(scan.astype(np.float32)) for scan in data]
    nibabel.save(nibabel.gifti.GiftiImage(darrays=arrays), path)
    return path


def test_gifti(tmp_path):
    data = np.random.default_rng(0).normal(size=(2, 6, 30)).astype(np.float32)
    data[1, :, 4] = np.nan
    left, right = (gifti(tmp_path / f"hemi-{side}.func.gii", one) for side, one in zip("LR", data, strict=True))
    recording = read_surface(left, right, tr=1.5, name="r")
    np.testing.assert_array_equal(recording.runs[0].data, np.delete(np.hstack(data), 34, axis=1))
    assert recording.excluded == {"right 4": "6 of 6 samples are not finite in run 'r'"}
    assert recording.channels[-1] == "right 29"
    with pytest.raises(DataError, match="6 scans on the left and 5 on the right"):
        read_surface(left, gifti(tmp_path / "short.func.gii", data[1, :5]), tr=1.5)


def test_tables_of_regions(tmp_path):
    path = tmp_path / "s1.txt"
    path.write_text(" 1 2\n 3 4\n 5 7\n")
    recording = read_region_table(path, tr=2.0, regions=("LATL", "LIFG"), subject="1")
    np.testing.assert_array_equal(recording.runs[0].data, [[1, 2], [3, 4], [5, 7]])
    assert recording.channels == ("LATL", "LIFG") and recording.runs[0].name == "s1"
    with pytest.raises(InputError, match="no header; name its 2 columns"):
        read_region_table(path, tr=2.0)
    with pytest.raises(DataError, match="2 columns found, expected 1: LATL"):
        read_region_table(path, tr=2.0, regions=("LATL",))
    with pytest.raises(DataError, match="repetition time 2000 s"):
        read_region_table(path, tr=2000, regions=("LATL", "LIFG"))


@pytest.mark.realdata
def test_haxby(data_folder):
    folder = data_folder / "neural/haxby2001_pymvpa"
    recording = read_fmri(folder / "bold.nii.gz", Voxels(folder / "mask.nii.gz"), tr=2.5)
    assert recording.runs[0].data.shape == (1452, 530)
    run = read_fmri(
        folder / "haxby2001/sub001/BOLD/task001_run001/bold_25mm.nii.gz",
        Voxels(folder / "haxby2001/sub001/masks/25mm/brain.nii.gz"),
    )
    assert run.runs[0].data.shape == (121, 129) and run.runs[0].rate == pytest.approx(0.4)
