"""Plans carried out in the simulated world."""

import gymnasium
import numpy as np
import pytest

import sims  # noqa: F401  (registers the environments)
from grounding.errors import InputError
from grounding.policies.evaluation import make_env
from grounding.policies.results import summarise
from grounding.policies.retrieval import Plan
from grounding.policies.rollout import SETTLING_STEPS, ExpertPolicy, play, rollout

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")


class Still:
    """A policy that stays where it is for a while."""

    def __init__(self, steps: int = 5, **told: object) -> None:
        self.steps, self.told = steps, told

    def plan(self, observation):
        here = observation["proprioception"][7:15]
        return Plan(np.repeat(np.float32([[*here[:7], 1.0]]), self.steps, axis=0), **self.told)


class Speechless:
    def plan(self, observation):
        raise InputError("instruction: '' found; expected words")


@pytest.fixture(scope="module")
def drawer():
    env = make_env("OpenDrawer", "novel-instance")
    yield env
    env.close()


@pytest.mark.parametrize("task", TASKS)
def test_the_expert_does_each_task(task):
    env = make_env(task, "novel-shape")
    episode = play(ExpertPolicy(env), env, 3, "expert")
    env.close()
    assert episode.success and episode.failure == ""
    assert episode.key == ("expert", task, "novel-shape", 3)
    assert episode.retrieved is None and episode.retrieved_task is None
    assert 0 < episode.shortest_path and 0.3 < episode.efficiency <= 1
    assert 0.5 < episode.seconds < 15 and len(episode.instruction.split()) > 2


def test_the_same_seed_is_the_same_episode(drawer):
    first, again = (play(ExpertPolicy(drawer), drawer, 5) for _ in range(2))
    assert first == again
    assert play(ExpertPolicy(drawer), drawer, 6) != first


def test_a_motion_without_effect_fails_after_the_scene_has_settled(drawer):
    episode = play(Still(steps=7), drawer, 2)
    assert not episode.success and episode.efficiency == 0
    assert episode.failure == "the motion did not have its effect"
    assert episode.seconds == pytest.approx((7 + SETTLING_STEPS) / 20)
    assert episode.path_length < 0.02


def test_failures_say_what_was_done_instead(drawer):
    assert play(Still(task="TurnKnob"), drawer, 2).failure == "found a motion of another task"
    _, taught = drawer.reset(seed=2)
    right, wrong = taught["parts"][0], next(iter(set(taught["meanings"]) - set(taught["parts"])))
    assert play(Still(task="OpenDrawer", part=wrong), drawer, 2).failure == "acted on another part"
    episode = play(Still(task="OpenDrawer", part=right, retrieved="x"), drawer, 2)
    assert episode.failure == "the motion did not have its effect"
    assert episode.retrieved == "x" and episode.retrieved_task == "OpenDrawer"


def test_targets_beyond_the_arm_are_out_of_reach(drawer):
    class Far(Still):
        def plan(self, observation):
            plan = super().plan(observation)
            plan.trajectory[:, :3] = [1.1, 0.9, 1.1]
            return plan

    assert play(Far(), drawer, 2).failure == "out of reach"


def test_likeness_to_the_expert_is_measured_near_the_part(drawer):
    assert play(ExpertPolicy(drawer), drawer, 5).dtw_mt == 0
    still = play(Still(), drawer, 5).dtw_mt

    class Beside(ExpertPolicy):
        """The expert's motion, a little to the side."""

        def plan(self, observation):
            motion = super().plan(observation).trajectory.copy()
            motion[:, 1] += 0.02
            return Plan(motion)

    # 2 cm count for 2.7 at the part itself, and for less on the way there.
    assert 0.5 < play(Beside(drawer), drawer, 5).dtw_mt < 2.7 < still


def test_steps_that_a_robot_should_not_make_are_counted(drawer):
    class Down(Still):
        """Presses the open hand into the table."""

        def plan(self, observation):
            plan = super().plan(observation)
            plan.trajectory[:, :3] = [0.4, 0.0, -0.05]
            return plan

    pressed = play(Down(steps=40), drawer, 2)
    assert pressed.peak_force > 20 and pressed.ik_failures >= 0
    free = play(Still(steps=7), drawer, 2)
    assert free.peak_force == 0 and free.force_violations == free.joint_violations == free.ik_failures == 0


@pytest.fixture(scope="module")
def tower():
    env = make_env("BuildTower", "train")
    yield env
    env.close()


class Counting:
    """Asks another policy, remembers what was observed, and gives up planning well after so many motions."""

    def __init__(self, policy, well: int = 99) -> None:
        self.policy, self.well, self.observed = policy, well, []

    def plan(self, observation):
        self.observed.append(observation)
        return self.policy.plan(observation) if len(self.observed) <= self.well else Still().plan(observation)


def test_a_task_of_several_steps_is_planned_step_by_step_from_what_is_seen_then(tower):
    policy = Counting(ExpertPolicy(tower))
    episode = play(policy, tower, 1, "expert")
    assert episode.success and episode.subgoals == (True, True) and len(policy.observed) == 2
    first, second = policy.observed
    assert first["instruction"] != second["instruction"], "each step is told by itself"
    assert not np.array_equal(first["image"], second["image"]), "the scene is looked at again"
    assert episode.instruction == first["instruction"] and episode.dtw_mt == 0


def test_a_task_given_up_half_way_tells_how_far_it_came(tower):
    policy = Counting(ExpertPolicy(tower), well=1)
    episode = play(policy, tower, 1)
    assert not episode.success and episode.subgoals == (True, False)
    assert episode.failure == "met 1 of 2 sub-goals"
    assert len(policy.observed) == 4, "no more than two motions beyond the sub-goals"


def test_a_policy_that_has_no_plan_fails_and_says_why(drawer):
    episode = play(Speechless(), drawer, 2)
    assert not episode.success and episode.failure == "no plan: instruction: '' found; expected words"
    assert episode.seconds == 0 and episode.path_length == 0 and episode.retrieved is None


def test_a_film_has_a_picture_every_few_steps_and_the_last(drawer):
    frames: list[np.ndarray] = []
    play(Still(steps=10), drawer, 2, frames=frames, every=8)
    assert len(frames) == 3 + 1
    assert all(frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3 for frame in frames)
    assert frames[0].std() > 10


def test_rollout_plays_rising_seeds_in_any_environment_with_these_keys():
    env = gymnasium.make("grounding/PressButton-v0", obs=("points",), refresh="reset")
    episodes = rollout(ExpertPolicy(env), env, episodes=3, seed=7, method="expert")
    env.close()
    assert [episode.key for episode in episodes] == [("expert", "PressButton", "train", seed) for seed in (7, 8, 9)]
    assert summarise(episodes)["success"]["expert"]["train"]["all"]["n"] == 3
    with pytest.raises(InputError, match="episodes: 0 found; expected at least 1"):
        rollout(ExpertPolicy(env), env, episodes=0)
