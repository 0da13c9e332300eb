"""What the real recordings say: Haxby, Frank's N400, 81 objects and 92 pictures, null results with them.

Called by `tests.benchmarks.brain_results`; `_brain_nouns` has Lindborg's nouns. By itself:
`GROUNDING_DATA=FOLDER python -m tests.benchmarks._brain_results`.

Nothing is tuned on these figures: delays, windows, penalties' grids and folds were fixed before, penalties are chosen
inside the training rows, and each row says its interval, its chance and its p. There is no peer, so no ratio.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeClassifier

from grounding.brain.decoding import classify, decode
from grounding.brain.folds import ByWordType, Grouped
from grounding.brain.geometry import pairs_of, rdm, similarity_analysis
from grounding.brain.recording import Responses
from grounding.brain.ridge import RidgeCV
from grounding.brain.ridge.scores import correlation
from grounding.brain.sets import frank, haxby, kriegeskorte92, objects81
from grounding.brain.two_stage import two_stage
from grounding.text import SentenceEncoder
from tests.benchmarks import _brain_nouns
from tests.benchmarks._rows import one_thread, row

SEED = 0
RESAMPLES = 1000
PERMUTATIONS = 1000
OBJECT_FOLDS = ByWordType(9)
"""Nine objects held out at a time; the rows are no time series, so the alphabet decides which."""


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain_results`."""
    data = Path(os.environ["GROUNDING_DATA"]) / "neural"
    with one_thread():
        yield from haxby_rows(data)
        yield from frank_rows(data)
        yield from object_rows(data)
        yield from picture_rows(data)
        yield from _brain_nouns.rows()


# ---- Haxby: eight categories


def haxby_rows(data: Path) -> Iterator[dict[str, object]]:
    """Blocks of one slice of one subject, leave one run out."""
    found = haxby.load(data / "haxby2001_pymvpa")
    ridges = {f"ridge {alpha:g}": RidgeClassifier(alpha=alpha) for alpha in np.logspace(-1, 4, 6)}
    for delay in (haxby.DELAY, 0):
        blocks, labels = found.blocks(delay)
        for name, classifiers in (("shrunk LDA", None), ("ridge, penalty nested", ridges)):
            accuracy = classify(blocks, labels, classifiers=classifiers, inner=Grouped(4), seed=SEED).accuracy
            yield _row(
                f"Haxby, 8 categories of {len(labels)} blocks in runs held out, {name}, delay {2.5 * delay:g} s",
                accuracy.value,
                f"accuracy, {accuracy.low:.3f} to {accuracy.high:.3f} over runs, chance {accuracy.chance:.3f}, "
                f"p = {accuracy.p:.2g}",
                reach=0.74,
            )


# ---- Frank: N400


def frank_rows(data: Path) -> Iterator[dict[str, object]]:
    """Each predictor by itself over frequency, length, positions and baseline, in 24 readers."""
    found = frank.load(data / "frank2015_ucl_eeg")
    for column, name in enumerate(frank.PREDICTABILITY):
        (effect,) = two_stage(found.responses, found.predictability, found.controls, column=column, name=name)
        yield _row(
            f"Frank N400, {name} over controls, {len(effect.subjects)} readers, {len(found.responses.rows):,} words",
            effect.coefficient.value,
            f"uV a standard deviation, {effect.coefficient.low:.3f} to {effect.coefficient.high:.3f} over readers, "
            f"p = {effect.coefficient.p:.2g}",
        )
        gain = effect.gain
        yield _row(
            f"Frank N400, {name}, gain of R2 in sentences held out",
            1000 * gain.value,
            f"x 1000, {1000 * gain.low:.2f} to {1000 * gain.high:.2f} over readers, p = {gain.p:.2g}",
        )


# ---- 81 objects


