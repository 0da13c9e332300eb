"""A pair of modalities that was never trained is found on real objects: clouds and pictures, bound by words alone."""

import dataclasses
import os
from pathlib import Path

import pytest
import torch

from grounding.encoders import ImageEncoder, PointEncoder
from grounding.space import SharedSpace, collate
from tests.benchmarks._space_emergent import REPORTED, SETTINGS, make_samples, read_things, search, split, train
from tests.space.small import Words

HELD_OUT = REPORTED[0]
PACKS = (HELD_OUT, "Dungeon-Remastered", "Furniture-Bits", "City-Builder-Bits", "Space-Base-Bits")
SMALL = dataclasses.replace(SETTINGS, steps=100, checkpoint_every=100)

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


@pytest.fixture(scope="module")
def things():
    return read_things(Path(os.environ["GROUNDING_DATA"]), PACKS)


def test_clouds_and_pictures_are_never_observed_together(things):
    trained, tested = split(things, HELD_OUT)
    samples = make_samples(trained, disjoint=True)
    assert not any("points" in sample and "image" in sample for sample in samples)
    as_clouds, as_pictures = ({sample["id"] for sample in samples if name in sample} for name in ("points", "image"))
    assert not as_clouds & as_pictures
    assert not {thing.pack for thing in trained} & {thing.pack for thing in tested}
    assert not {thing.caption for thing in trained} & {thing.caption for thing in tested}
    assert len({thing.caption for thing in tested}) == len(tested) > 100

    batch = collate(samples)
    encoders = {"text": Words(), "points": PointEncoder(inputs=("xyz", "rgb")), "image": ImageEncoder()}
    assert set(SharedSpace(anchor="text", **encoders).pairs(batch)) == {("image", "text"), ("points", "text")}
    # Nor would the pair be found by a space that trains every pair it observes.
    assert ("image", "points") not in SharedSpace(anchor=None, **encoders).pairs(batch)


def test_the_pair_that_was_never_trained_is_found_far_above_chance(things):
    trained, tested = split(things, HELD_OUT)
    space = train(make_samples(trained, disjoint=True), SMALL)
    report = search(space, tested)
    for name in ("points->image", "image->points"):
        pair = report.pairs[name]
        assert pair.kind == "emergent"
        assert pair.intervals["R@10"][0] > pair.chance[10], report
    trained_pairs = [report.pairs[name] for name in ("points->text", "text->points", "image->text", "text->image")]
    assert {pair.kind for pair in trained_pairs} == {"paired"}
    assert sum(pair.mean_average_precision - pair.chance_precision for pair in trained_pairs) > 0, report


def test_nothing_is_found_before_training(things):
    _, tested = split(things, HELD_OUT)
    torch.manual_seed(0)
    space = SharedSpace(
        anchor="text", text=Words(), points=PointEncoder(inputs=("xyz", "rgb"), reach=1.0), image=ImageEncoder()
    )
    report = search(space, tested)
    for name in ("points->image", "image->points"):
        pair = report.pairs[name]
        assert pair.kind == "untrained"
        assert pair.intervals["R@10"][0] <= pair.chance[10], report
