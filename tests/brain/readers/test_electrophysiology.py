import numpy as np
import pytest

from grounding.brain.readers.electrophysiology import annotated_words, read_epochs, read_raw, unbroken
from grounding.brain.readers.runs import with_transcripts
from grounding.errors import DataError, InputError

mne = pytest.importorskip("mne")

RATE = 100.0


def made(types=("eeg", "eeg", "eog"), seconds=3.0, seed=0):
    generator = np.random.default_rng(seed)
    names = [f"{type_}{place}" for place, type_ in enumerate(types)]
    info = mne.create_info(names, RATE, list(types), verbose="error")
    data = generator.normal(size=(len(types), int(seconds * RATE))) * 1e-5
    return mne.io.RawArray(data, info, verbose="error")


def saved(raw, path):
    raw.save(path, verbose="error")
    return path


def test_a_file_becomes_a_run(tmp_path, capsys, recwarn):
    raw = made()
    recording = read_raw(saved(raw, tmp_path / "talk_raw.fif"), subject="7")
    (run,) = recording.runs
    assert (run.name, run.story, run.subject, run.rate, run.start) == ("talk_raw", "talk_raw", "7", RATE, 0)
    assert recording.channels == ("eeg0", "eeg1") and recording.kind == "eeg" and recording.positions is None
    assert run.data.dtype == np.float32 and run.data.flags.c_contiguous
    np.testing.assert_allclose(run.data, raw.get_data()[:2].T, rtol=1e-6)
    assert capsys.readouterr() == ("", "") and not recwarn.list


def test_bad_channels_are_named():
    raw = made(("eeg", "eeg", "eeg", "eeg"))
    raw.info["bads"] = ["eeg1"]
    raw._data[2] = 3e-6
    raw._data[3, 10] = np.nan
    recording = read_raw(raw, name="r")
    assert recording.channels == ("eeg0",)
    assert recording.excluded == {
        "eeg1": "marked bad in run 'r'",
        "eeg2": "constant in run 'r'",
        "eeg3": "1 of 300 samples are not finite in run 'r'",
    }


def test_positions_are_in_head_space():
    raw = made(("eeg", "eeg", "eeg"))
    places = {"eeg0": np.array([0.0, 0.02, 0.12]), "eeg1": np.array([0.0, -0.09, 0.04])}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), on_missing="ignore", verbose="error")
    assert read_raw(raw, name="r").positions is None  # that of the third is not known
    np.testing.assert_allclose(read_raw(raw.drop_channels("eeg2"), name="r").positions, list(places.values()))


@pytest.mark.parametrize("frame", ["mni_tal", "head"])
def test_electrodes_in_the_brain_have_positions_in_mni_space_only(frame):
    raw = made(("ecog", "seeg"))
    places = {"ecog0": np.array([0.03, 0.0, 0.05]), "seeg1": np.array([-0.02, 0.01, 0.0])}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame=frame), verbose="error")
    recording = read_raw(raw, name="r")
    assert recording.kind == "ecog"
    if frame == "mni_tal":
        np.testing.assert_allclose(recording.positions, list(places.values()), atol=1e-6)
    else:
        assert recording.positions is None


def test_a_file_is_parted_where_it_was_joined():
    """Each part is what it was before; MNE's own boundaries tell where."""
    pieces = [made(seed=0), made(seconds=2, seed=1)]
    expected = [piece.get_data()[:2].T.astype(np.float32) for piece in pieces]
    joined = mne.concatenate_raws(pieces, verbose="error")
    joined.annotations.append([0.5, 2.9, 4.0], [0.2, 0.4, 0.2], ["down", "across", "went"])
    recording = read_raw(joined, name="r")
    assert [run.name for run in recording.runs] == ["r_part-1", "r_part-2"]
    assert [run.start for run in recording.runs] == [0, 3]
    assert {run.story for run in recording.runs} == {"r"}
    for run, data in zip(recording.runs, expected, strict=True):
        np.testing.assert_array_equal(run.data, data)
    heard = with_transcripts(recording, {"r": annotated_words(joined)}, crop=True)
    assert [run.transcript.words for run in heard.runs] == [("down",), ("went",)]


@pytest.mark.parametrize(
    ("marks", "parts"),
    [
        ([(1.0, 0.5, "BAD_ACQ_SKIP")], [(0, 100), (150, 300)]),  # zeros that nobody recorded
        ([(1.0, 0.5, "boundary")], [(0, 100), (100, 300)]),  # EEGLAB: what was cut out is not in the file
        ([(0.0, 0.0, "New Segment/"), (2.0, 0.0, "New Segment/")], [(0, 200), (200, 300)]),
        ([(1.0, 0.5, "BAD muscle"), (2.0, 0.1, "word")], [(0, 300)]),
    ],
)
def test_breaks(marks, parts):
    raw = made()
    raw.set_annotations(mne.Annotations(*map(list, zip(*marks, strict=True))))
    assert unbroken(raw) == parts


