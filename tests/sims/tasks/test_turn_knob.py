import numpy as np
import pytest

from sims.splits import SPLITS
from sims.tasks.task import Outcome
from sims.tasks.turn_knob import DIRECTIONS
from tests.sims.acting import follow_waypoints, seeds_where


@pytest.mark.parametrize("split", SPLITS)
def test_the_other_way_is_a_failure(make, split):
    env = make("TurnKnob", split=split, obs=())
    env.reset(seed=2)
    env.task.sign *= -1
    waypoints = env.task.expert()
    env.task.sign *= -1
    info = follow_waypoints(env, waypoints)
    assert not info["success"] and info["terminated"] and info["failure"] == "turned the other way"


@pytest.mark.parametrize("asked", DIRECTIONS)
def test_success_is_how_far_the_knob_has_turned(make, asked):
    env = make("TurnKnob", obs=())
    seeds_where(env, lambda task: task.requests[0].values == {"direction": asked})
    # Seen from above, clockwise is the negative turn about the vertical.
    sign = -1 if asked == "clockwise" else 1
    for degrees, success, failure in ((20, False, ""), (46, True, ""), (-46, False, "turned the other way")):
        env.world.bullet.resetJointState(*env.task.knob, sign * np.deg2rad(degrees))
        assert env.task.outcome(env.robot) == Outcome(success=success, failure=failure)


def test_holding_the_knob_is_not_turning_it(make):
    env = make("TurnKnob", obs=())
    env.reset(seed=5)
    info = follow_waypoints(env, env.task.expert()[:2])
    assert env.robot.touches(env.task.knob[0])
    assert not info["success"] and not info["terminated"]
