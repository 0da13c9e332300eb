"""Turn a knob with a pointer to one of several coloured marks."""

import numpy as np

from sims.objects.joints import hold_by_friction
from sims.objects.marked_dial import MARKED_DIALS, MarkedDial, draw_marked_dial
from sims.robot import Panda
from sims.sampling import uniform
from sims.skills.panels import turn_knob
from sims.splits import draw
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

ON_MARK = np.deg2rad(12.0)
"""Largest angle (rad) between the pointer and a mark that it counts as showing."""
# N m: stiff enough to stay where it is when the fingers let go.
_KNOB_FRICTION = 0.15
_STILL = 0.05


class SetKnob:
    """Success: the pointer is within 12 degrees of the named mark, the knob at rest and let go.

    Leaving it so at another mark than where it started is a failure.
    """

    name = "SetKnob"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.dial: MarkedDial = draw(draw_marked_dial, MARKED_DIALS, split, generator)
        self.yaw = uniform(generator, -0.3, 0.3)
        base = np.array([uniform(generator, 0.40, 0.58), uniform(generator, -0.20, 0.20), 0.0])
        self.placement = Placement(base, self.yaw)
        body = world.add(self.dial.links(), base, self.yaw, fixed=True)
        self.knob: Part = (body, 0)
        count = len(self.dial.marks)
        self.asked = int(generator.integers(count))
        self.started = (self.asked + int(generator.integers(1, count))) % count
        world.bullet.resetJointState(*self.knob, self.dial.mark_angle(self.started))
        hold_by_friction(world, self.knob, _KNOB_FRICTION)
        mark: Part = (body, self.dial.mark_link(self.asked))
        self.meaning = f"{self.name} {self.dial.marks[self.asked]}"
        self.parts: tuple[Part, ...] = (self.knob, mark)
        self.meanings = {self.knob: self.meaning}
        knob = Thing(self.knob, "knob", {"color": self.dial.color}, self._top(), whole=(body, -1))
        marks = [
            Thing(
                (body, self.dial.mark_link(index)),
                "mark",
                {"color": color},
                self.placement.point(self.dial.mark_position(index)),
                whole=(body, -1),
            )
            for index, color in enumerate(self.dial.marks)
        ]
        self.things: tuple[Thing, ...] = (knob, *marks)
        self.requests: tuple[Request, ...] = (Request(self.name, self.knob, anchor=mark),)

    def _top(self) -> np.ndarray:
        return self.placement.point(self.dial.knob_position())

    def expert(self) -> list[Waypoint]:
        """Grips the knob across its pointer, turns it until that shows the mark, and lets go."""
        now = self.world.joint(self.knob)
        sweep = self.dial.mark_angle(self.asked) - now
        return turn_knob(self._top(), self.yaw + now, sweep, self.dial.grip_width)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        angle, speed = self.world.bullet.getJointState(*self.knob)[:2]
        if abs(speed) > _STILL or robot.touches(self.knob[0]):
            return Outcome()
        shown = [index for index in range(len(self.dial.marks)) if abs(angle - self.dial.mark_angle(index)) <= ON_MARK]
        if self.asked in shown:
            return Outcome(success=True)
        return Outcome(failure="set to another mark" if shown and shown != [self.started] else "")

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to the top of the knob; the turn itself needs no way."""
        return float(np.linalg.norm(self._top() - start))

    def part_frame(self) -> np.ndarray:
        """On top of the knob, z up, x along its pointer."""
        return pose(self._top(), turn(self.yaw + self.world.joint(self.knob)))
