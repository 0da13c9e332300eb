import json
import shutil

import numpy as np
import pytest

from grounding.brain.readers import bids_files
from grounding.brain.readers.bids import read_bids, read_bids_fmri, with_events
from grounding.brain.readers.fmri import Regions, Voxels
from grounding.errors import DataError

mne = pytest.importorskip("mne")
mne_bids = pytest.importorskip("mne_bids")
nibabel = pytest.importorskip("nibabel")

RATE = 200.0
PLACES = {"A1": [0.03, 0.01, 0.02], "A2": [0.02, -0.04, 0.06], "A3": [-0.02, 0.0, 0.05]}


def raw(kind, seed, begin):
    generator = np.random.default_rng(seed)
    info = mne.create_info([*PLACES, "EOG"], RATE, [*[kind] * 3, "eog"], verbose="error")
    made = mne.io.RawArray(generator.normal(size=(4, 800)) * 1e-5, info, verbose="error")
    if kind == "ecog":
        places = {name: np.array(place) for name, place in PLACES.items()}
        made.set_montage(mne.channels.make_dig_montage(places, coord_frame="mni_tal"), verbose="error")
        made.info["line_freq"] = 50
    made.set_meas_date(1_600_000_000 + begin)
    return made


def add_words(path, rows="1.0\t0.2\tword\tdown\n2.0\t0.2\tword\twent\n0.0\t4\tblock\tn/a\n"):
    events = path.copy().update(suffix="events", extension=".tsv").fpath
    events.write_text("onset\tduration\ttrial_type\tword\n" + rows)


def study(root, kind="eeg", subjects=("01", "02"), begins=(0, 60)):
    """Two runs of each subject, written by MNE-BIDS (EEG as EDF, electrodes as BrainVision)."""
    for place, subject in enumerate(subjects):
        for number, begin in enumerate(begins, 1):
            path = mne_bids.BIDSPath(
                subject=subject, task="tale", run=number, datatype="ieeg" if kind == "ecog" else kind, root=root
            )
            made = raw(kind, seed=10 * place + number, begin=begin)
            if (subject, number) == ("02", 1) and kind == "eeg":
                made.info["bads"] = ["A2"]
            mne_bids.write_raw_bids(
                made, path, format="EDF" if kind == "eeg" else "BrainVision", allow_preload=True, verbose="error"
            )
            add_words(path)
    return root


@pytest.fixture(scope="module")
def eeg(tmp_path_factory):
    return study(tmp_path_factory.mktemp("eeg"))


@pytest.fixture
def copy(eeg, tmp_path):
    """To be spoiled."""
    return shutil.copytree(eeg, tmp_path / "study")


def test_eeg_runs_of_two_subjects(eeg, capsys, recwarn):
    recording = with_events(read_bids(eeg, "eeg"), eeg, types=["word"])
    names = [f"sub-{subject}_task-tale_run-{number}" for subject in ("01", "02") for number in (1, 2)]
    assert [run.name for run in recording.runs] == names
    assert [run.subject for run in recording.runs] == ["01", "01", "02", "02"]
    assert [run.story for run in recording.runs] == ["task-tale_run-1", "task-tale_run-2"] * 2
    assert recording.channels == ("A1", "A3")
    assert recording.excluded == {"A2": "marked bad in sub-02_task-tale_run-1_channels.tsv"}
    assert all(run.transcript.words == ("down", "went") for run in recording.runs)
    expected = raw("eeg", 11, 0).get_data()[[0, 2]].T
    np.testing.assert_allclose(recording.runs[2].data, expected, atol=2e-9)  # 16 bits of EDF
    assert capsys.readouterr() == ("", "") and not recwarn.list


