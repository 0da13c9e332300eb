"""Push one of two or three sliders to an end of its way."""

import numpy as np

from sims.objects.joints import hold_by_friction
from sims.objects.panel import BASE_COLORS
from sims.objects.slider import SLIDER_FRICTION, SliderBoard, draw_sliders
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import slide
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

ENDS = ("near", "far")
REACHED, _SPOILED = 0.9, 0.3


class PushSlider:
    """Success: the named slider stands within a tenth of its way from the end asked for, as seen from the robot.

    Moving another one by 30 % of its way, or this one to its other end, is a failure.
    """

    name = "PushSlider"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        sliders = draw_sliders(generator, split, int(generator.integers(2, 4)))
        bead = sliders[0].category == "bead"
        self.board = SliderBoard(
            sliders,
            choice(generator, tuple(BASE_COLORS)),
            uniform(generator, 0.06, 0.10) if bead else uniform(generator, 0.03, 0.09),
            uniform(generator, 0.064, 0.076),
            uniform(generator, 0.08, 0.10),
        )
        self.yaw = uniform(generator, -0.4, 0.4)
        base = np.array([uniform(generator, 0.43, 0.58), uniform(generator, -0.18, 0.18), 0.0])
        self.placement = Placement(base, self.yaw)
        body = world.add(self.board.links(), base, self.yaw, fixed=True)
        self.sliders: tuple[Part, ...] = tuple((body, self.board.slider_link(index)) for index in range(len(sliders)))
        self.initial = tuple(uniform(generator, 0.35, 0.65) * self.board.travel for _ in sliders)
        for part, joint in zip(self.sliders, self.initial, strict=True):
            world.bullet.resetJointState(*part, joint)
            hold_by_friction(world, part, SLIDER_FRICTION)
        self.asked = int(generator.integers(len(sliders)))
        end = choice(generator, ENDS)
        self.goal = self.board.travel if end == "far" else 0.0
        self.meaning = f"{self.name} {sliders[self.asked].color} {end}"
        self.parts: tuple[Part, ...] = (self.sliders[self.asked],)
        self.meanings = {
            part: f"{self.name} {slider.color} {end}" for part, slider in zip(self.sliders, sliders, strict=True)
        }
        self.things: tuple[Thing, ...] = tuple(
            Thing(part, "slider", {"color": slider.color}, self._top(index), whole=(body, -1))
            for index, (part, slider) in enumerate(zip(self.sliders, sliders, strict=True))
        )
        self.requests: tuple[Request, ...] = (Request(self.name, self.sliders[self.asked], values={"end": end}),)

    def _top(self, index: int) -> np.ndarray:
        """Middle of the top of a slider where it stands now."""
        return self.placement.point(self.board.position(index, self.world.joint(self.sliders[index])))

    def _way(self) -> tuple[np.ndarray, float]:
        """Direction in which the slider has to go, and how far from where it stands."""
        left = self.goal - self.world.joint(self.sliders[self.asked])
        return self.placement.direction(np.array([np.sign(left), 0.0, 0.0])), abs(left)

    def expert(self) -> list[Waypoint]:
        """Grips the slider across its way, moves it to its stop and lets go."""
        direction, distance = self._way()
        return slide(self._top(self.asked), direction, distance - 0.001, self.board.sliders[self.asked].grip_width)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        travel = self.board.travel
        moved = [
            abs(self.world.joint(part) - joint) / travel for part, joint in zip(self.sliders, self.initial, strict=True)
        ]
        if any(share >= _SPOILED for index, share in enumerate(moved) if index != self.asked):
            return Outcome(failure="moved another slider")
        left = abs(self.world.joint(self.sliders[self.asked]) - self.goal) / travel
        if left >= REACHED:
            return Outcome(failure="pushed to the other end")
        return Outcome(success=bool(left <= 1 - REACHED))

    def shortest_path(self, start: np.ndarray) -> float:
        """To the slider, then along with it until it counts as pushed."""
        _, left = self._way()
        return float(np.linalg.norm(self._top(self.asked) - start)) + left - (1 - REACHED) * self.board.travel

    def part_frame(self) -> np.ndarray:
        """On top of the slider, z up, x in the direction in which it is to go."""
        return pose(self._top(self.asked), turn(self.yaw + (0.0 if self.goal > 0 else np.pi)))
