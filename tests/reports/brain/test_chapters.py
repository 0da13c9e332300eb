"""Chapters of brain analyses say what was found, no stronger than controls and labels allow."""

import io

import numpy as np
import pytest
from PIL import Image

from grounding.brain.decoding import classify, decode
from grounding.brain.folds import ByWordType
from grounding.brain.geometry import rdm, similarity_analysis, zero_shot
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.brain.sweeps import LagByLayer, LayerContext, LayerLag
from grounding.errors import InputError
from grounding.reports import Grid, Picture
from grounding.reports.brain import chapters
from grounding.reports.brain.encoding import brain_maps
from grounding.reports.brain.maps import volume_of
from grounding.reports.chapter import chapter_section

LAYERS = ("layer 0", "layer 1", "layer 2", "layer 3")


def sweep(layers: tuple[str, ...] = LAYERS) -> LayerLag:
    lags = np.linspace(0, 0.4, 5)
    curves = np.exp(-((lags - np.arange(len(layers))[:, None] * 0.1) ** 2) / 0.005)[:, None].repeat(2, 1)
    return LayerLag(curves, curves[None], layers, ("A1", "A2"), lags, "5 contiguous folds", "ecog", True, 0.0)


def peaks(correlation: float, p: float) -> LagByLayer:
    return LagByLayer(np.array([0.0, 0.1, 0.2, 0.3]), correlation, p, ("A1", "A2"))


def patterns(seed: int = 0) -> tuple[Responses, dict[str, np.ndarray]]:
    """Twenty words, each met in two runs, whose patterns follow their vectors."""
    generator = np.random.default_rng(seed)
    vectors = {f"word{n}": generator.normal(size=3) for n in range(20)}
    words = list(vectors)
    weights = generator.normal(size=(3, 6))
    rows = Rows.joined([Rows.of_run(run, np.arange(20.0), story="words", word=words) for run in ("run-1", "run-2")])
    table = np.stack([vectors[word] for word in [*words, *words]])
    data = (table @ weights + 0.5 * generator.normal(size=(40, 6))).astype(np.float32)
    return Responses(data, rows, tuple("abcdef"), "eeg"), vectors


def grid_of(chapter) -> Grid:
    return next(one for one in chapter.content if isinstance(one, Grid))


def test_an_order_of_lags_that_a_control_shows_too_is_no_finding():
    alone = chapters.layers_chapter(sweep(), peaks(0.9, 0.01), {"scrambled layers": peaks(0.1, 0.9)})
    assert alone.verdict.startswith("Deeper layers peak later") and "but so do" not in alone.verdict
    both = chapters.layers_chapter(sweep(), peaks(0.9, 0.01), {"a straight line": peaks(0.85, 0.02)})
    assert "but so do a straight line (r = 0.85)" in both.verdict
    nothing = chapters.layers_chapter(sweep(), peaks(0.5, 0.4), {})
    assert nothing.verdict.startswith("No relation")
    assert chapters.layers_chapter(sweep(), peaks(float("nan"), 1.0), {}).verdict == "All layers peak at the same lag."
    assert alone.badge == chapters.SYNTHETIC


def test_a_single_layer_is_shown_without_depth():
    chapter = chapters.layers_chapter(sweep(("word vectors",)), None, {})
    assert chapter.verdict.startswith("Highest: word vectors at 0 ms, r = 1.000")
    assert all(isinstance(one, Picture) for one in chapter.content) and "Controls" not in chapter.explanation


def test_the_best_context_is_named():
    scores = np.zeros((4, 2, 3))
    scores[2, 1] = 0.3
    grid = LayerContext(scores, scores[None], LAYERS, ("1 words", "8 words"), ("a", "b", "c"), "5 folds", False)
    assert chapters.context_chapter(grid).verdict == "Highest: layer 2 with 8 words, r = 0.300."


def test_decoding_beside_its_control():
    responses, vectors = patterns()
    length = {word: np.array([float(len(word))]) for word in vectors}
    found = {
        name: decode(responses, table, ByWordType(5), permutations=19, seed=0)
        for name, table in (("vectors", vectors), ("length", length))
    }
    chapter = chapters.decoding_chapter("Which word?", "Twenty words.", found)
    rows = grid_of(chapter).rows
    assert {row[0] for row in rows} == {"vectors", "length"}
    value = next(row[2] for row in rows if row[:2] == ["vectors", "pairwise"])
    assert value == f"{found['vectors'].rates['pairwise'].value:.3f}" and value in chapter.verdict
    assert chapter.badge == ""


def test_words_never_trained_with():
    responses, vectors = patterns()
    first = responses.rows.run == "run-1"
    types = Responses(responses.data[first], responses.rows.take(first), responses.targets, "eeg", synthetic=True)
    found = zero_shot(np.stack(list(vectors.values())), types, folds=ByWordType(5), permutations=19, seed=0)
    chapter = chapters.zero_shot_chapter("subject 1", "vectors", "none", found, 40)
    rows = grid_of(chapter).rows
    assert chapter.badge == chapters.SYNTHETIC and "40 words of 20 types" in chapter.explanation
    # Among four candidates most are within the best five whatever the map does.
    assert {row[2] for row in rows} & {"pairwise", "roc auc"} and not {row[2] for row in rows} & {"top 5", "top 10"}


def test_categories_and_their_confusions():
    responses, _ = patterns()
    labels = np.where(responses.data[:, 0] > 0, "up", "down")
    found = classify(responses, labels, permutations=19, seed=0)
    chapter = chapters.classification_chapter("Which?", found)
    assert f"{found.accuracy.value:.3f}" in chapter.verdict and isinstance(chapter.content[0], Picture)


def test_similarity_says_what_its_p_values_are_corrected_over():
    generator = np.random.default_rng(0)
    brain = generator.normal(size=(12, 5))
    models = {
        "itself": rdm(brain + 0.3 * generator.normal(size=brain.shape)),
        "noise": rdm(generator.normal(size=(12, 5))),
    }
    one = similarity_analysis(models, rdm(brain), permutations=19, seed=0)
    chapter = chapters.similarity_chapter("twelve things", {"IT": one}, synthetic=False)
    assert chapter.verdict.startswith("Highest: IT: itself") and "Spearman's ρ" in chapter.explanation
    assert "not over 2 regions" in chapters.similarity_chapter("x", {"IT": one, "V1": one}, False).explanation
    assert "&lt;" not in chapter_section(chapter)


def test_voxels_become_an_image_where_they_fill_a_grid():
    indices = np.argwhere(np.ones((2, 2, 2)))
    affine = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72]])
    positions = (indices @ affine[:, :3].T + affine[:, 3]) / 1000
    image = volume_of(np.arange(8.0), indices, positions)
    np.testing.assert_allclose(image.affine[:3], affine, atol=1e-4)
    np.testing.assert_allclose(np.asarray(image.dataobj)[tuple(indices.T)], np.arange(8.0))
    with pytest.raises(InputError, match="one plane"):
        volume_of(np.zeros(4), indices[:4], positions[:4])


def test_regions_and_single_slices_are_drawn_as_dots():
    positions = np.array([[-0.05, 0, 0], [0.05, 0, 0], [0, 0.05, 0]])
    for names in (("LIFG", "RIFG", "PFC"), ("1 2 3", "2 2 3", "1 3 3")):
        (picture,) = brain_maps({"r": np.array([0.1, 0.2, 0.3])}, names, positions, "fmri")
        assert Image.open(io.BytesIO(picture.light)).size[0] > 500 and "MNI" in picture.caption