def object_rows(data: Path) -> Iterator[dict[str, object]]:
    """Voxels predicted from vectors of the objects, objects found from voxels, and dissimilarities, by region."""
    found = objects81.load(data / "fmri_81objects_rois")
    names = found.responses.rows.word.tolist()
    vectors = {
        "word2vec (30 components)": found.word2vec,
        "AlexNet (20 components)": found.alexnet,
        "MiniLM of the name": SentenceEncoder().encode([f"a photo of a {name}" for name in names]),
        "length of the name": np.array([[len(name)] for name in names], dtype=np.float32),
    }
    regions = list(dict.fromkeys(found.regions.tolist()))
    for name, matrix in vectors.items():
        yield from _encoding_rows(found.responses, matrix, name, found.regions, regions)
        known = dict(zip(names, matrix, strict=True))
        rates = decode(found.responses, known, OBJECT_FOLDS, seed=SEED).rates
        yield _row(
            f"81 objects, new object among 9 by {name}, all 696 voxels, ridge",
            rates["pairwise"].value,
            f"pairwise accuracy, {rates['pairwise'].low:.3f} to {rates['pairwise'].high:.3f} over objects, chance 0.5, "
            f"p = {rates['pairwise'].p:.2g}; top-1 {rates['top-1'].value:.3f}, chance {rates['top-1'].chance:.3f}",
        )
    models = {name: rdm(matrix, "euclidean") for name, matrix in vectors.items()}
    for region in regions:
        brain = rdm(found.region(region).data, "correlation")
        for name, one in similarity_analysis(models, brain, permutations=PERMUTATIONS, seed=SEED).models.items():
            yield _row(
                f"81 objects, RSA of {region} with {name}",
                one.score.value,
                f"Spearman, {one.score.low:.3f} to {one.score.high:.3f} over objects, p = {one.p:.2g}",
            )


def _encoding_rows(
    responses: Responses, matrix: np.ndarray, name: str, of_voxel: np.ndarray, regions: list[str]
) -> Iterator[dict[str, object]]:
    """Mean correlation over a region's voxels between what held-out objects evoked and what was predicted."""
    data, matrix = responses.data.astype(np.float64), matrix.astype(np.float64)
    actual, predicted = np.empty(data.shape), np.empty(data.shape)
    for fold in OBJECT_FOLDS.split(responses.rows):
        train = matrix[fold.train]
        mean, spread = train.mean(0), np.where(train.std(0) > 0, train.std(0), 1)
        centre = data[fold.train].mean(0)
        inner = ByWordType(8).split(responses.rows.take(fold.train))
        model = RidgeCV(folds=inner).fit((train - mean) / spread, data[fold.train] - centre)
        predicted[fold.test] = np.asarray(model.predict((matrix[fold.test] - mean) / spread))
        # A training mean is low where held-out responses are high, so it is in neither; r would be negative by chance.
        actual[fold.test] = data[fold.test] - centre
    generator = np.random.default_rng(SEED)
    n = len(actual)
    scores = _by_region(correlation(actual, predicted), of_voxel, regions)
    drawn, null = [], []
    for _ in range(RESAMPLES):
        chosen = generator.integers(n, size=n)
        drawn.append(_by_region(correlation(actual[chosen], predicted[chosen]), of_voxel, regions))
        null.append(_by_region(correlation(actual, predicted[generator.permutation(n)]), of_voxel, regions))
    low, high = np.nanpercentile(drawn, (2.5, 97.5), axis=0)
    p = (1 + (np.array(null) >= scores).sum(0)) / (1 + RESAMPLES)
    for place, region in enumerate(regions):
        yield _row(
            f"81 objects, voxels of {region} predicted from {name}",
            scores[place],
            f"mean r, {low[place]:.3f} to {high[place]:.3f} over objects, p = {p[place]:.2g}",
        )


def _by_region(values: np.ndarray, of_voxel: np.ndarray, regions: list[str]) -> np.ndarray:
    """Means over the voxels of each region."""
    values = np.nan_to_num(np.asarray(values))
    return np.array([values[of_voxel == region].mean() for region in regions])


# ---- 92 pictures


def picture_rows(data: Path) -> Iterator[dict[str, object]]:
    """Models of 92 pictures against human IT, beside the noise ceiling of four people."""
    found = kriegeskorte92.load(data / "kriegeskorte92")
    models: Mapping[str, np.ndarray] = found.models | {"monkey IT": found.monkey, "judgements": found.behaviour.mean(0)}
    human = np.array([pairs_of(subject) for subject in found.human.mean(1)])
    result = similarity_analysis(
        {name: pairs_of(matrix) for name, matrix in models.items()}, human, method="spearman",
        permutations=PERMUTATIONS, seed=SEED,
    )  # fmt: skip
    assert result.ceiling is not None  # four subjects
    low, high = result.ceiling
    for name, one in result.models.items():
        yield _row(
            f"Kriegeskorte 92, RSA of human IT with {name}, 4 people",
            one.score.value,
            f"Spearman, {one.score.low:.3f} to {one.score.high:.3f} over pictures, ceiling {low:.3f} to {high:.3f}, "
            f"p = {one.p_corrected:.2g} corrected",
        )


def _row(measure: str, value: float, spread: str, reach: float | None = None) -> dict[str, object]:
    return row(measure, value, None, None, spread, reach)


if __name__ == "__main__":
    for entry in rows():
        print(f"{entry['measure']}: {entry['ours']} {entry['unit']}", flush=True)
