"""Press one of two or three buttons of a panel, or keys of a keyboard."""

import numpy as np

from sims.objects.joints import hold_by_spring
from sims.objects.panel import BASE_COLORS, Panel, draw_buttons
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import TIP, press
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

PRESSED = 0.7
"""Share of its travel by which a button must be down to count as pressed."""


class PressButton:
    """Success: the named button is pressed by 70 % of its travel. Pressing another one first is a failure."""

    name = "PressButton"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        buttons = draw_buttons(generator, split, int(generator.integers(2, 4)))
        self.panel = Panel(
            buttons,
            choice(generator, tuple(BASE_COLORS)),
            uniform(generator, 0.09, 0.14),
            uniform(generator, 0.03, 0.10),
            uniform(generator, 0.068, 0.085),
        )
        self.yaw = uniform(generator, -0.6, 0.6)
        base = np.array([uniform(generator, 0.42, 0.60), uniform(generator, -0.18, 0.18), 0.0])
        self.placement = Placement(base, self.yaw)
        body = world.add(self.panel.links(), base, self.yaw, fixed=True)
        self.buttons: tuple[Part, ...] = tuple((body, index) for index in range(len(buttons)))
        for index, part in enumerate(self.buttons):
            hold_by_spring(world, part, self.panel.spring(index))
        self.asked = int(generator.integers(len(buttons)))
        self.meaning = f"{self.name} {buttons[self.asked].color}"
        self.parts: tuple[Part, ...] = (self.buttons[self.asked],)
        self.meanings = {
            part: f"{self.name} {button.color}" for part, button in zip(self.buttons, buttons, strict=True)
        }
        self.things: tuple[Thing, ...] = tuple(
            Thing(part, "button", {"color": button.color}, self._top(index), whole=(body, -1))
            for index, (part, button) in enumerate(zip(self.buttons, buttons, strict=True))
        )
        self.requests: tuple[Request, ...] = (Request(self.name, self.buttons[self.asked]),)

    def _top(self, index: int) -> np.ndarray:
        """Top of the cap of a button at rest."""
        return self.placement.point(self.panel.button_position(index))

    def expert(self) -> list[Waypoint]:
        """Closes the hand above the button, pushes straight down, and lifts."""
        return press(self._top(self.asked), self.panel.buttons[self.asked].travel, self.yaw)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        pressed = [
            self.world.joint(part) >= PRESSED * self.panel.stroke(index) for index, part in enumerate(self.buttons)
        ]
        if any(down for index, down in enumerate(pressed) if index != self.asked):
            return Outcome(failure="pressed another button")
        return Outcome(success=pressed[self.asked])

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to where the button counts as pressed."""
        down = TIP - PRESSED * self.panel.buttons[self.asked].travel
        return float(np.linalg.norm(self._top(self.asked) + (0, 0, down) - start))

    def part_frame(self) -> np.ndarray:
        """On top of the cap, z up, x as the panel's."""
        share = self.world.joint(self.buttons[self.asked]) / self.panel.stroke(self.asked)
        sunk = np.array([0.0, 0.0, share * self.panel.buttons[self.asked].travel])
        return pose(self._top(self.asked) - sunk, turn(self.yaw))
