"""CKA: what it must not see, what it must see, and its bias."""

import numpy as np
import pytest

from grounding.brain.geometry import linear_cka, rbf_cka
from grounding.errors import InputError


def rotation(generator: np.random.Generator, p: int) -> np.ndarray:
    return np.linalg.qr(generator.normal(size=(p, p)))[0]


@pytest.mark.parametrize("cka", [linear_cka, rbf_cka])
@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize("p", [6, 80])
def test_rotation_scale_shift_and_order_of_rows_are_not_seen(generator, cka, debiased, p):
    X = generator.normal(size=(40, p)) * np.geomspace(6, 0.1, p)
    Y = X[:, :5] + generator.normal(size=(40, 5))
    moved = 1e-4 * X @ rotation(generator, p) + 3
    assert cka(X, X, debiased=debiased) == pytest.approx(1)
    assert cka(X, moved, debiased=debiased) == pytest.approx(1)
    assert cka(moved, Y, debiased=debiased) == pytest.approx(cka(X, Y, debiased=debiased))
    assert cka(Y, X, debiased=debiased) == pytest.approx(cka(X, Y, debiased=debiased))
    order = generator.permutation(40)
    assert cka(X[order], Y[order], debiased=debiased) == pytest.approx(cka(X, Y, debiased=debiased))
    assert cka(X[order], Y, debiased=debiased) < cka(X, Y, debiased=debiased) - 0.05


def test_a_linear_map_that_is_no_rotation_is_seen(generator):
    X = generator.normal(size=(60, 4))
    assert linear_cka(X, X * [1, 1, 1, 20]) < 0.8


def test_linear_is_its_definition_for_few_and_many_columns(generator):
    for p, q in ((5, 7), (50, 7), (60, 70)):
        X, Y = generator.normal(size=(30, p)), generator.normal(size=(30, q))
        X, Y = X - X.mean(0), Y - Y.mean(0)
        plain = np.linalg.norm(X.T @ Y) ** 2 / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y))
        assert linear_cka(X, Y, debiased=False) == pytest.approx(plain)


def test_debiased_is_the_mean_over_all_sets_of_four_rows(generator):
    """HSIC_1 is the U-statistic of Song et al. (2012): the mean of a kernel over quadruples of different rows."""
    from itertools import permutations

    n = 7
    X, Y = generator.normal(size=(n, 3)), generator.normal(size=(n, 2)) + 0.2

    def hsic(A, B):
        K, L = A @ A.T, B @ B.T
        terms = [K[i, j] * (L[i, j] + L[q, r] - 2 * L[i, q]) for i, j, q, r in permutations(range(n), 4)]
        return np.mean(terms)

    expected = hsic(X, Y) / np.sqrt(hsic(X, X) * hsic(Y, Y))
    assert linear_cka(X, Y) == pytest.approx(expected)


@pytest.mark.parametrize("p, q", [(100, 120), (30, 20)])
def test_unrelated_representations_score_zero_only_when_debiased(generator, p, q):
    draws = np.array(
        [
            [linear_cka(X, Y, debiased=debiased) for debiased in (True, False)]
            for X, Y in ((generator.normal(size=(40, p)), generator.normal(size=(40, q))) for _ in range(60))
        ]
    )
    debiased, plain = draws.T
    assert abs(debiased.mean()) < 4 * debiased.std() / np.sqrt(60)
    assert plain.min() > 0.3


def test_the_two_computations_of_the_debiased_form_agree(generator):
    X, Y = generator.normal(size=(30, 12)), generator.normal(size=(30, 8))
    wide = np.hstack([X, np.zeros((30, 40))])
    assert linear_cka(wide, Y) == pytest.approx(linear_cka(X, Y))


def test_a_wide_rbf_kernel_is_nearly_linear(generator):
    X = generator.normal(size=(50, 5))
    Y = X @ generator.normal(size=(5, 4)) + generator.normal(size=(50, 4))
    assert rbf_cka(X, Y, bandwidth=50) == pytest.approx(linear_cka(X, Y), abs=1e-3)
    assert rbf_cka(X, Y, bandwidth=0.3) != pytest.approx(linear_cka(X, Y), abs=0.05)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda X: linear_cka(X, X[:5]), "9 and 5 rows"),
        (lambda X: linear_cka(np.ones((9, 2)), X), "X: all rows are equal"),
        (lambda X: linear_cka(X[:3], X[:3]), "3 rows found, expected at least four"),
        (lambda X: linear_cka(X, np.full((9, 2), np.inf)), "Y: row 0 has NaN or infinity"),
        (lambda X: rbf_cka(X, X, bandwidth=0), "bandwidth: 0"),
        (lambda X: rbf_cka(X, np.arange(9)[:, None] // 8), "more than half of the pairs"),
    ],
)
def test_bad_input_is_named(generator, call, message):
    with pytest.raises(InputError, match=message):
        call(generator.normal(size=(9, 3)))