def test_choosing_and_naming(eeg):
    recording = read_bids(eeg, "eeg", subjects=["01"], runs=["2"], stories={"sub-01_task-tale_run-2": "rabbit"})
    assert [run.name for run in recording.runs] == ["sub-01_task-tale_run-2"]
    assert recording.runs[0].story == "rabbit" and recording.channels == ("A1", "A2", "A3")
    with pytest.raises(DataError, match="no eeg data of the subjects, sessions, tasks and runs asked for"):
        read_bids(eeg, "eeg", tasks=["rest"])


def test_electrodes_in_mni_space(tmp_path):
    root = study(tmp_path, "ecog", subjects=("01",), begins=(0,))
    recording = read_bids(root, "ecog")
    assert recording.kind == "ecog" and recording.channels == tuple(PLACES)
    np.testing.assert_allclose(recording.positions, list(PLACES.values()), atol=1e-6)
    (system,) = root.glob("sub-01/ieeg/*coordsystem.json")
    system.write_text(system.read_text().replace('"MNI152NLin2009bAsym"', '"ACPC"').replace('"fsaverage"', '"ACPC"'))
    assert read_bids(root, "ecog").positions is None


def test_missing_events_are_named(copy):
    recording = read_bids(copy, "eeg", subjects=["01"])
    (copy / "sub-01/eeg/sub-01_task-tale_run-2_events.tsv").unlink()
    with pytest.raises(DataError, match="sub-01_task-tale_run-2_events.tsv: no events found for run 'sub-01_task-tale"):
        with_events(recording, copy)


def test_events_of_a_whole_task_are_inherited(copy):
    recording = read_bids(copy, "eeg", subjects=["01"])
    for events in copy.glob("sub-01/eeg/*_events.tsv"):
        events.unlink()
    (copy / "task-tale_events.tsv").write_text("onset\tduration\tword\n1\t1\tall\n")
    (copy / "task-other_events.tsv").write_text("onset\tduration\tword\n1\t1\tnone\n")
    assert [run.transcript.words for run in with_events(recording, copy).runs] == [("all",)] * 2


def test_events_beyond_the_recording(copy):
    path = copy / "sub-01/eeg/sub-01_task-tale_run-1_events.tsv"
    path.write_text("onset\tduration\tword\n1\t1\tin\n5\t1\tout\n")
    recording = read_bids(copy, "eeg", subjects=["01"], runs=["1"])
    with pytest.raises(DataError, match="recording lasts from 0 to 4 s and the transcript from 1 to 6 s; 1 of 2 words"):
        with_events(recording, copy)
    assert with_events(recording, copy, crop=True).runs[0].transcript.words == ("in",)


def test_a_run_with_a_break(copy):
    path = copy / "sub-01/eeg/sub-01_task-tale_run-1_events.tsv"
    path.write_text("onset\tduration\ttrial_type\tword\n1\t1\tword\ta\n2.5\t0\tboundary\tn/a\n3\t0.5\tword\tb\n")
    recording = read_bids(copy, "eeg", subjects=["01"])
    words = [(run.name[-6:], run.transcript.words) for run in with_events(recording, copy, types=["word"]).runs]
    assert words == [("part-1", ("a",)), ("part-2", ("b",)), ("_run-2", ("down", "went"))]
    # That this file's words are parted is no leave to crop those of another.
    path.with_name(path.name.replace("run-1", "run-2")).write_text("onset\tduration\tword\n9\t1\tlate\n")
    with pytest.raises(DataError, match="run-2': the recording lasts from 0 to 4 s"):
        with_events(recording, copy)


def test_overlapping_runs(tmp_path):
    with pytest.raises(DataError, match="'sub-01_task-tale_run-1' and 'sub-01_task-tale_run-2' .* overlap by 2 s"):
        read_bids(study(tmp_path, subjects=("01",), begins=(0, 2)), "eeg")


def test_a_folder_that_is_no_bids(tmp_path):
    with pytest.raises(DataError, match="no folder found"):
        read_bids(tmp_path / "nothing", "eeg")
    with pytest.raises(DataError, match="neither dataset_description.json nor a sub- folder"):
        read_bids(tmp_path, "eeg")


