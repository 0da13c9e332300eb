"""Flip one of two or three switches on or off."""

import numpy as np

from sims.objects.panel import BASE_COLORS
from sims.objects.switch import SwitchBoard, draw_switches
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import flip_switch
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

STATES = ("off", "on")
FLIPPED = 0.6
"""Share of its tilt by which a switch must lean to a side to count as flipped to it; a centred one has 0."""


class FlipSwitch:
    """Success: the named switch leans to the side asked for. Flipping another one is a failure.

    On is away from the robot, where a green strip runs along the board; off is towards it, at the red strip. Every
    switch starts on one side; the one that is asked for on the wrong one.
    """

    name = "FlipSwitch"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        switches = draw_switches(generator, split, int(generator.integers(2, 4)))
        self.board = SwitchBoard(
            switches,
            choice(generator, tuple(BASE_COLORS)),
            uniform(generator, 0.13, 0.16),
            uniform(generator, 0.03, 0.09),
            uniform(generator, 0.070, 0.085),
        )
        self.yaw = uniform(generator, -0.4, 0.4)
        base = np.array([uniform(generator, 0.42, 0.60), uniform(generator, -0.18, 0.18), 0.0])
        self.placement = Placement(base, self.yaw)
        self.body = world.add(self.board.links(), base, self.yaw, fixed=True)
        self.initial = tuple(bool(generator.integers(2)) for _ in switches)
        for index, on in enumerate(self.initial):
            self.board.set(world, self.body, index, on)
        self.asked = int(generator.integers(len(switches)))
        self.goal = not self.initial[self.asked]
        levers: tuple[Part, ...] = tuple((self.body, self.board.lever_link(index)) for index in range(len(switches)))
        self.meaning = f"{self.name} {switches[self.asked].color} {STATES[self.goal]}"
        self.parts: tuple[Part, ...] = (levers[self.asked],)
        self.meanings = {
            lever: f"{self.name} {switch.color} {STATES[not on]}"
            for lever, switch, on in zip(levers, switches, self.initial, strict=True)
        }
        self.things: tuple[Thing, ...] = tuple(
            Thing(
                lever, "switch", {"color": switch.color}, self.placement.point(self.board.axle(index)), (self.body, -1)
            )
            for index, (lever, switch) in enumerate(zip(levers, switches, strict=True))
        )
        self.requests: tuple[Request, ...] = (
            Request(self.name, levers[self.asked], values={"state": STATES[self.goal]}),
        )

    def expert(self) -> list[Waypoint]:
        """Pushes a lever over from behind, or presses the end of a rocker that is up."""
        return flip_switch(self.board, self.placement, self.asked, self.goal)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        for index, on in enumerate(self.initial):
            if index != self.asked and self._leaning(index, not on) >= FLIPPED:
                return Outcome(failure="flipped another switch")
        return Outcome(success=bool(self._leaning(self.asked, self.goal) >= FLIPPED))

    def _leaning(self, index: int, on: bool) -> float:
        """How far a switch leans to one side: 1 all the way, -1 to the other."""
        leaning = self.board.leaning(self.world, self.body, index)
        return leaning if on else -leaning

    def _end(self) -> np.ndarray:
        """The end of the switch asked for that is to be pushed, where it is at the start."""
        return self.placement.point(self.board.end(self.asked, not self.goal))

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to the end of the switch; flipping it takes hardly any way."""
        return float(np.linalg.norm(self._end() - start))

    def part_frame(self) -> np.ndarray:
        """On the switch's axle, z up, x in the direction in which its end is to go."""
        return pose(self.placement.point(self.board.axle(self.asked)), turn(self.yaw + (0.0 if self.goal else np.pi)))
