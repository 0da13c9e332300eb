import numpy as np
import pytest

from grounding.brain.readers.confounds import MOTION, cleaned, read_confounds
from grounding.brain.recording import Recording, Run
from grounding.errors import DataError, InputError

FMRIPREP = "\t".join([*MOTION, "trans_x_derivative1", "a_comp_cor_00", "a_comp_cor_01", "csf"]) + (
    "\n1\t2\t3\t4\t5\t6\tn/a\t7\t8\t9\n10\t20\t30\t40\t50\t60\t9\t70\t80\tn/a\n"
)


def written(path, content):
    path.write_text(content)
    return path


def test_fmriprep(tmp_path):
    path = written(tmp_path / "c.tsv", FMRIPREP)
    values, names = read_confounds(path)
    assert names == MOTION and values.dtype == np.float32
    np.testing.assert_array_equal(values, [[1, 2, 3, 4, 5, 6], [10, 20, 30, 40, 50, 60]])
    values, names = read_confounds(path, ["a_comp_cor_*", "trans_x*", "a_comp_cor_00"])
    assert names == ("a_comp_cor_00", "a_comp_cor_01", "trans_x", "trans_x_derivative1")
    np.testing.assert_array_equal(values, [[7, 8, 1, 0], [70, 80, 10, 9]])  # n/a of the first derivative is 0
    with pytest.raises(DataError, match="no column 'global_signal'; there are trans_x"):
        read_confounds(path, ["global_signal"])
    with pytest.raises(DataError, match="'csf' is missing in row 1"):
        read_confounds(path, ["csf"])


def test_spm(tmp_path):
    path = written(tmp_path / "rp_run1.txt", "  0.0e+00 1 2 3 4 5\n 6 7 8 9 10 11\n")
    values, names = read_confounds(path)
    assert values.shape == (2, 6) and names == MOTION
    with pytest.raises(InputError, match="no header found"):
        read_confounds(path, ["trans_x"])


def recording(*series, confounds=None, tr=2.0):
    runs = tuple(
        Run(f"r{place}", one.astype(np.float32), 1 / tr, confounds=None if confounds is None else confounds[place])
        for place, one in enumerate(series)
    )
    return Recording(runs, tuple(f"v{place}" for place in range(series[0].shape[1])), kind="fmri")


def test_cleaning_is_one_least_squares_fit():
    """Against the residual of a plain fit on line, cosines and confounds; the DCT as in SPM."""
    generator = np.random.default_rng(0)
    n, tr = 150, 2.0
    confounds = generator.normal(size=(n, 3)).astype(np.float32)
    confounds[:, 2] = 1  # a column that the constant already has
    signal = generator.normal(size=(n, 4)) + confounds[:, :1] * 5 + np.linspace(0, 9, n)[:, None] + 100
    run = cleaned(recording(signal, confounds=[confounds]), high_pass=0.01).runs[0]
    order = int(2 * n * tr * 0.01)
    drift = [np.cos(np.pi * k * (2 * np.arange(n) + 1) / (2 * n)) for k in range(1, order + 1)]
    design = np.column_stack([np.arange(n), confounds, *drift])
    fitted = design @ np.linalg.lstsq(design, signal, rcond=None)[0]
    np.testing.assert_allclose(run.data, signal - fitted, atol=1e-4)
    assert run.confounds is None


def test_confounds_can_be_left_for_the_model():
    confounds = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    signal = np.random.default_rng(0).normal(size=(60, 2)) + 10
    run = cleaned(recording(signal, confounds=[confounds]), high_pass=None, confounds=False).runs[0]
    np.testing.assert_array_equal(run.confounds, confounds)
    line = np.polyfit(np.arange(60), signal, 1)
    np.testing.assert_allclose(run.data, signal - np.arange(60)[:, None] * line[0] - line[1], atol=1e-4)


def test_a_run_is_cleaned_by_itself():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 80, 3))
    both = cleaned(recording(a, b))
    np.testing.assert_array_equal(both.runs[0].data, cleaned(recording(a, 7 * b + 3)).runs[0].data)
    np.testing.assert_array_equal(both.runs[0].data, cleaned(recording(a)).runs[0].data)


def test_cleaning_refuses():
    few = np.random.default_rng(0).normal(size=(8, 2))
    with pytest.raises(InputError, match="8 regressors for the 8 samples of run 'r0'"):
        cleaned(recording(few, confounds=[np.ones((8, 6), np.float32)]))
    with pytest.raises(InputError, match="high_pass 0.25 Hz, expected between 0 and 0.25 Hz"):
        cleaned(recording(few), high_pass=0.25)
