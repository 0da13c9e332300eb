"""Press the button of a named colour among two or three."""

import numpy as np

from sims.objects.panel import BASE_COLORS, CAP_KINDS, NOVEL_CAP_KINDS, Button, Panel, draw_button
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.splits import draw
from sims.tasks.task import Outcome, Waypoint, pointing_down, pose, turn
from sims.world import Part, World

_GOAL = 0.7
_SPRING_FORCE = 4.0
# From the tool centre point, where a trajectory lives, to the finger tips, which touch.
_TIP = 0.007


class PressButton:
    """Success: the named button is pressed by 70 % of its travel. Pressing another one first is a failure."""

    name = "PressButton"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        count = int(generator.integers(2, 4))
        buttons: list[Button] = []
        while len(buttons) < count:
            button = draw(draw_button, CAP_KINDS, NOVEL_CAP_KINDS, split, generator)
            if button.color not in {other.color for other in buttons}:
                buttons.append(button)
        self.panel = Panel(
            tuple(buttons),
            choice(generator, tuple(BASE_COLORS)),
            uniform(generator, 0.09, 0.14),
            uniform(generator, 0.03, 0.10),
            uniform(generator, 0.068, 0.085),
        )
        self.yaw = uniform(generator, -0.6, 0.6)
        self.base = np.array([uniform(generator, 0.42, 0.60), uniform(generator, -0.18, 0.18), 0.0])
        body = world.add(self.panel.links(), self.base, self.yaw, fixed=True)
        self.buttons: tuple[Part, ...] = tuple((body, index) for index in range(count))
        for part in self.buttons:
            world.bullet.setJointMotorControl2(
                *part, world.bullet.POSITION_CONTROL, targetPosition=0, force=_SPRING_FORCE
            )
        self.asked = int(generator.integers(count))
        self.slots = {"color": buttons[self.asked].color}
        self.meaning = f"{self.name} {buttons[self.asked].color}"
        self.parts: tuple[Part, ...] = (self.buttons[self.asked],)
        self.meanings = {
            part: f"{self.name} {button.color}" for part, button in zip(self.buttons, buttons, strict=True)
        }

    def _top(self) -> np.ndarray:
        return self.base + turn(self.yaw) @ self.panel.button_position(self.asked)

    def expert(self) -> list[Waypoint]:
        """Closes the hand above the button, pushes straight down, and lifts."""
        rotation = pointing_down(self.yaw)
        top = self._top()
        pressed = top + (0, 0, _TIP - self.panel.buttons[self.asked].travel - 0.003)
        above = pose(top + (0, 0, 0.09), rotation)
        return [
            Waypoint(above, 0.0),
            Waypoint(pose(pressed, rotation), 0.0, wait=0.25),
            Waypoint(above, 0.0),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        pressed = [
            self.world.joint(part) >= _GOAL * button.travel
            for part, button in zip(self.buttons, self.panel.buttons, strict=True)
        ]
        if any(down for index, down in enumerate(pressed) if index != self.asked):
            return Outcome(failure="pressed another button")
        return Outcome(success=pressed[self.asked])

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to where the button counts as pressed."""
        down = _TIP - _GOAL * self.panel.buttons[self.asked].travel
        return float(np.linalg.norm(self._top() + (0, 0, down) - start))
