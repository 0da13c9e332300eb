"""Control steps beside panda-gym's: an arm, a table and one cube, 20 steps of physics for each action of either.

Both are told where the hand is to go next, solve for the joints, step the physics and read the arm and the cube.
"""

import time

import gymnasium
import numpy as np

from sims import actions
from sims.objects.shapes import Link, Shape
from sims.robot import Panda
from sims.world import World
from tests.benchmarks._rows import row

SUBSTEPS, STEPS, REPETITIONS = 20, 400, 5


def rows() -> list[dict[str, object]]:
    """Steps a processor second, the best of several repetitions in turn."""
    import panda_gym  # noqa: F401  (registers the environments)

    generator = np.random.default_rng(0)
    moves = generator.uniform(-0.5, 0.5, (STEPS, 3)).astype(np.float32)
    peer = gymnasium.make("PandaPickAndPlace-v3").unwrapped
    ours, theirs = 0.0, 0.0
    for _ in range(REPETITIONS):
        ours, theirs = max(ours, _ours(moves)), max(theirs, _theirs(peer, moves))
    peer.close()
    return [row("control steps, 20 of physics, one cube", ours, theirs, "panda-gym PickAndPlace", "steps/s", 1.0)]


def _ours(moves: np.ndarray) -> float:
    world = World()
    world.clear()
    robot = Panda(world)
    cube = world.add([Link("cube", [Shape("box", (0.04, 0.04, 0.04))], (1, 0, 0))], (0.55, 0.1, 0.021))
    asked = np.column_stack([moves, np.zeros((STEPS, 3)), np.ones(STEPS)]).astype(np.float32)
    began = time.process_time()
    for action in asked:
        actions.perform(robot, actions.checked(action, "delta"), "delta")
        world.step(SUBSTEPS)
        np.concatenate([robot.joints(), robot.tool_pose()[:3, 3], [robot.opening()], world.position(cube)])
        robot.contact_force()
    rate = STEPS / (time.process_time() - began)
    world.close()
    return rate


def _theirs(env: gymnasium.Env, moves: np.ndarray) -> float:
    env.reset(seed=0)
    asked = np.column_stack([moves, np.ones(STEPS)]).astype(np.float32)
    began = time.process_time()
    for action in asked:
        env.step(action)
    return STEPS / (time.process_time() - began)
