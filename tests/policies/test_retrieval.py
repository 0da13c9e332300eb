"""The retrieval policy in real scenes, with a small trained space and a small library."""

import dataclasses

import numpy as np
import pytest

from grounding.cli.index import load_library
from grounding.datasets.lerobot import read
from grounding.errors import InputError
from grounding.library import Library
from grounding.library.samples import DESTINATION, entries
from grounding.policies.evaluation import make_env
from grounding.policies.retrieval import SHORTLIST, RetrievalPolicy
from grounding.policies.rollout import play
from grounding.trajectories import inverse, transform, validate
from grounding.trajectories.parts import part_cloud, part_frame, visible_parts

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")


@pytest.fixture(scope="module")
def library(pipeline):
    return load_library(pipeline.run)


@pytest.fixture(scope="module")
def demonstrations(pipeline):
    return [one for one in read(pipeline.demonstrations) if one.points is not None]


@pytest.fixture(scope="module")
def observation():
    env = make_env("PlaceInBin", "novel-shape")
    seen, _ = env.reset(seed=11)
    env.close()
    return seen


def library_of(path, demonstration, space):
    library = Library.create(path, space)
    library.add(entries([demonstration], space))
    return library


def clouds_of(observation):
    points, colors, segments = observation["points"], observation["colors"], observation["segments"]
    frames = {label: part_frame(points, segments, label) for label in visible_parts(segments)}
    return {label: part_cloud(points, colors, segments, label, frame) for label, frame in frames.items()}


@pytest.mark.parametrize("query", [("text", "points"), ("text",), ("points",), ("image",), ()])
def test_a_plan_is_a_motion_from_where_the_hand_is(library, observation, query):
    policy = RetrievalPolicy(library, query)
    plan = policy.plan(observation)
    np.testing.assert_array_equal(validate(plan.trajectory), plan.trajectory)
    assert plan.trajectory.dtype == np.float32 and len(plan.trajectory) > 10
    hand = observation["proprioception"][7:10]
    assert np.linalg.norm(plan.trajectory[0, :3] - hand) < 0.05
    assert library.get(plan.retrieved).task == plan.task
    assert plan.part in visible_parts(observation["segments"]) and np.isfinite(plan.score)
    again = RetrievalPolicy(library, query).plan(observation)
    np.testing.assert_array_equal(again.trajectory, plan.trajectory)
    assert again.retrieved == plan.retrieved


def test_words_and_clouds_decide_together(library, observation):
    """The choice is the best of all segments and motions, written out once more, plainly."""
    space = library.space
    words = space.encode(text=[observation["instruction"]])["text"][0]
    seen = {label: space.encode(points=cloud[None])["points"][0] for label, cloud in clouds_of(observation).items()}
    motions = dict(zip(library.ids(), library.vectors("trajectory"), strict=True))
    parts = dict(zip(library.ids(), library.vectors("points"), strict=True))
    able = [name for name in motions if np.isfinite(motions[name]).all()]
    shortlist = sorted(able, key=lambda name: -float(motions[name] @ words))[:SHORTLIST]
    scale = space.scales

    def agreement(label, name):
        return (
            scale["points", "text"] * float(seen[label] @ words)
            + scale["text", "trajectory"] * float(motions[name] @ words)
            + scale["points", "trajectory"] * float(seen[label] @ parts[name])
        )

    best = max((agreement(label, name), label, name) for label in seen for name in shortlist)
    plan = RetrievalPolicy(library).plan(observation)
    assert (plan.part, plan.retrieved) == best[1:]
    assert plan.score == pytest.approx(best[0], abs=1e-3)


def test_one_modality_alone_chooses_by_that_one(library, observation):
    space = library.space
    ids = np.array(library.ids())
    able = np.isfinite(library.vectors("points")[:, 0])
    words = space.encode(text=[observation["instruction"]])["text"][0]
    picture = space.encode(image=observation["image"][:1])["image"][0]
    clouds = space.encode(points=np.stack(list(clouds_of(observation).values())))["points"]
    expected = {
        "text": library.vectors("trajectory") @ words,
        "image": library.vectors("image") @ picture,
        "points": (library.vectors("points") @ clouds.T).max(axis=1),
    }
    for name, scores in expected.items():
        scores = np.where(able & np.isfinite(scores), scores, -np.inf)
        assert RetrievalPolicy(library, (name,)).plan(observation).retrieved == ids[np.argmax(scores)], name


