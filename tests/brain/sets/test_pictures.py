"""Sets of pictures: 81 objects, 92 pictures, and Haxby's eight categories."""

from pathlib import Path

import numpy as np
import pytest

from grounding.brain.sets import haxby, kriegeskorte92, objects81
from grounding.errors import DataError, InputError

# ---- 81 objects


@pytest.fixture
def objects(tmp_path: Path, generator: np.random.Generator) -> Path:
    from scipy.io import savemat

    np.savez(
        tmp_path / "responses.npz",
        betas=generator.normal(size=(3, 4)).astype(np.float32),
        objects=np.array(["bed", "car", "tree"]),
        roi_of_voxel=np.array([2, 1, 1, 2], dtype=np.int8),
        roi_names=np.array(["EVC", "FFA"]),
    )
    for name, width in (("alexnet", 20), ("word2vec", 30)):
        savemat(tmp_path / f"{name}.mat", {name: generator.normal(size=(3, width))})
    return tmp_path


def test_voxels_belong_to_regions_numbered_from_one(objects: Path):
    found = objects81.load(objects)
    assert found.regions.tolist() == ["FFA", "EVC", "EVC", "FFA"]
    np.testing.assert_array_equal(found.region("EVC").data, found.responses.data[:, [1, 2]])
    assert found.region("FFA").targets == ("FFA 0", "FFA 3")
    assert found.responses.rows.word.tolist() == ["bed", "car", "tree"]
    assert found.word2vec.shape == (3, 30) and found.alexnet.shape == (3, 20)
    with pytest.raises(InputError, match="'V9': not found, expected one of FFA, EVC"):
        found.region("V9")


def test_objects_that_do_not_fit_are_refused(objects: Path):
    from scipy.io import savemat

    savemat(objects / "alexnet.mat", {"alexnet": np.zeros((5, 20))})
    with pytest.raises(DataError, match=r"alexnet\.mat: \(5, 20\) found, expected \(3, components\)"):
        objects81.load(objects)
    (objects / "alexnet.mat").write_bytes(b"not a mat file at all")
    with pytest.raises(DataError, match=r"alexnet\.mat: no variable 'alexnet' can be read"):
        objects81.load(objects)
    np.savez(objects / "responses.npz", betas=np.zeros((3, 4)))
    with pytest.raises(DataError, match="no usable array objects, roi_of_voxel, roi_names"):
        objects81.load(objects)
    np.savez(objects / "responses.npz", betas=np.array([{}], dtype=object))
    with pytest.raises(DataError, match=r"responses\.npz: not readable"):
        objects81.load(objects)


@pytest.mark.realdata
def test_the_objects_themselves(data_folder: Path):
    found = objects81.load(data_folder / "neural" / "fmri_81objects_rois")
    assert found.responses.data.shape == (81, 696)
    counts = dict(zip(*np.unique(found.regions, return_counts=True), strict=True))
    assert counts == {"EVC": 100, "FFA": 100, "LOC": 96, "OFA": 100, "OPA": 100, "PFS": 100, "PPA": 100}


# ---- 92 pictures


def test_a_missing_file_of_the_92_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"92_brainRDMs\.mat not found; .*Nili"):
        kriegeskorte92.load(tmp_path)
    (tmp_path / "92_brainRDMs.mat").write_bytes(b"not a mat file at all")
    with pytest.raises(DataError, match=r"92_brainRDMs\.mat: no variable 'RDMs' can be read"):
        kriegeskorte92.load(tmp_path)


@pytest.mark.realdata
def test_the_92_pictures_themselves(data_folder: Path):
    found = kriegeskorte92.load(data_folder / "neural" / "kriegeskorte92")
    assert found.human.shape == (4, 2, 92, 92) and found.subjects == ("BE", "KO", "SN", "TI")
    assert found.behaviour.shape == (16, 92, 92) and found.pictures.shape == (92, 175, 175, 3)
    assert len(found.models) == 7 and "monkeyIT" not in found.models
    upper = np.triu_indices(92, 1)
    assert not np.diagonal(found.human, axis1=2, axis2=3).any() and not np.diag(found.monkey).any()
    # The finding of the paper: human and monkey dissimilarities correlate at r = 0.49.
    assert np.corrcoef(found.human.mean((0, 1))[upper], found.monkey[upper])[0, 1] == pytest.approx(0.49, abs=0.03)
    # Rows of pictures and of matrices are the same: the animacy model follows from the categories.
    animate = np.array(["inanimate" not in name for name in found.categories])
    np.testing.assert_array_equal(found.models["animacy"], animate[:, None] != animate)


# ---- Haxby