def test_unreadable_data_is_named(copy):
    path = copy / "sub-01/eeg/sub-01_task-tale_run-1_eeg.edf"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="run-1_eeg.edf: cannot be read by MNE-BIDS"):
        read_bids(copy, "eeg")


AFFINE = np.diag([3.0, 3, 3, 1])


def bold(path, seed, affine=AFFINE, tr=2.0):
    data = np.random.default_rng(seed).normal(100, 5, size=(3, 3, 3, 10)).astype(np.float32)
    image = nibabel.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = tr
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
    return data


@pytest.fixture
def scans(tmp_path):
    """Two raw runs with events, and what fMRIPrep makes of them in two spaces."""
    root = tmp_path / "study"
    derived = root / "derivatives/fmriprep"
    for run in (1, 2):
        name = f"sub-01_task-tale_run-{run}"
        bold(root / f"sub-01/func/{name}_bold.nii.gz", run)
        (root / f"sub-01/func/{name}_events.tsv").write_text("onset\tduration\tword\n1\t1\tdown\n")
        for space in ("MNI152NLin2009cAsym", "T1w"):
            bold(derived / f"sub-01/func/{name}_space-{space}_desc-preproc_bold.nii.gz", 10 * run)
            inside = np.zeros((3, 3, 3), dtype=np.uint8)
            inside[1, 1, :run] = 1
            mask = derived / f"sub-01/func/{name}_space-{space}_desc-brain_mask.nii.gz"
            nibabel.save(nibabel.Nifti1Image(inside, AFFINE), mask)
        header = "\t".join(["csf", "trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"])
        series = derived / f"sub-01/func/{name}_desc-confounds_timeseries.tsv"
        series.write_text(header + "\n" + "1\t2\t3\t4\t5\t6\t7\n" * 10)
    for folder in (root, derived):
        (folder / "dataset_description.json").write_text("{}")
    (root / "task-tale_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    return root


def whole():
    return Voxels(nibabel.Nifti1Image(np.ones((3, 3, 3), np.uint8), AFFINE))


def test_fmri_as_scanned(scans):
    recording = with_events(read_bids_fmri(scans, whole()), scans)
    assert [run.name for run in recording.runs] == ["sub-01_task-tale_run-1", "sub-01_task-tale_run-2"]
    assert len(recording.channels) == 27 and recording.positions is None
    assert recording.runs[0].transcript.words == ("down",)
    assert recording.runs[0].confounds is None and recording.runs[1].story == "task-tale_run-2"


def test_fmri_from_fmriprep(scans):
    recording = with_events(
        read_bids_fmri(
            scans, Voxels(), derivative=scans / "derivatives/fmriprep", space="MNI152NLin2009cAsym", confounds=["rot_*"]
        ),
        scans,
    )
    assert recording.channels == ("1 1 0",)  # the mask of the first run; the second has a voxel more
    assert recording.excluded == {"1 1 1": "no such channel in run 'sub-01_task-tale_run-1'"}
    np.testing.assert_allclose(recording.positions, [[3e-3, 3e-3, 0]])
    np.testing.assert_array_equal(recording.runs[0].confounds, np.tile([[5, 6, 7]], (10, 1)))
    assert recording.runs[1].transcript.words == ("down",)


def test_scans_that_were_moved_in_time(scans):
    """After slice-timing correction a scan stands for its middle; a word in the first half is still within the run."""
    derived = scans / "derivatives/fmriprep"
    for one in derived.glob("sub-01/func/*run-2_space-T1w_desc-preproc_bold.nii.gz"):
        one.with_name(one.name.replace(".nii.gz", ".json")).write_text('{"StartTime": 1.0}')
    (scans / "sub-01/func/sub-01_task-tale_run-2_events.tsv").write_text("onset\tduration\tword\n0.2\t1\tdown\n")
    recording = with_events(read_bids_fmri(scans, Voxels(), derivative=derived, space="T1w"), scans)
    assert [run.start for run in recording.runs] == [0, 1]
    assert recording.runs[1].rate == 0.5 and recording.runs[1].transcript.onsets.tolist() == [0.2]


def test_fmri_regions(scans):
    labels = np.zeros((3, 3, 3), np.int16)
    labels[0] = 1
    recording = read_bids_fmri(scans, Regions(nibabel.Nifti1Image(labels, AFFINE), {1: "V1"}), runs=["2"])
    assert recording.channels == ("V1",) and len(recording.runs) == 1


def test_fmri_refuses(scans):
    derived = scans / "derivatives/fmriprep"
    with pytest.raises(DataError, match="a second image of run 'sub-01_task-tale_run-1' .*choose by space="):
        read_bids_fmri(scans, whole(), derivative=derived)
    with pytest.raises(DataError, match="no .*_bold.nii.gz of the subjects"):
        read_bids_fmri(scans, whole(), subjects=["02"])
    path = scans / "sub-01/func/sub-01_task-tale_run-2_bold.nii.gz"
    bold(path, 2, tr=1.5)
    with pytest.raises(
        DataError, match="run-2_bold.nii.gz: the header states a repetition time of 1.5 s, expected 2 s"
    ):
        read_bids_fmri(scans, whole())
    path.rename(path.with_name("sub-01_task-tale_run-2_echo-2_bold.nii.gz"))
    with pytest.raises(DataError, match="one echo or part of several"):
        read_bids_fmri(scans, whole(), runs=["2"])


def test_voxels_on_different_grids(scans):
    affine = AFFINE.copy()
    affine[0, 3] = 9
    for run, where in ((1, AFFINE), (2, affine)):
        folder = scans / "derivatives/fmriprep/sub-01/func"
        stem = f"sub-01_task-tale_run-{run}_space-T1w_desc"
        bold(folder / f"{stem}-preproc_bold.nii.gz", run, affine=where)
        nibabel.save(nibabel.Nifti1Image(np.ones((3, 3, 3), np.uint8), where), folder / f"{stem}-brain_mask.nii.gz")
    with pytest.raises(DataError, match="run-2_space-T1w_desc-preproc_bold.nii.gz: .* voxels on another grid"):
        read_bids_fmri(scans, Voxels(), derivative=scans / "derivatives/fmriprep", space="T1w")


def test_overlapping_scans(scans):
    table = scans / "sub-01/sub-01_scans.tsv"
    rows = "".join(
        f"func/sub-01_task-tale_run-{run}_bold.nii.gz\t2026-01-01T12:00:{second:02d}\n"
        for run, second in ((1, 0), (2, 15))
    )
    table.write_text("filename\tacq_time\n" + rows)
    with pytest.raises(DataError, match="run-1' and 'sub-01_task-tale_run-2' of subject '01' overlap by 5 s"):
        read_bids_fmri(scans, whole())


def test_names_and_their_entities(tmp_path):
    path = tmp_path / "sub-01_ses-a_task-tale_space-MNI_desc-preproc_bold.nii.gz"
    assert bids_files.entities(path)["space"] == "MNI"
    assert bids_files.run_name(path) == "sub-01_ses-a_task-tale"
    assert bids_files.story_of("sub-01_ses-a_task-tale", None) == "ses-a_task-tale"


@pytest.mark.realdata
def test_tiny_bids(data_folder):
    root = data_folder / "neural/mne_io_samples/tiny_bids"
    recording = with_events(read_bids(root, "eeg"), root, words="trial_type")
    assert recording.runs[0].data.shape == (10_000, 63)
    assert recording.excluded == {"PO10": "marked bad in sub-01_ses-eeg_task-rest_channels.tsv: continuously flat"}
    assert recording.positions.shape == (63, 3)
    assert recording.runs[0].transcript.words == ("start_experiment", "show_stimulus")
