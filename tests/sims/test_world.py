import subprocess
import sys
from pathlib import Path

import pytest

from sims.objects.shapes import Link, Shape
from sims.robot import Panda
from sims.world import PHYSICS_RATE, SUBSTEPS, World

ROOT = Path(__file__).parents[2]
CUBE = Link("cube", [Shape("box", (0.04, 0.04, 0.04))], (1, 0, 0))
SLIDER = Link(
    "slider",
    [Shape("box", (0.02,) * 3)],
    (0, 1, 0),
    parent="cube",
    joint="prismatic",
    position=(0, 0, 0.1),
    limits=(0, 1),
)


def test_a_dropped_thing_falls_as_it_should_and_comes_to_rest_on_the_table(world):
    body = world.add([CUBE], (0.5, 0, 0.5))
    world.step(SUBSTEPS)
    seconds = SUBSTEPS / PHYSICS_RATE
    assert world.position(body)[2] == pytest.approx(0.5 - 9.81 * seconds**2 / 2, abs=0.002)
    assert world.speed(body) == pytest.approx(9.81 * seconds, rel=0.05)
    world.step(3 * PHYSICS_RATE)
    assert world.position(body)[2] == pytest.approx(0.02, abs=0.002) and world.speed(body) < 1e-3


def test_parts_are_all_links_but_those_left_out(world):
    robot = Panda(world)
    free, fixed = world.add([CUBE], (0.5, 0, 0.1)), world.add([CUBE, SLIDER], (0.5, 0.3, 0.1), fixed=True)
    assert world.parts(exclude=[robot.body]) == [(free, -1), (fixed, -1), (fixed, 0)]
    world.bullet.resetJointState(fixed, 0, 0.25)
    assert world.joint((fixed, 0)) == 0.25


def test_clearing_leaves_the_table_alone(world):
    world.add([CUBE], (0.5, 0, 0.1))
    world.clear()
    assert world.parts() == [] and world.bullet.getNumBodies() == 1


def test_two_worlds_are_apart(world):
    other = World()
    other.clear()
    world.add([CUBE], (0.5, 0, 0.1))
    assert other.parts() == [] and len(world.parts()) == 1
    other.close()
    assert len(world.parts()) == 1


def test_closing_twice_does_nothing_more():
    world = World()
    world.clear()
    world.close()
    world.close()
    assert not world.bullet.isConnected()


def test_nothing_is_printed(capfd):
    world = World()
    world.clear()
    Panda(world)
    world.add([CUBE, SLIDER], (0.5, 0, 0.1))
    world.step()
    world.close()
    assert capfd.readouterr() == ("", "")


def test_nothing_is_printed_by_a_process_and_nothing_is_left_behind(tmp_path):
    program = """if True:
        import sys, gymnasium, sims
        print("begun")
        env = gymnasium.make("grounding/PlaceInBin-v0", split="novel-shape", disable_env_checker=True)
        env.reset(seed=0)
        env.close()
        print("ended", file=sys.stderr)
    """
    command = [sys.executable, "-c", program]
    environment = {"TMPDIR": str(tmp_path), "PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("begun\n", "ended\n")
    assert list(tmp_path.iterdir()) == []