@pytest.fixture
def scans(tmp_path: Path, generator: np.random.Generator) -> Path:
    """Two runs of 12 volumes of a 2 x 3 slice in the layout of PyMVPA and in that of OpenFMRI; voxel 0 is constant in
    the second run, and the last voxel is outside the mask.
    """
    import nibabel

    mask = np.ones((2, 3, 1), dtype=np.uint8)
    mask[1, 2] = 0
    data = generator.normal(100, 5, (2, 3, 1, 24)).astype(np.float32)
    data[0, 0, 0, 12:] = 7
    labels = (["rest"] * 2 + ["face"] * 4 + ["rest"] * 2 + ["house"] * 4) * 2
    affine = np.diag([3.0, 4, 4, 1])
    nibabel.save(nibabel.Nifti1Image(mask, affine), tmp_path / "mask.nii.gz")
    nibabel.save(_scan(data, affine), tmp_path / "bold.nii.gz")
    lines = [f"{label} {place // 12}" for place, label in enumerate(labels)]
    (tmp_path / "attributes_literal.txt").write_text("\n".join(lines) + "\n")
    for run in (1, 2):
        place = tmp_path / f"haxby2001/sub001/BOLD/task001_run00{run}"
        place.mkdir(parents=True)
        nibabel.save(_scan(data[..., (run - 1) * 12 : run * 12], affine), place / "bold_1slice.nii.gz")
        events = "onset\tduration\ttrial_type\n5.0\t10.0\tface\n20.0\t10.0\thouse\n"
        (place / "bold_events.tsv").write_text(events)
    return tmp_path


def _scan(data: np.ndarray, affine: np.ndarray):
    import nibabel

    image = nibabel.Nifti1Image(data, affine)
    image.header.set_zooms((3, 4, 4, 2.5))
    return image


def test_runs_labels_and_a_constant_voxel(scans: Path):
    found = haxby.load(scans)
    assert [run.name for run in found.recording.runs] == ["run-01", "run-02"]
    assert found.recording.channels == ("voxel 1", "voxel 2", "voxel 3", "voxel 4")
    assert found.recording.excluded == {"voxel 0": "constant in run-02"}
    assert found.recording.runs[0].rate == pytest.approx(0.4)
    assert found.labels["run-02"].tolist() == ["rest"] * 2 + ["face"] * 4 + ["rest"] * 2 + ["house"] * 4


def test_both_layouts_hold_the_same(scans: Path):
    one, other = haxby.load(scans), haxby.load_openfmri(scans)
    for a, b in zip(one.recording.runs, other.recording.runs, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.data, b.data)
        np.testing.assert_array_equal(one.labels[a.name], other.labels[a.name])


def test_the_mask_chooses_the_voxels_that_nilearn_chooses(scans: Path):
    from nilearn.maskers import NiftiMasker

    masked = NiftiMasker(scans / "mask.nii.gz", standardize=None).fit_transform(scans / "bold.nii.gz")
    found = haxby.load(scans).recording
    ours = np.concatenate([run.data for run in found.runs])
    np.testing.assert_allclose(ours, masked[:, 1:], rtol=1e-6)


def test_blocks_are_means_of_their_delayed_volumes(scans: Path):
    found = haxby.load(scans)
    blocks, seen = found.blocks(delay=1)
    assert seen.tolist() == ["face", "house"] * 2 and blocks.rows.index.tolist() == [2, 8] * 2
    values = haxby.standardised(found.recording.runs[1].data)
    np.testing.assert_allclose(blocks.data[2], values[3:7].mean(0), rtol=1e-5)
    np.testing.assert_allclose(blocks.data[3], values[9:12].mean(0), rtol=1e-5)  # cut off by the end of the run
    for delay in (-1, 5):
        with pytest.raises(InputError, match=f"delay: {delay}"):
            found.blocks(delay)


def test_standardising_takes_out_the_trend(generator: np.random.Generator):
    noise = generator.normal(size=(50, 3))
    trended = 100 + 7 * np.arange(50)[:, None] + 3 * noise
    np.testing.assert_allclose(haxby.standardised(trended), haxby.standardised(noise), atol=1e-4)


def test_labels_and_volumes_must_be_equally_many(scans: Path):
    path = scans / "attributes_literal.txt"
    path.write_text(path.read_text() + "rest 1\n")
    with pytest.raises(DataError, match="25 labels found, expected 24"):
        haxby.load(scans)


def test_an_event_beyond_its_run_and_a_broken_image_are_refused(scans: Path):
    events = scans / "haxby2001/sub001/BOLD/task001_run002/bold_events.tsv"
    events.write_text("onset\tduration\ttrial_type\n25.0\t10.0\tface\n")
    with pytest.raises(DataError, match=r"face at 25\.0 s lasts 10\.0 s, beyond the run's 30"):
        haxby.load_openfmri(scans)
    (scans / "mask.nii.gz").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"mask\.nii\.gz: not readable as NIfTI"):
        haxby.load(scans)


@pytest.mark.realdata
def test_eight_categories_are_told_apart_in_runs_held_out(data_folder: Path):
    from grounding.brain.decoding import classify

    found = haxby.load(data_folder / "neural" / "haxby2001_pymvpa")
    assert [len(run.data) for run in found.recording.runs] == [121] * 12 and len(found.recording.channels) == 530
    accuracy = classify(*found.blocks(), permutations=99).accuracy
    assert accuracy.value >= 0.74 and accuracy.low > 0.5 and accuracy.p == 0.01
    assert accuracy.chance == pytest.approx(1 / 8)
