import numpy as np
import pytest

from grounding.brain.features import read_wave, sound_envelope, sound_power
from grounding.brain.recording import Recording, Run
from grounding.errors import DataError, InputError

RATE = 8000.0


def quiet(samples: int, rate: float, start: float = 0.0, name: str = "run-1", story: str = "") -> Recording:
    return Recording((Run(name, np.zeros((samples, 1), np.float32), rate, start=start, story=story),), ("a",), "eeg")


def modulated(seconds: float = 10.0) -> tuple[np.ndarray, np.ndarray, float]:
    """A tone of 400 Hz whose amplitude swings twice a second, and that amplitude."""
    times = np.arange(int(seconds * RATE)) / RATE
    amplitude = 0.5 + 0.4 * np.sin(2 * np.pi * 2 * times)
    return (amplitude * np.sin(2 * np.pi * 400 * times)).astype(np.float32), amplitude, RATE


def test_the_envelope_is_the_amplitude_that_was_planted():
    sound, amplitude, rate = modulated()
    found = sound_envelope(quiet(640, 64.0), {"run-1": (sound, rate)}).runs["run-1"]
    assert found.shape == (640, 1) and found.dtype == np.float32
    np.testing.assert_allclose(found[2:-2, 0], amplitude.reshape(640, 125).mean(1)[2:-2], atol=2e-3)


def test_power_in_a_sample_is_the_mean_square():
    sound, _, rate = modulated()
    found = sound_power(quiet(5, 0.5), {"run-1": (sound, rate)}).runs["run-1"][:, 0]
    np.testing.assert_allclose(found, (sound.astype(float) ** 2).reshape(5, -1).mean(1), rtol=1e-5)


def test_samples_between_those_of_the_sound_share_it():
    """Three samples of a sound at 2 a second, met by a recording at 3 a second from 0.25 s on."""
    found = sound_power(quiet(5, 3.0, start=0.25), {"run-1": (np.sqrt([1.0, 2.0, 4.0]), 2.0)}).runs["run-1"][:, 0]
    # From 1/4 to 7/12 s there are 3/4 of 1 and 1/4 of 2, and so on; behind 3/2 s there is silence.
    np.testing.assert_allclose(found, [1.25, 2.0, 3.5, 3.0, 0.0], atol=1e-6)


def test_before_and_behind_the_sound_there_is_silence():
    sound = np.ones(100)
    found = sound_power(quiet(6, 1.0, start=-2.0), {"run-1": (sound, 50.0)}).runs["run-1"][:, 0]
    np.testing.assert_allclose(found, [0, 0, 1, 1, 0, 0], atol=1e-6)


def test_runs_with_one_story_hear_one_sound():
    one, other = quiet(4, 1.0, story="alice").runs[0], quiet(4, 1.0, name="run-2", story="alice", start=1.0).runs[0]
    made = Recording((one, other), ("a",), "eeg")
    found = sound_power(made, {"alice": (np.arange(400.0), 100.0)})
    np.testing.assert_allclose(found.runs["run-1"][1:], found.runs["run-2"][:3])
    with pytest.raises(InputError, match="sound envelope: no sound for story 'alice' of run 'run-1'; there are 'bob'"):
        sound_envelope(made, {"bob": (np.ones(5), 1.0)})


@pytest.mark.parametrize("sound", [np.zeros((5, 2)), np.empty(0), np.array([0.0, np.nan])])
def test_a_sound_that_is_none_is_refused(sound):
    with pytest.raises(InputError, match=r"the sound of story 'run-1' is \("):
        sound_power(quiet(4, 1.0), {"run-1": (sound, 10.0)})


@pytest.mark.parametrize(
    ("dtype", "scale", "shift"), [(np.int16, 32768, 0), (np.int32, 2**31, 0), (np.uint8, 128, 128), (np.float32, 1, 0)]
)
def test_wave_files_of_all_kinds_are_read_alike(tmp_path, dtype, scale, shift):
    from scipy.io import wavfile

    sound = np.sin(np.linspace(0, 40, 1000)) * 0.5
    stereo = np.stack([sound * 1.5, sound * 0.5], 1)
    wavfile.write(tmp_path / "a.wav", 8000, (stereo * scale + shift).astype(dtype))
    found, rate = read_wave(tmp_path / "a.wav")
    assert rate == 8000 and found.dtype == np.float32
    np.testing.assert_allclose(found, sound, atol=0.01 if dtype == np.uint8 else 1e-4)


def test_files_that_are_no_sound_are_named(tmp_path):
    from scipy.io import wavfile

    (tmp_path / "a.wav").write_bytes(b"no sound at all")
    with pytest.raises(DataError, match=r"a\.wav: not readable as a WAVE file"):
        read_wave(tmp_path / "a.wav")
    with pytest.raises(DataError, match=r"b\.wav: not readable"):
        read_wave(tmp_path / "b.wav")
    wavfile.write(tmp_path / "c.wav", 8000, np.empty(0, np.int16))
    with pytest.raises(DataError, match=r"c\.wav: no sound found"):
        read_wave(tmp_path / "c.wav")
