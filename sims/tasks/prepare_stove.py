"""Turn two named knobs of a stove or a radio, then press the named button."""

import numpy as np

from sims.objects.appliance import APPLIANCES, Appliance, draw_appliance
from sims.objects.joints import hold_by_friction, hold_by_spring
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import press, turn_knob
from sims.splits import Family, draw
from sims.tasks.long import LongTask, Step
from sims.tasks.press_button import PRESSED
from sims.tasks.task import Placement, Request, Thing, pose, turn
from sims.tasks.turn_knob import DIRECTIONS, KNOB_FRICTION, SWEEP, TURNED
from sims.world import Part, World

_STOVES = Family(("stove",), APPLIANCES.novel_categories, APPLIANCES.kinds, APPLIANCES.novel_kinds)
_SPRING_FORCE, _DRAWER_FRICTION = 4.0, 1.5
_TURNS = 2


class PrepareStove(LongTask):
    """Success: the two named knobs have turned 45 degrees the way that was asked, and then the button was pressed.

    It is a failure to turn another knob so far, or one of them the other way, or to press another button.
    """

    name = "PrepareStove"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.stove: Appliance = draw(draw_appliance, _STOVES, split, generator)
        base = np.array([uniform(generator, 0.70, 0.74), uniform(generator, -0.05, 0.05), 0.0])
        self.placement = Placement(base, uniform(generator, -0.12, 0.12))
        self.body = world.add(self.stove.links(), base, self.placement.yaw, fixed=True)
        self.knobs: tuple[Part, ...] = tuple(
            (self.body, self.stove.knob_link(index)) for index in range(len(self.stove.knob_colors))
        )
        self.buttons: tuple[Part, ...] = tuple(
            (self.body, self.stove.button_link(index)) for index in range(len(self.stove.buttons))
        )
        for part in self.knobs:
            hold_by_friction(world, part, KNOB_FRICTION)
        for part in self.buttons:
            hold_by_spring(world, part, _SPRING_FORCE)
        hold_by_friction(world, (self.body, self.stove.drawer_link), _DRAWER_FRICTION)
        self.things: tuple[Thing, ...] = self._spoken_of()
        self.meanings: dict[Part, str] = {
            **{part: f"{self.name} knob {self.stove.knob_name(index)}" for index, part in enumerate(self.knobs)},
            **{
                part: f"{self.name} button {button.color}"
                for part, button in zip(self.buttons, self.stove.buttons, strict=True)
            },
        }
        turned = [int(index) for index in generator.permutation(len(self.knobs))[:_TURNS]]
        self.signs = {index: DIRECTIONS[choice(generator, tuple(DIRECTIONS))] for index in turned}
        self.button = int(generator.integers(len(self.buttons)))
        self.begin([*(self._turning(index) for index in turned), self._pressing(self.button)])

    def _spoken_of(self) -> tuple[Thing, ...]:
        """The stove, its knobs and its buttons."""
        whole: Part = (self.body, -1)
        stove = Thing(whole, self.stove.category, {}, self.placement.position)
        knobs = [
            Thing(part, "knob", {"color": color}, self._knob_top(index), whole)
            for index, (part, color) in enumerate(zip(self.knobs, self.stove.knob_colors, strict=True))
        ]
        buttons = [
            Thing(part, "button", {"color": button.color}, self._button_top(index), whole)
            for index, (part, button) in enumerate(zip(self.buttons, self.stove.buttons, strict=True))
        ]
        return (stove, *knobs, *buttons)

    def _knob_top(self, index: int) -> np.ndarray:
        return self.placement.point(self.stove.knob_top(index))

    def _button_top(self, index: int) -> np.ndarray:
        return self.placement.point(self.stove.button_top(index))

    def _turning(self, index: int) -> Step:
        sign = self.signs[index]
        direction = next(name for name, value in DIRECTIONS.items() if value == sign)
        return Step(
            request=Request("TurnKnob", self.knobs[index], values={"direction": direction}),
            meaning=f"TurnKnob {self.stove.knob_name(index)} {direction}",
            # From where it stands: a knob that slipped is turned the rest of the way.
            motion=lambda: turn_knob(
                self._knob_top(index),
                self.placement.yaw + self.world.joint(self.knobs[index]),
                sign * SWEEP - self.world.joint(self.knobs[index]),
                self.stove.grip_width,
            ),
            met=lambda robot: sign * self.world.joint(self.knobs[index]) >= TURNED,
            way=(self._knob_top(index),),
            lasts=True,
        )

    def _pressing(self, index: int) -> Step:
        button = self.stove.buttons[index]
        return Step(
            request=Request("PressButton", self.buttons[index]),
            meaning=f"PressButton {button.color}",
            motion=lambda: press(self._button_top(index), button.travel, self.placement.yaw),
            met=lambda robot: self._pressed(index),
            way=(self._button_top(index),),
        )

    def _pressed(self, index: int) -> bool:
        return self.world.joint(self.buttons[index]) >= PRESSED * self.stove.buttons[index].travel

    def spoiled(self, robot: Panda) -> str:
        """A knob was turned, or a button pressed, that should not have been."""
        for index, part in enumerate(self.knobs):
            joint = self.world.joint(part)
            if index not in self.signs and abs(joint) >= TURNED:
                return "turned another knob"
            if self.signs.get(index, 0.0) * joint <= -TURNED:
                return "turned the other way"
        if any(self._pressed(index) for index in range(len(self.buttons)) if index != self.button):
            return "pressed another button"
        return ""

    def part_frame(self) -> np.ndarray:
        """On top of the first knob to turn, z up, x along its longer side."""
        index = self.knobs.index(self.requests[0].target)
        return pose(self._knob_top(index), turn(self.placement.yaw + self.world.joint(self.knobs[index])))
