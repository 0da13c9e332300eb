"""Turn a knob clockwise or counterclockwise."""

import numpy as np

from sims.objects.dial import KNOB_KINDS, NOVEL_KNOB_KINDS, Dial, draw_dial
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.splits import draw
from sims.tasks.task import Outcome, Waypoint, nearest_half_turn, pointing_down, pose
from sims.world import Part, World

DIRECTIONS = {"clockwise": -1.0, "counterclockwise": 1.0}
_GOAL, _SWEEP = np.deg2rad(45.0), np.deg2rad(75.0)


class TurnKnob:
    """Success: the knob has turned 45 degrees the way that was asked (seen from above). The other way is a failure."""

    name = "TurnKnob"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.dial: Dial = draw(draw_dial, KNOB_KINDS, NOVEL_KNOB_KINDS, split, generator)
        self.yaw = uniform(generator, -0.5 * np.pi, 0.5 * np.pi)
        self.base = np.array([uniform(generator, 0.40, 0.60), uniform(generator, -0.22, 0.22), 0.0])
        body = world.add(self.dial.links(), self.base, self.yaw, fixed=True)
        self.knob: Part = (body, 0)
        world.bullet.setJointMotorControl2(*self.knob, world.bullet.VELOCITY_CONTROL, targetVelocity=0, force=0.03)
        direction = choice(generator, tuple(DIRECTIONS))
        self.sign = DIRECTIONS[direction]
        self.slots = {"direction": direction}
        self.meaning = f"{self.name} {direction}"
        self.parts: tuple[Part, ...] = (self.knob,)
        self.meanings = {self.knob: self.meaning}

    def expert(self) -> list[Waypoint]:
        """Grips the knob across its narrow side and turns the hand about the vertical."""
        top = self.base + self.dial.knob_position()
        start = nearest_half_turn(self.yaw, self.sign * _SWEEP)
        grasp = top - (0, 0, 0.011)
        end = start + self.sign * _SWEEP
        return [
            Waypoint(pose(top + (0, 0, 0.09), pointing_down(start)), 1.0),
            Waypoint(pose(grasp, pointing_down(start)), 0.0, wait=0.35),
            Waypoint(pose(grasp, pointing_down(end)), 0.0, wait=0.2),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        turned = self.sign * self.world.joint(self.knob)
        if turned <= -_GOAL:
            return Outcome(failure="turned the other way")
        return Outcome(success=bool(turned >= _GOAL))

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to the top of the knob; the turn itself needs no way."""
        return float(np.linalg.norm(self.base + self.dial.knob_position() - start))
