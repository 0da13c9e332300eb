"""Several subjects in one space: Procrustes and the shared response model, and what alignment gains on held-out rows.

Anatomy does not match voxels or electrodes of different people; the time course of a common stimulus does. Each subject
gets a matrix with orthonormal columns that brings its responses into a space in which all agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.errors import InputError


@dataclass(frozen=True, eq=False)
class SharedSpace:
    """What subjects share, and how each gets there.

    Attributes:
        bases: by subject, (v_s, k) float64 with orthonormal columns.
        means: by subject, (v_s,) float64, of the rows that were fitted.
        response: (n, k) float64, the shared response to these rows.
        errors: of each iteration, the share of all variance that the shared response does not explain.
    """

    bases: Mapping[str, np.ndarray]
    means: Mapping[str, np.ndarray]
    response: np.ndarray
    errors: tuple[float, ...]

    def project(self, subject: str, data: np.ndarray) -> np.ndarray:
        """Responses (n, v_s) of a subject to (n, k) float64 in the shared space."""
        return (self._checked(subject, data, len(self._base(subject))) - self.means[subject]) @ self.bases[subject]

    def express(self, subject: str, shared: np.ndarray) -> np.ndarray:
        """What (n, k) in the shared space look like in a subject's own channels: (n, v_s) float64."""
        base = self._base(subject)
        return self._checked(subject, shared, base.shape[1]) @ base.T + self.means[subject]

    def with_subject(self, subject: str, data: np.ndarray) -> "SharedSpace":
        """The same space with one more subject, fitted to the shared response as it is.

        Args:
            subject: its name.
            data: (n, v), responses to the rows that the space was fitted with.

        Raises:
            InputError: another number of rows, fewer channels than shared dimensions, or NaN or infinity.
        """
        X = check_matrix(data, f"subject {subject!r}").astype(np.float64)
        if len(X) != len(self.response):
            raise InputError(f"subject {subject!r}: {len(X)} rows found, expected {len(self.response)} as fitted")
        _enough_channels(subject, X, self.response.shape[1])
        mean = X.mean(0)
        base = _orthonormal((X - mean).T @ self.response)
        bases, means = {**self.bases, subject: base}, {**self.means, subject: mean}
        return SharedSpace(bases, means, self.response, self.errors)

    def _base(self, subject: str) -> np.ndarray:
        if subject not in self.bases:
            raise InputError(f"subject {subject!r}: not in the shared space; there are {', '.join(self.bases)}")
        return self.bases[subject]

    def _checked(self, subject: str, data: np.ndarray, width: int) -> np.ndarray:
        data = check_matrix(data, f"subject {subject!r}").astype(np.float64)
        if data.shape[1] != width:
            raise InputError(f"subject {subject!r}: width {data.shape[1]} found, expected {width}")
        return data


def shared_response(responses: Mapping[str, np.ndarray], dimensions: int, *, iterations: int = 20) -> SharedSpace:
    """The deterministic shared response model (Chen et al. 2015).

    Minimises sum_s |X_s - S W_s'|^2 over a shared S (n, k) and W_s (v_s, k) with orthonormal columns, in turns:
    W_s = U V' of the singular value decomposition of X_s'S, then S = mean of X_s W_s. It starts from the principal
    components of all subjects' channels side by side, so that no seed is needed. With as many dimensions as channels
    it is generalised Procrustes, the common part of hyperalignment (Haxby et al. 2011): a rotation for each subject.

    Args:
        responses: (n, v_s) by subject, the same n rows of the same stimulus; centred here. Training rows only.
            Standardise channels first where their units differ.
        dimensions: k, at most the fewest channels of a subject, and below n.
        iterations: rounds of both steps; fewer where the error no longer falls.

    Raises:
        InputError: fewer than two subjects, different numbers of rows, dimensions out of range, or NaN or infinity.

    Example:
        >>> space = shared_response({"s1": first[train], "s2": second[train]}, 5)
        >>> space.project("s2", second[test])
    """
    if len(responses) < 2:
        raise InputError(f"shared response: {len(responses)} subject found, expected at least two")
    whole = {name: check_matrix(data, f"subject {name!r}").astype(np.float64) for name, data in responses.items()}
    n = len(next(iter(whole.values())))
    for name, X in whole.items():
        if len(X) != n:
            raise InputError(f"subject {name!r}: {len(X)} rows found, expected {n} as the first subject has")
        _enough_channels(name, X, dimensions)
    if not 1 <= dimensions < n:
        raise InputError(f"dimensions: {dimensions} found, expected 1 to {n - 1}, below the number of rows")
    means = {name: X.mean(0) for name, X in whole.items()}
    centred = {name: X - means[name] for name, X in whole.items()}
    size = sum(float((X**2).sum()) for X in centred.values())
    if size == 0:
        raise InputError("shared response: all rows are equal in every subject")
    axes, singular, _ = np.linalg.svd(_few_columns(list(centred.values()), n), full_matrices=False)
    S = axes[:, :dimensions] * singular[:dimensions] / len(centred)
    errors: list[float] = []
    bases: dict[str, np.ndarray] = {}
    for _ in range(iterations):
        bases = {name: _orthonormal(X.T @ S) for name, X in centred.items()}
        S = np.mean([X @ bases[name] for name, X in centred.items()], axis=0)
        # |X - S W'|^2 = |X|^2 - 2 tr(S'XW) + |S|^2, and the sum of XW over subjects is S times their number.
        errors.append(1 - len(centred) * float((S**2).sum()) / size)
        if len(errors) > 1 and errors[-2] - errors[-1] < 1e-9:
            break
    return SharedSpace(bases, means, S, tuple(errors))


def _few_columns(parts: Sequence[np.ndarray], n: int) -> np.ndarray:
    """A matrix with at most n columns that has the left singular vectors and values of all parts side by side."""
    if sum(X.shape[1] for X in parts) <= n:
        return np.hstack(parts)
    variances, axes = np.linalg.eigh(sum(X @ X.T for X in parts))
    return axes[:, ::-1] * np.sqrt(np.maximum(variances[::-1], 0))


def _orthonormal(product: np.ndarray) -> np.ndarray:
    """The matrix (v, k) with orthonormal columns nearest to this one: Procrustes."""
    U, _, Vt = np.linalg.svd(product, full_matrices=False)
    return U @ Vt


def _enough_channels(subject: str, X: np.ndarray, dimensions: int) -> None:
    if X.shape[1] < dimensions:
        raise InputError(
            f"subject {subject!r}: {X.shape[1]} channels found for {dimensions} shared dimensions; ask for fewer"
        )
