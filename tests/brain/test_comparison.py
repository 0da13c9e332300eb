"""Bringing models to one dimension within the training rows, and paired tests."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from grounding.brain.comparison import compare_over_subjects, principal_components
from grounding.errors import InputError


@pytest.mark.parametrize("shape", [(80, 12), (12, 80)])
def test_principal_components_are_those_of_sklearn_up_to_sign(generator, shape):
    train, test = (
        generator.standard_normal(shape) * np.arange(1, shape[1] + 1),
        generator.standard_normal((5, shape[1])),
    )
    project = principal_components(train, 6)
    expected = PCA(6, svd_solver="full").fit(train)
    for rows in (train, test):
        np.testing.assert_allclose(np.abs(project(rows)), np.abs(expected.transform(rows)), atol=1e-8)
    np.testing.assert_allclose(project.matrix.T @ project.matrix, np.eye(6), atol=1e-10)
    assert (project.matrix[np.abs(project.matrix).argmax(0), range(6)] > 0).all()
    assert project(test.astype(np.float32)).dtype == np.float32


def test_projections_refuse_what_does_not_fit(generator):
    train = generator.standard_normal((10, 4))
    with pytest.raises(InputError, match="dimension: 5 found, expected 1 to 4"):
        principal_components(train, 5)
    with pytest.raises(InputError, match="fewer dimensions than rows"):
        principal_components(generator.standard_normal((4, 9)), 4)
    with pytest.raises(InputError, match=r"features: \(10, 3\)"):
        principal_components(train, 2)(train[:, :3])
    train[0, 0] = np.nan
    with pytest.raises(InputError, match="finite"):
        principal_components(train, 2)


def test_paired_comparison_sees_what_unpaired_would_not(generator):
    """Subjects differ much more than models do."""
    subject = generator.standard_normal((10, 1)) * 0.1 + 0.3
    first = subject + 0.02 + 0.005 * generator.standard_normal((10, 3))
    second = subject + np.array([0.0, 0.02, 0.04])
    found = compare_over_subjects(first, second)
    assert found.test.p[0] < 0.01 and found.test.p[2] < 0.01 and found.test.p[1] > 0.05
    np.testing.assert_allclose(found.difference.estimate, [0.02, 0, -0.02], atol=0.006)
    assert found.difference.low[0] > 0 > found.difference.high[2]
    z = compare_over_subjects(first, second, by="z")
    np.testing.assert_allclose(z.difference.estimate, (np.arctanh(first) - np.arctanh(second)).mean(0))
    with pytest.raises(InputError, match="expected the same subjects"):
        compare_over_subjects(first, second[:5])
    with pytest.raises(InputError, match="by: 'ratio'"):
        compare_over_subjects(first, second, by="ratio")
