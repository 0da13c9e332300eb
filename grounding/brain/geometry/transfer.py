"""Transfer between representations: how much of each can be read from a narrow summary of each other
(Antonello, Turek, Vo and Huth 2021).
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.brain.folds import ByWordType, Contiguous, Fold, Folding, Shuffled
from grounding.brain.geometry.mapping import Standardisation
from grounding.brain.rows import Rows
from grounding.errors import InputError

LARGEST = 2**24
"""The most comparisons in memory at a time."""


@dataclass(frozen=True)
class TransferStructure:
    """Which representations hold what others hold.

    Attributes:
        names: S representations.
        errors: (S, S) float64, source by target: squared error on test rows, the mean over rows and columns, in units
            of the target's variance in training rows.
        strength: (S, S) float64, source by target: how good a source is for a target among all sources; each column
            sums to 1.
        embedding: (S, d) float64, sources laid out so that those with the same strengths for the same targets lie
            together; the first axis spreads them most.
        explained: (d,) share of the squared distances' variance along each axis.
        folds: description of the folds.
        shuffled: whether they parted neighbouring rows.
    """

    names: tuple[str, ...]
    errors: np.ndarray
    strength: np.ndarray
    embedding: np.ndarray
    explained: np.ndarray
    folds: str
    shuffled: bool


def transfer_structure(
    representations: Mapping[str, np.ndarray],
    rows: Rows,
    *,
    folds: Folding = Contiguous(5),
    bottleneck: int = 20,
    shared: np.ndarray | None = None,
    dimensions: int = 2,
) -> TransferStructure:
    """Read each representation from a bottleneck of each other one, and see who wins.

    Each source is reduced to ``bottleneck`` numbers: its own principal components, or with ``shared`` those of what
    ridge predicts of it from a representation common to all, so that no source has more to tell than the others
    (Antonello et al. take GloVe). Ridge then predicts every target. For a target, entry (a, b) of a tournament is
    the number of test rows that a predicts better than b, divided by the number for b over a; the principal eigenvector
    of this matrix (Saaty 1977) is the strength of the sources. Sources are laid out by classical multidimensional
    scaling (Torgerson 1952) of the distances between the logarithms of their strengths for all other targets.

    Args:
        representations: (n, p_s) by name, the same n rows.
        rows: what these are.
        folds: over the rows; principal components, scaling and penalties are of training rows. Penalties are chosen by
            folds of the same kind, or by contiguous ones where whole runs, stories or subjects are left out.
        bottleneck: width of the summaries; a narrower representation is its own summary.
        shared: (n, q), or None.
        dimensions: of the embedding, below the number of representations.

    Raises:
        InputError: fewer than four representations, different numbers of rows, NaN or infinity, or a width out of
            range.

    Example:
        >>> transfer_structure({"GloVe": glove, "layer 1": first, "layer 12": last}, rows).embedding
    """
    names = tuple(representations)
    data = [check_matrix(representations[name], name).astype(np.float64) for name in names]
    for name, X in zip((*names, "shared"), (*data, data[0] if shared is None else shared), strict=True):
        if len(X) != len(rows):
            raise InputError(f"{name}: {len(X)} rows found, expected {len(rows)} as labelled")
    if len(names) < 4 or not 1 <= dimensions < len(names) or bottleneck < 1:
        raise InputError(
            f"transfer structure: {len(names)} representations, bottleneck {bottleneck} and {dimensions} dimensions "
            "found, expected four or more, 1 or more, and fewer dimensions than representations"
        )
    common = None if shared is None else check_matrix(shared, "shared").astype(np.float64)
    split = folds.split(rows)
    errors = np.concatenate([_errors(data, common, rows, fold, folds, bottleneck) for fold in split], axis=2)
    strength = np.stack([_strength(errors[:, target]) for target in range(len(names))], axis=1)
    embedding, explained = _scaled(strength, dimensions)
    return TransferStructure(names, errors.mean(2), strength, embedding, explained, split.description, split.shuffled)


def _errors(
    data: list[np.ndarray], common: np.ndarray | None, rows: Rows, fold: Fold, folds: Folding, bottleneck: int
) -> np.ndarray:
    """(S, S, m): squared error of each source for each target on each test row, the mean over the target's columns."""
    from grounding.brain.ridge import RidgeCV
    from grounding.brain.ridge.checks import AlphaEdgeWarning

    scaled = [Standardisation.of(X[fold.train]).apply(X) for X in data]
    widths = np.cumsum([0, *(X.shape[1] for X in scaled)])
    targets = np.hstack(scaled).astype(np.float32)
    inside = rows.take(fold.train)
    inner = folds if isinstance(folds, Contiguous | ByWordType | Shuffled) else Contiguous(5)

    def ridge(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Fitted to the training rows, predicted for all."""
        with warnings.catch_warnings():
            # What a source predicts of itself needs no penalty: the least of the grid is right, and no news.
            warnings.simplefilter("ignore", AlphaEdgeWarning)
            model = RidgeCV(folds=inner).fit(X[fold.train].astype(np.float32), Y[fold.train], rows=inside)
        return np.asarray(model.predict(X.astype(np.float32)), dtype=np.float64)

    errors = np.empty((len(data), len(data), len(fold.test)))
    base = None if common is None else Standardisation.of(common[fold.train]).apply(common)
    for source, X in enumerate(scaled):
        told = X if base is None else ridge(base, X.astype(np.float32))
        summary = _principal(told, fold.train, bottleneck)
        squared = (ridge(summary, targets)[fold.test] - targets[fold.test]) ** 2
        errors[source] = np.stack([part.mean(1) for part in np.split(squared, widths[1:-1], axis=1)])
    return errors


def _principal(X: np.ndarray, train: np.ndarray, count: int) -> np.ndarray:
    """All rows along the first principal axes of the training rows."""
    mean = X[train].mean(0)
    axes = np.linalg.svd(X[train] - mean, full_matrices=False)[2][:count]
    return (X - mean) @ axes.T


def _strength(errors: np.ndarray) -> np.ndarray:
    """(S,) summing to 1: the principal eigenvector of the tournament over errors (S, m)."""
    sources, m = errors.shape
    wins = np.zeros((sources, sources))
    block = max(1, LARGEST // (sources * sources))
    for start in range(0, m, block):
        part = errors[:, start : start + block]
        wins += (part[:, None] < part).sum(2) + 0.5 * (part[:, None] == part).sum(2)
    # Half a row for each keeps the ratio finite where one source wins all.
    ratio = (wins + 0.5) / (wins.T + 0.5)
    values, vectors = np.linalg.eig(ratio)
    principal = np.abs(vectors[:, values.real.argmax()].real)
    return principal / principal.sum()


def _scaled(strength: np.ndarray, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """Classical multidimensional scaling of sources (S, T): the embedding (S, d), and the share of each axis (d,)."""
    sources = len(strength)
    differences = (np.log(strength)[:, None] - np.log(strength)) ** 2
    # A source is the best for itself by far; with its own column, all would lie equally far apart.
    a, b, target = np.indices(differences.shape)
    squared = (differences * ((target != a) & (target != b))).sum(axis=2) / (sources - 2 + (a == b)[:, :, 0])
    centring = np.eye(sources) - 1 / sources
    values, axes = np.linalg.eigh(-0.5 * centring @ squared @ centring)
    values, axes = np.maximum(values[::-1], 0), axes[:, ::-1]
    # An axis has no direction of its own; the entry that is largest is made positive.
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(sources)])
    share = values / max(float(values.sum()), 1e-300)
    return (axes * signs * np.sqrt(values))[:, :dimensions], share[:dimensions]
