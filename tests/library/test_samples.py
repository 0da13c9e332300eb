"""From real demonstrations to samples and library entries."""

import dataclasses

import numpy as np
import pytest

from grounding.cli.index import load_library
from grounding.datasets.lerobot import read
from grounding.errors import DataError
from grounding.library import Library
from grounding.library.samples import DESTINATION, entries, samples
from grounding.trajectories import rotations, transform
from grounding.trajectories.parts import part_frame, visible_parts

UNIT = 1e-5


@pytest.fixture(scope="module")
def demonstrations(pipeline):
    return read(pipeline.demonstrations)


@pytest.fixture(scope="module")
def made(demonstrations):
    return samples(demonstrations)


@pytest.fixture(scope="module")
def stored(demonstrations, pipeline):
    """The entries of the demonstrations, by id, made anew with the trained space."""
    space = load_library(pipeline.run).space
    return {entry.id: entry for entry in entries(demonstrations, space)}


def test_the_demonstrations_lack_something_here_and_there(demonstrations):
    assert any(one.image is None for one in demonstrations) and any(one.points is None for one in demonstrations)
    assert any(one.image is not None and one.points is not None for one in demonstrations)


def test_each_demonstration_gives_what_it_has(demonstrations, made):
    own = [one for one in made if "image" in one or "trajectory" in one]
    assert [one["id"] for one in own] == [one.meaning for one in demonstrations]
    for sample, demonstration in zip(own, demonstrations, strict=True):
        assert sample["text"] == demonstration.instructions and len(sample["text"]) >= 8
        assert ("image" in sample) == (demonstration.image is not None)
        assert ("points" in sample) == ("trajectory" in sample) == (demonstration.points is not None)
        if "image" in sample:
            assert len(sample["image"]) == 2 and sample["image"][1].dtype == np.uint8
            np.testing.assert_array_equal(np.stack(sample["image"]), demonstration.image)
        if "points" in sample:
            assert sample["points"].shape == (512, 7) and sample["points"].dtype == np.float32
            frame = part_frame(demonstration.points, demonstration.segments, demonstration.parts[0])
            back = transform(sample["trajectory"], frame)
            np.testing.assert_allclose(back[:, [0, 1, 2, 7]], demonstration.trajectory[:, [0, 1, 2, 7]], atol=1e-5)
            turned = rotations.rotation_distance(back[:, 3:7], demonstration.trajectory[:, 3:7])
            assert turned.max() < 2e-3


def test_everything_else_seen_gives_a_cloud_of_its_own(demonstrations, made):
    bystanders = [one for one in made if "image" not in one and "trajectory" not in one]
    wordings = {one.meaning: one.instructions for one in demonstrations}
    seen = sum(len(visible_parts(one.segments)) - 1 for one in demonstrations if one.points is not None)
    assert len(bystanders) == seen > len(demonstrations)
    for one in bystanders:
        assert one.keys() <= {"id", "points", "text"} and one["points"].shape == (512, 7)
        assert one.get("text") == wordings.get(one["id"])
    named = [one for one in bystanders if one["id"] in wordings]
    nameless = [one["id"] for one in bystanders if " segment " in one["id"]]
    assert named and nameless and len(set(nameless)) == len(nameless)


def test_no_sample_tells_the_target_twice(demonstrations, made):
    """The other drawer has the meaning of the instruction that would have asked for it, not of the one that did."""
    position = 0
    for demonstration in demonstrations:
        count = 0 if demonstration.points is None else len(visible_parts(demonstration.segments)) - 1
        group = made[position : position + count]
        position += count + 1
        if demonstration.task == "OpenDrawer" and count:
            assert demonstration.meaning not in {one["id"] for one in group}
    assert position == len(made)


def test_entries_hold_the_vectors_of_what_was_observed(demonstrations, stored, pipeline):
    space = load_library(pipeline.run).space
    for one in demonstrations:
        entry = stored[one.id]
        assert (entry.task, entry.meaning, entry.rate) == (one.task, one.meaning, one.rate)
        assert entry.instruction == one.instructions[0]
        assert entry.metadata["split"] == "train" and entry.metadata["seed"] == one.seed
        expected = {"text"} | ({"image"} if one.image is not None else set())
        expected |= {"points", "trajectory"} if one.points is not None else set()
        assert set(entry.vectors) == expected
        for vector in entry.vectors.values():
            assert vector.shape == (32,) and np.linalg.norm(vector) == pytest.approx(1, abs=UNIT)
        alone = space.encode(text=[one.instructions[0]])["text"][0]
        np.testing.assert_allclose(entry.vectors["text"], alone, atol=1e-5)
        if one.image is not None:
            alone = space.encode(image=one.image[:1])["image"][0]
            np.testing.assert_allclose(entry.vectors["image"], alone, atol=1e-4)


def test_entries_with_a_cloud_hold_a_motion_for_each_part(demonstrations, stored):
    for one in demonstrations:
        entry = stored[one.id]
        if one.points is None:
            assert entry.metadata["frame"] == "world" and not entry.extras
            np.testing.assert_array_equal(entry.trajectory, one.trajectory)
            continue
        assert entry.metadata["frame"] == "part"
        names = {f"stage {index}" for index in range(len(one.parts))}
        assert set(entry.extras) == names | ({DESTINATION} if one.task == "PlaceInBin" else set())
        assert len(one.parts) == (2 if one.task == "PlaceInBin" else 1)
        frames = [part_frame(one.points, one.segments, part) for part in one.parts]
        last = entry.extras[f"stage {len(frames) - 1}"]
        back = transform(last, frames[-1])
        np.testing.assert_allclose(back[:, :3], one.trajectory[-len(back) :, :3], atol=1e-4)
        if DESTINATION in entry.extras:
            assert np.linalg.norm(entry.extras[DESTINATION]) == pytest.approx(1, abs=UNIT)


def test_the_library_gives_them_back(stored, pipeline):
    library = load_library(pipeline.run)
    assert library.ids() == list(stored)
    for identifier, entry in stored.items():
        found = library.get(identifier)
        np.testing.assert_allclose(found.trajectory, entry.trajectory, atol=1e-6)
        assert found.extras.keys() == entry.extras.keys()
        for name, array in entry.extras.items():
            np.testing.assert_allclose(found.extras[name], array, atol=1e-4)


def test_a_cloud_that_cannot_be_used_is_named_before_anything_is_stored(demonstrations, pipeline, tmp_path):
    good = next(one for one in demonstrations if one.points is not None)
    points = good.points.copy()
    points[0] = np.nan
    spoilt = dataclasses.replace(good, id="spoilt", points=points)
    with pytest.raises(DataError, match="demonstration 'spoilt': .*1 points with NaN"):
        samples([good, spoilt])
    segments = np.where(np.arange(len(points)) < 7, good.parts[0], np.int32(99))
    unseen = dataclasses.replace(good, id="unseen", segments=segments.astype(np.int32))
    with pytest.raises(DataError, match="demonstration 'unseen': segment .* has 7 points; expected at least 8"):
        samples([unseen])
    space = load_library(pipeline.run).space
    library = Library.create(tmp_path / "library", space)
    with pytest.raises(DataError, match="demonstration 'spoilt'"):
        library.add(entries([good, spoilt], space))
    assert len(library) == 0


def test_nothing_gives_nothing(pipeline):
    assert samples([]) == []
    assert list(entries([], load_library(pipeline.run).space)) == []
