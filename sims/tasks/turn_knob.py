"""Turn a knob, or a valve, clockwise or counterclockwise."""

import numpy as np

from sims.objects.dial import DIALS, Dial, draw_dial
from sims.objects.joints import hold_by_friction
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import turn_knob
from sims.splits import draw
from sims.tasks.task import Outcome, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

DIRECTIONS = {"clockwise": -1.0, "counterclockwise": 1.0}
KNOB_FRICTION = 0.03
"""N m"""
TURNED, SWEEP = np.deg2rad(45.0), np.deg2rad(75.0)
"""From where a knob counts as turned, and how far the expert turns it, rad."""


class TurnKnob:
    """Success: the knob has turned 45 degrees the way that was asked (seen from above). The other way is a failure."""

    name = "TurnKnob"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.dial: Dial = draw(draw_dial, DIALS, split, generator)
        self.yaw = uniform(generator, -0.5 * np.pi, 0.5 * np.pi)
        self.base = np.array([uniform(generator, 0.40, 0.60), uniform(generator, -0.22, 0.22), 0.0])
        body = world.add(self.dial.links(), self.base, self.yaw, fixed=True)
        self.knob: Part = (body, 0)
        hold_by_friction(world, self.knob, KNOB_FRICTION)
        direction = choice(generator, tuple(DIRECTIONS))
        self.sign = DIRECTIONS[direction]
        self.meaning = f"{self.name} {direction}"
        self.parts: tuple[Part, ...] = (self.knob,)
        self.meanings = {self.knob: self.meaning}
        top = self.base + self.dial.knob_position()
        self.things: tuple[Thing, ...] = (Thing(self.knob, "knob", {"color": self.dial.color}, top, whole=(body, -1)),)
        self.requests: tuple[Request, ...] = (Request(self.name, self.knob, values={"direction": direction}),)

    def expert(self) -> list[Waypoint]:
        """Grips the knob across its narrow side and turns the hand about the vertical."""
        top = self.base + self.dial.knob_position()
        return turn_knob(top, self.yaw, self.sign * SWEEP, self.dial.grip_width)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        turned = self.sign * self.world.joint(self.knob)
        if turned <= -TURNED:
            return Outcome(failure="turned the other way")
        return Outcome(success=bool(turned >= TURNED))

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to the top of the knob; the turn itself needs no way."""
        return float(np.linalg.norm(self.base + self.dial.knob_position() - start))

    def part_frame(self) -> np.ndarray:
        """On top of the knob, z up, x along its longer side."""
        return pose(self.base + self.dial.knob_position(), turn(self.yaw + self.world.joint(self.knob)))