def test_a_clock_that_does_not_begin_with_the_file():
    """FIF files count samples from the start of the acquisition, and annotations with them."""
    raw = made(seconds=5)
    raw.set_meas_date(0)
    raw.set_annotations(mne.Annotations([2.0, 3.0], [0.1, 0.0], ["word/down", "boundary"]))
    cut = raw.crop(1.0, 4.0)
    assert cut.first_samp == 100
    assert unbroken(cut) == [(0, 200), (200, 301)]
    words = annotated_words(cut, prefix="word/")
    assert words.words == ("down",) and words.onsets.tolist() == [1.0]


def test_raw_refuses(tmp_path):
    with pytest.raises(InputError, match="channels of ecog, eeg; choose one by kind="):
        read_raw(made(("eeg", "ecog")), name="r")
    assert read_raw(made(("eeg", "ecog")), name="r", kind="ecog").channels == ("ecog1",)
    with pytest.raises(DataError, match="channels of type eeg, eog found, expected mag or grad"):
        read_raw(made(), name="r", kind="meg")
    with pytest.raises(DataError, match="channels of type eog found, expected eeg, mag"):
        read_raw(made(("eog",)), name="r")
    with pytest.raises(InputError, match="give name="):
        read_raw(made())
    raw = made(("eeg",))
    raw.info["bads"] = ["eeg0"]
    with pytest.raises(DataError, match="all 1 channels are marked bad"):
        read_raw(raw, name="r")
    (tmp_path / "x_raw.fif").write_bytes(b"no fif file at all")
    with pytest.raises(DataError, match="x_raw.fif: cannot be read by MNE"):
        read_raw(tmp_path / "x_raw.fif")
    cut = saved(made(("eeg",)), tmp_path / "cut_raw.fif")
    cut.write_bytes(cut.read_bytes()[:-600])
    with pytest.raises(DataError, match="cut_raw"):
        read_raw(cut)
    with pytest.raises(DataError, match="no annotation begins with 'word'; there are none"):
        annotated_words(made(), prefix="word")


def epochs(**more):
    raw = made(("eeg", "eeg", "eog"), seconds=6)
    raw._data[0, 250] = 1.0  # in the window of the second event only
    events = np.array([[100, 0, 1], [240, 0, 2], [400, 0, 1]])
    return raw, mne.Epochs(
        raw, events, {"cat": 1, "dog": 2}, -0.1, 0.2, baseline=None, preload=True, verbose="error", **more
    )


def test_epochs_made_before(tmp_path):
    raw, made_before = epochs(reject={"eeg": 0.5})
    made_before.save(tmp_path / "x-epo.fif", verbose="error")
    read = read_epochs(tmp_path / "x-epo.fif", subject="3")
    assert read.rows.word.tolist() == ["cat", "cat"]
    assert read.rows.index.tolist() == [0, 2]  # the place of the word, not of the epoch
    assert read.rows.time.tolist() == [1.0, 4.0]
    assert read.dropped == {"eeg0": 1}
    np.testing.assert_allclose(read.data[1], raw.get_data()[:2, 390:421], atol=1e-12, rtol=1e-5)
    np.testing.assert_allclose(read.lags, np.arange(-10, 21) / 100)


def test_epochs_words_from_metadata():
    import pandas as pd

    _, made_before = epochs(metadata=pd.DataFrame({"word": ["Katze", "Hund", "Kater"]}))
    assert read_epochs(made_before, name="x", words="word").rows.word.tolist() == ["Katze", "Hund", "Kater"]
    with pytest.raises(InputError, match="no metadata column 'noun'; there are word"):
        read_epochs(made_before, name="x", words="noun")


def test_epochs_refuse_broken_channels():
    _, made_before = epochs()
    made_before._data[1, 1, 3] = np.nan
    with pytest.raises(DataError, match="not finite or constant: eeg1"):
        read_epochs(made_before, name="x")
    made_before.info["bads"] = ["eeg1"]
    found = read_epochs(made_before, name="x")
    assert found.channels == ("eeg0",) and found.excluded == {"eeg1": "marked bad"}


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("path", "kind", "shape", "rate"),
    [
        ("ecog/sample_ecog_ieeg.fif", "ecog", (113, 394), 160),
        ("testing/EDF/test_reduced.edf", "eeg", (3072, 138), 512),
        ("testing/EEGLAB/test_raw.set", "eeg", (30504, 32), 128),
        ("testing/SSS/sample_audvis_trunc_raw_sss.fif", "meg", (301, 306), 300.307),
    ],
)
def test_real_files(data_folder, path, kind, shape, rate):
    recording = read_raw(data_folder / "neural/mne_io_samples" / path, kind=kind)
    assert recording.runs[0].data.shape == shape
    assert recording.runs[0].rate == pytest.approx(rate, abs=1e-3)


@pytest.mark.realdata
def test_real_epochs(data_folder):
    read = read_epochs(data_folder / "neural/mne_io_samples/testing/EEGLAB/test_epochs_onefile.set")
    assert read.data.shape == (4, 2, 8)
    assert read.rows.word.tolist() == ["S255/S  8", "S  8", "S255/S  9", "S255/S  9"]
