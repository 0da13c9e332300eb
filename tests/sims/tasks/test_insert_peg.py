import itertools

import numpy as np
import pytest

from sims.objects.pegs import floor_height
from tests.sims.acting import follow_waypoints


def stick(env, which, socket, lift=0.001, lean=0.0):
    """Stands a peg in a socket, ``lift`` (m) above its floor, leaning by ``lean`` (rad)."""
    peg = env.task.pegs[which]
    place = env.task.sockets[socket] + (0, 0, floor_height(peg.category) + peg.height / 2 + lift)
    turned = env.world.bullet.getQuaternionFromEuler((lean, 0, env.task.board.yaw))
    env.world.bullet.resetBasePositionAndOrientation(env.task.bodies[which], place.tolist(), turned)


@pytest.fixture
def env(make):
    env = make("InsertPeg", obs=())
    env.reset(seed=0)
    return env


@pytest.mark.parametrize(
    ("lift", "lean", "success"), [(0.001, 0.0, True), (0.02, 0.0, False), (0.036, 0.0, False), (0.001, 0.3, False)]
)
def test_success_is_standing_deep_in_the_socket(env, lift, lean, success):
    stick(env, 0, 0, lift, lean)
    found = env.task.outcome(env.robot)
    assert found.success is success and not found.failure


def test_it_stays_there(env):
    stick(env, 0, 0)
    env.world.step(240)
    assert env.task.outcome(env.robot).success


def test_another_socket_and_another_peg_are_failures(env):
    stick(env, 0, 1)
    assert env.task.outcome(env.robot).failure == "inserted it in another socket"
    env.reset(seed=0)
    stick(env, 1, 0)
    assert env.task.outcome(env.robot).failure == "inserted another peg"


def test_held_in_the_socket_it_is_not_let_go(env):
    *way, release, _ = env.task.expert()
    info = follow_waypoints(env, [*way, type(release)(release.pose, 0.0, 0.3)])
    assert env.task._inside(env.task.bodies[0], env.task.pegs[0], env.task.sockets[0])
    assert not info["success"] and not info["terminated"]


@pytest.mark.parametrize("split", ["train", "novel-instance", "novel-shape", "novel-category"])
def test_colour_and_shape_together_tell_the_sockets_apart(make, split):
    env = make("InsertPeg", split=split, obs=())
    env.reset(seed=1)
    task = env.task
    assert len(set(zip(task.kinds, task.colors, strict=True))) == 3
    assert task.kinds[0] == task.kinds[1] == task.pegs[0].kind and task.colors[0] == task.colors[2] != task.colors[1]
    assert 0.002 <= task.opening - task.pegs[0].width <= 0.003
    ordered = sorted(task.sockets, key=lambda place: place[1])
    assert all(np.linalg.norm(place - other) > 0.11 for place, other in itertools.pairwise(ordered))