def test_chance_depends_on_the_seed_and_on_the_scene_alone(library, observation):
    drawn = [RetrievalPolicy(library, (), seed).plan(observation).retrieved for seed in range(8)]
    assert len(set(drawn)) > 2
    told = {**observation, "instruction": "something else entirely"}
    assert RetrievalPolicy(library, (), 3).plan(told).retrieved == drawn[3]
    moved = {**observation, "points": observation["points"] + np.float32(0.001)}
    assert [RetrievalPolicy(library, (), seed).plan(moved).retrieved for seed in range(8)] != drawn


@pytest.mark.parametrize("task", TASKS)
def test_a_demonstration_is_repeated_on_its_own_scene(task, demonstrations, library, tmp_path):
    """With a single demonstration to find, and its own part to recognise, its motion does the task once more."""
    demonstration = next(one for one in demonstrations if one.task == task)
    policy = RetrievalPolicy(library_of(tmp_path / "library", demonstration, library.space), ("text",))
    env = make_env(task, "train", "train")
    seen, _ = env.reset(seed=demonstration.seed)
    plan = policy.plan(seen)
    assert plan.part == demonstration.parts[0] and plan.retrieved == demonstration.id
    entry = policy.library.get(demonstration.id)
    assert (DESTINATION in entry.extras) == (task == "PlaceInBin")
    frame = part_frame(demonstration.points, demonstration.segments, demonstration.parts[-1])
    last = entry.extras["stage 1" if task == "PlaceInBin" else "stage 0"]
    np.testing.assert_allclose(plan.trajectory[-len(last) :, :3], transform(last, frame)[:, :3], atol=1e-5)
    episode = play(policy, env, demonstration.seed)
    env.close()
    assert episode.success, episode.failure


def test_the_destination_is_another_part_than_the_one_taken(demonstrations, library, tmp_path):
    """With the bin and the object alike in the space, the hand still does not put the object into itself."""
    demonstration = next(one for one in demonstrations if one.task == "PlaceInBin")
    entry = next(iter(entries([demonstration], library.space)))
    extras = {**entry.extras, DESTINATION: entry.vectors["points"]}
    alike = Library.create(tmp_path / "library", library.space)
    alike.add([dataclasses.replace(entry, extras=extras)])
    observation = {
        "instruction": demonstration.instructions[0],
        "points": demonstration.points,
        "colors": demonstration.colors,
        "segments": demonstration.segments,
        "image": demonstration.image if demonstration.image is not None else np.zeros((2, 64, 64, 3), np.uint8),
        "proprioception": np.float32([0] * 7 + [0.4, 0, 0.5, 1, 0, 0, 0, 1]),
    }
    plan = RetrievalPolicy(alike, ("text",)).plan(observation)
    frame = part_frame(demonstration.points, demonstration.segments, plan.part)
    end = transform(plan.trajectory[-1:], inverse(frame))[0, :2]
    assert np.linalg.norm(end) > 0.03


@pytest.mark.parametrize("words", ["", "   ", "?!", "\n"])
def test_an_instruction_of_no_words_is_refused(library, observation, words):
    with pytest.raises(InputError, match="instruction: .* found; expected words that say what to do"):
        RetrievalPolicy(library).plan({**observation, "instruction": words})


def test_a_cloud_that_cannot_be_used_is_refused(library, observation):
    points = observation["points"].copy()
    points[5] = np.nan
    with pytest.raises(InputError, match="1 points with NaN"):
        RetrievalPolicy(library).plan({**observation, "points": points})
    nothing = np.zeros_like(observation["segments"])
    with pytest.raises(InputError, match="no segment with enough points to act on; look at the cameras"):
        RetrievalPolicy(library).plan({**observation, "segments": nothing})


def test_queries_and_libraries_that_cannot_be_used_are_refused(library, pipeline, tmp_path):
    for query in (("points", "text"), ("text", "image"), ("smell",)):
        with pytest.raises(InputError, match="query: .* found; expected one of"):
            RetrievalPolicy(library, query)
    blind = Library.create(tmp_path / "library", library.space)
    without = [one for one in read(pipeline.demonstrations) if one.points is None]
    with_one = [one for one in read(pipeline.demonstrations) if one.points is not None][:1]
    blind.add(entries(without, library.space))
    with pytest.raises(InputError, match="no .*vectors of .*points|no demonstration has a cloud"):
        RetrievalPolicy(blind)
    blind.add(entries(with_one, library.space))
    assert RetrievalPolicy(blind).library is blind
