import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.sif import common_components, remove_components, sif_weights


def test_weights_of_counts_and_probabilities():
    counts = np.array([98, 1, 1])
    expected = [0.001 / (0.001 + share) for share in (0.98, 0.01, 0.01)]
    np.testing.assert_allclose(sif_weights(counts), expected, rtol=1e-6)
    np.testing.assert_allclose(sif_weights(counts / 100), expected, rtol=1e-6)
    # A part of the vocabulary keeps the weights it had: probabilities are not made to sum to 1.
    np.testing.assert_allclose(sif_weights(np.array([0.01])), expected[1:2], rtol=1e-6)
    assert sif_weights(np.array([0.02]), a=0.02) == np.float32(0.5)
    assert sif_weights(counts).dtype == np.float32


def test_components_are_singular_vectors(generator):
    matrix = generator.normal(size=(50, 8)).astype(np.float32) + 2
    components = common_components(matrix, k=3)
    _, _, right = np.linalg.svd(matrix.astype(np.float64), full_matrices=False)
    np.testing.assert_allclose(np.abs((components * right[:3]).sum(axis=1)), 1, atol=1e-5)
    np.testing.assert_allclose(components @ components.T, np.eye(3), atol=1e-6)
    assert (np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1) > 0).all()
    assert components.dtype == np.float32


def test_a_planted_common_part_is_removed(generator):
    """Sentences that share a direction look alike until it is removed; what distinguishes them stays."""
    own = np.pad(generator.normal(size=(200, 15)), ((0, 0), (1, 0)))
    common = np.eye(16)[0]
    matrix = (own + 20 * common * generator.normal(1, 0.1, size=(200, 1))).astype(np.float32)
    removed = remove_components(matrix, common_components(matrix))
    assert np.abs(removed @ common).max() < 0.5
    np.testing.assert_allclose(removed[:, 1:], own[:, 1:], atol=0.5)


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"a: 0 found, expected a number above 0"):
        sif_weights(np.array([1, 2]), a=0)
    with pytest.raises(InputError, match=r"3\.0 found among floats.*counts as integers"):
        sif_weights(np.array([0.5, 3.0]))
    with pytest.raises(InputError, match="no count above 0"):
        sif_weights(np.array([0, 0]))
    with pytest.raises(InputError, match=r"k: 4 found, expected 1 to 3"):
        common_components(np.ones((3, 5)), k=4)
    with pytest.raises(InputError, match=r"shape \(1, 4\) found, expected \(k, 5\)"):
        remove_components(np.ones((3, 5)), np.ones((1, 4)))
    with pytest.raises(InputError, match="row 1 has values that are not finite"):
        common_components(np.array([[1.0, 2.0], [np.nan, 1.0]]))
