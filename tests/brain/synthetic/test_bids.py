"""A synthetic folder is read back as what was written, by the readers and by the libraries themselves."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.readers.bids import read_bids, read_bids_fmri, with_events
from grounding.brain.readers.fmri import Regions, Voxels
from grounding.brain.synthetic import is_synthetic, simulate_ecog, simulate_eeg, simulate_fmri, write_bids
from grounding.errors import DataError, InputError, StorageError

SMALL = {"stories": 2, "minutes": 0.2, "seed": 0}


def assert_same_words(found, made):
    assert found.words == made.words
    np.testing.assert_allclose(found.onsets, made.onsets, atol=1e-5)
    np.testing.assert_allclose(found.offsets, made.offsets, atol=1e-5)


@pytest.mark.parametrize(
    ("maker", "kind", "settings"),
    [(simulate_eeg, "eeg", {"stories": 1, "subjects": 2}), (simulate_ecog, "ecog", {"repeats": 2})],
)
def test_electrophysiology_comes_back(tmp_path, maker, kind, settings):
    made = maker(**{**SMALL, **settings})
    folder = write_bids(made, tmp_path / "study")
    assert is_synthetic(folder)
    found = with_events(read_bids(folder, kind), folder, words="word")
    assert found.channels == made.recording.channels
    np.testing.assert_allclose(found.positions, made.recording.positions, atol=1e-5)
    assert [run.name for run in found.runs] == [run.name for run in made.recording.runs]
    for one, other in zip(found.runs, made.recording.runs, strict=True):
        assert (one.subject, one.rate) == (other.subject, other.rate)
        np.testing.assert_allclose(one.data, other.data, atol=1e-6 * other.data.std())
        assert_same_words(one.transcript, other.transcript)


def test_fmri_comes_back_as_voxels_and_regions(tmp_path):
    made = simulate_fmri(**SMALL, voxels=5, subjects=2, tr=1.5)
    folder = write_bids(made, tmp_path / "study")
    derivative = folder / "derivatives" / "synthetic"
    assert is_synthetic(folder) and is_synthetic(derivative)
    found = with_events(read_bids_fmri(folder, Voxels(), derivative=derivative), folder, words="word")
    # The mask's order is not the recording's; places tell which voxel is which.
    order = [int(np.abs(found.positions - place).sum(1).argmin()) for place in made.recording.positions]
    assert sorted(order) == list(range(len(made.recording.channels)))
    np.testing.assert_allclose(found.positions[order], made.recording.positions, atol=1e-5)
    for one, other in zip(found.runs, made.recording.runs, strict=True):
        assert one.name == other.name and one.rate == pytest.approx(1 / 1.5)
        np.testing.assert_allclose(one.data[:, order], other.data, atol=1e-5)
        assert_same_words(one.transcript, other.transcript)
    names = dict(line.split("\t") for line in
                 (derivative / "space-MNI152NLin2009cAsym_dseg.tsv").read_text().splitlines()[1:])  # fmt: skip
    atlas = Regions(derivative / "space-MNI152NLin2009cAsym_dseg.nii.gz", {int(n): name for n, name in names.items()})
    regions = read_bids_fmri(folder, atlas, derivative=derivative)
    assert regions.channels == tuple(dict.fromkeys(made.truth.regions))
    expected = made.recording.runs[0].data.reshape(-1, 7, 5).mean(2)
    np.testing.assert_allclose(regions.runs[0].data, expected, atol=1e-5)


def test_the_truth_is_beside_the_data(tmp_path):
    made = simulate_ecog(**SMALL)
    folder = write_bids(made, tmp_path / "study") / "sourcedata" / "truth"
    header, *lines = [line.split("\t") for line in (folder / "channels.tsv").read_text().splitlines()]
    table = dict(zip(header, zip(*lines, strict=True), strict=True))
    assert table["name"] == made.recording.channels and table["region"] == made.truth.regions
    np.testing.assert_array_equal(np.array(table["layer"], dtype=int), made.truth.layer)
    np.testing.assert_allclose(np.array(table["lag"], dtype=float), made.truth.lag)
    np.testing.assert_allclose(np.array(table["ceiling_r2"], dtype=float), made.truth.ceiling, rtol=1e-4)
    with np.load(folder / "layers.npz", allow_pickle=False) as layers:
        np.testing.assert_array_equal(layers["layer 2/story1"], made.layers[2].runs["sub-01_task-story1"])
    assert "synthetic" in (folder.parents[1] / "README").read_text().lower()


def test_a_folder_in_use_is_left_alone_and_nothing_half_written_stays(tmp_path):
    made = simulate_fmri(**SMALL, voxels=2)
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    for taken in (full, full / "mine.txt"):
        with pytest.raises(StorageError, match="it is there and no empty folder"):
            write_bids(made, taken)
    crooked = replace(made, recording=replace(made.recording, positions=made.recording.positions + 0.001))
    with pytest.raises(InputError, match="4 mm grid"):
        write_bids(crooked, tmp_path / "crooked")
    with pytest.raises(StorageError, match="cannot be written"):
        write_bids(made, full / "mine.txt" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
    left = tmp_path / ".empty.tmp"
    left.mkdir()
    (left / "half").write_text("written by a process that was killed")
    (tmp_path / "empty").mkdir()
    assert is_synthetic(write_bids(made, tmp_path / "empty"))
    assert not (tmp_path / "empty" / "half").exists() and not left.exists()


def test_what_is_not_synthetic_or_not_named_so_is_refused(tmp_path):
    made = simulate_fmri(**SMALL, voxels=2)
    with pytest.raises(InputError, match="not marked synthetic"):
        write_bids(replace(made, recording=replace(made.recording, synthetic=False)), tmp_path / "a")
    runs = (replace(made.recording.runs[0], name="first"),)
    with pytest.raises(InputError, match="run 'first': expected BIDS entities"):
        write_bids(replace(made, recording=replace(made.recording, runs=runs)), tmp_path / "b")
    assert not list(tmp_path.iterdir())


def test_other_folders_are_not_called_synthetic(tmp_path):
    with pytest.raises(DataError, match="dataset_description.json: cannot be read"):
        is_synthetic(tmp_path)
    (tmp_path / "dataset_description.json").write_text(json.dumps({"Name": "real", "BIDSVersion": "1.9.0"}))
    assert not is_synthetic(tmp_path)
