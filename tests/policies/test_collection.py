"""Demonstrations by the experts."""

import dataclasses
from concurrent.futures import Future

import gymnasium
import numpy as np
import pytest

import sims  # noqa: F401  (registers the environments)
from grounding.datasets.lerobot import read
from grounding.errors import DataError, InputError
from grounding.policies.collection import RATE, Order, collect, perform, thinned
from grounding.policies.workers import worker_pool
from grounding.trajectories import path_length


def assert_equal(first, second):
    for field in dataclasses.fields(first):
        left, right = getattr(first, field.name), getattr(second, field.name)
        if isinstance(left, np.ndarray):
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        else:
            assert left == right, field.name


@pytest.mark.parametrize("task", ["OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin"])
def test_a_demonstration_is_complete_and_valid(task):
    demonstration = next(one for seed in range(5) if (one := perform(Order(task, "train", seed))) is not None)
    demonstration.validate()
    assert demonstration.id == f"{task}-train-{demonstration.seed:06d}" and demonstration.success
    assert demonstration.rate == RATE and len(demonstration.instructions) >= 8
    assert demonstration.meaning.startswith(task + " ")
    assert demonstration.meanings[demonstration.parts[0]] == demonstration.meaning
    assert demonstration.image.shape[0] == 2 and demonstration.points.dtype == np.float32


def test_what_is_not_wanted_is_left_out_and_nothing_else_changes():
    whole = perform(Order("PressButton", "train", 0))
    bare = perform(Order("PressButton", "train", 0, image=False, cloud=False))
    bare.validate()
    assert bare.image is bare.points is bare.colors is bare.segments is None and bare.parts == ()
    assert_equal(dataclasses.replace(whole, image=None, points=None, colors=None, segments=None, parts=()), bare)


def test_wordings_of_the_two_sets_are_disjoint():
    train, test = (perform(Order("OpenDrawer", "train", 0, wordings)) for wordings in ("train", "test"))
    assert train.meaning == test.meaning and not set(train.instructions) & set(test.instructions)


def test_the_steps_of_a_long_task_are_recorded_one_behind_the_other():
    env = gymnasium.make("grounding/StoreInDrawer-v0", obs=(), disable_env_checker=True)
    demonstration = next(
        one for seed in range(5) if (one := perform(Order("StoreInDrawer", "train", seed))) is not None
    )
    demonstration.validate()
    # Carried out row by row, it does the whole task.
    env.reset(seed=demonstration.seed)
    for action in demonstration.trajectory:
        *_, terminated, _, info = env.step(action)
        if terminated:
            break
    env.close()
    assert info["success"] and info["subgoals"] == (True, True, True)
    assert set(demonstration.parts) <= set(demonstration.segments)
    assert demonstration.meaning.startswith("OpenDrawer ") and "; CloseDrawer " in demonstration.meaning


def test_with_noise_the_expert_strays_and_still_succeeds():
    straight = perform(Order("PressButton", "train", 0))
    strayed, again = (perform(Order("PressButton", "train", 0, noise=0.03)) for _ in range(2))
    assert strayed.success and strayed.instructions == straight.instructions
    assert_equal(strayed, again)
    assert path_length(strayed.trajectory) > path_length(straight.trajectory) + 0.005


def test_wordings_that_there_are_not_are_refused():
    with pytest.raises(InputError, match="task PressButton: unknown set of wordings 'rude'"):
        perform(Order("PressButton", "train", 0, wordings="rude"))


def test_what_is_left_out_is_drawn_in_the_shares_asked_for_never_both():
    orders = [thinned(Order("OpenDrawer", "train", seed), 0.2, 0.1) for seed in range(2000)]
    assert np.mean([not one.image for one in orders]) == pytest.approx(0.2, abs=0.03)
    assert np.mean([not one.cloud for one in orders]) == pytest.approx(0.1, abs=0.03)
    assert all(one.image or one.cloud for one in orders)
    assert orders == [thinned(Order("OpenDrawer", "train", seed), 0.2, 0.1) for seed in range(2000)]
    others = [thinned(Order("TurnKnob", "train", seed), 0.2, 0.1) for seed in range(2000)]
    assert [one.image for one in others] != [one.image for one in orders]
    assert all(one.image and one.cloud for one in (thinned(Order("TurnKnob", "train", s), 0, 0) for s in range(50)))


def test_any_number_of_processes_collects_the_same(pipeline):
    """The data set of the pipeline was collected by two."""
    stored = {one.id: one for one in read(pipeline.demonstrations)}

    def order(seed):
        return thinned(Order("OpenDrawer", "train", seed), 0.3, 0.2)

    with worker_pool(1) as pool:
        found = list(collect(3, pool, order, 0))
        again = list(collect(1, pool, order, found[1].seed + 1))
    assert [one.id for one in found] == [name for name in stored if name.startswith("OpenDrawer")][:3]
    for one in found:
        assert_equal(one, stored[one.id])
    # Begun anew after the second, the third is the same again.
    assert_equal(again[0], found[2])


class AtOnce:
    """Stands in for the pool where the expert's part is scripted."""

    def __init__(self, results):
        self.results, self.asked = results, []

    def submit(self, function, order):
        self.asked.append(order.seed)
        future: Future[object] = Future()
        future.set_result(self.results(order.seed))
        return future


def test_seeds_on_which_the_expert_fails_are_passed_over():
    pool = AtOnce(lambda seed: seed if seed % 3 else None)
    assert list(collect(6, pool, lambda seed: Order("OpenDrawer", "train", seed), 30)) == [31, 32, 34, 35, 37, 38]


def test_an_expert_that_only_fails_ends_the_collection():
    pool = AtOnce(lambda seed: seed if seed < 3 else None)
    found = collect(6, pool, lambda seed: Order("TurnKnob", "train", seed))
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(DataError, match="the expert of TurnKnob failed 20 times in a row"):
        next(found)
