"""Work one part of an appliance: turn a knob, press a button or open its drawer."""

import numpy as np

from sims.objects.appliance import APPLIANCES, Appliance, draw_appliance
from sims.objects.joints import hold_by_friction, hold_by_spring
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import TIP, press, slide, turn_knob
from sims.splits import draw
from sims.tasks.press_button import PRESSED
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.tasks.turn_knob import DIRECTIONS, KNOB_FRICTION, SWEEP, TURNED
from sims.world import Part, World

_OPEN, _SPOILED = 0.7, 0.3
_SPRING_FORCE, _DRAWER_FRICTION = 4.0, 1.5
_SORTS = ("knob", "button", "drawer")


class UseAppliance:
    """Success: the named part of the appliance has been worked, as in TurnKnob, PressButton or OpenDrawer.

    Turning another knob by 45 degrees or this one the other way, pressing another button, or opening a drawer by 30 %
    that was not asked for, is a failure. The wordings are those of the three tasks.
    """

    name = "UseAppliance"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.appliance: Appliance = draw(draw_appliance, APPLIANCES, split, generator)
        base = np.array([uniform(generator, 0.70, 0.74), uniform(generator, -0.05, 0.05), 0.0])
        self.placement = Placement(base, uniform(generator, -0.12, 0.12))
        self.body = world.add(self.appliance.links(), base, self.placement.yaw, fixed=True)
        knobs, buttons = len(self.appliance.knob_colors), len(self.appliance.buttons)
        self.knobs: tuple[Part, ...] = tuple((self.body, self.appliance.knob_link(index)) for index in range(knobs))
        self.buttons: tuple[Part, ...] = tuple(
            (self.body, self.appliance.button_link(index)) for index in range(buttons)
        )
        self.drawer: Part = (self.body, self.appliance.drawer_link)
        for part in self.knobs:
            hold_by_friction(world, part, KNOB_FRICTION)
        for part in self.buttons:
            hold_by_spring(world, part, _SPRING_FORCE)
        hold_by_friction(world, self.drawer, _DRAWER_FRICTION)
        self.things: tuple[Thing, ...] = self._spoken_of()
        self.sort = choice(generator, _SORTS)
        self.asked = int(generator.integers({"knob": knobs, "button": buttons, "drawer": 1}[self.sort]))
        direction = choice(generator, tuple(DIRECTIONS))
        self.sign = DIRECTIONS[direction]
        self.meanings: dict[Part, str] = {
            **{
                part: f"TurnKnob {self.appliance.knob_name(index)} {direction}" for index, part in enumerate(self.knobs)
            },
            **{
                part: f"PressButton {button.color}"
                for part, button in zip(self.buttons, self.appliance.buttons, strict=True)
            },
            self.things[-1].part: "OpenDrawer",
        }
        self.requests: tuple[Request, ...] = (self._request(direction),)
        target = self.requests[0].target
        self.parts: tuple[Part, ...] = (target,)
        self.meaning = self.meanings[target]

    def _spoken_of(self) -> tuple[Thing, ...]:
        """The appliance, its knobs, its buttons and, last, its drawer, which is seen by its handle."""
        whole: Part = (self.body, -1)
        knobs = [
            Thing(part, "knob", {"color": color}, self._knob_top(index), whole)
            for index, (part, color) in enumerate(zip(self.knobs, self.appliance.knob_colors, strict=True))
        ]
        buttons = [
            Thing(part, "button", {"color": button.color}, self._button_top(index), whole)
            for index, (part, button) in enumerate(zip(self.buttons, self.appliance.buttons, strict=True))
        ]
        drawer = Thing((self.body, self.drawer[1] + 1), "drawer", {}, self._handle(), whole)
        return (Thing(whole, self.appliance.category, {}, self.placement.position), *knobs, *buttons, drawer)

    def _request(self, direction: str) -> Request:
        match self.sort:
            case "knob":
                return Request("TurnKnob", self.knobs[self.asked], values={"direction": direction})
            case "button":
                return Request("PressButton", self.buttons[self.asked])
            case _:
                return Request("OpenDrawer", self.things[-1].part)

    def _knob_top(self, index: int) -> np.ndarray:
        return self.placement.point(self.appliance.knob_top(index))

    def _button_top(self, index: int) -> np.ndarray:
        """Top of the cap of a button at rest."""
        return self.placement.point(self.appliance.button_top(index))

    def _handle(self) -> np.ndarray:
        """Middle of the top of the handle where it is now."""
        return self.placement.point(self.appliance.handle_top()) + self.world.joint(self.drawer) * self._outward

    @property
    def _outward(self) -> np.ndarray:
        return self.placement.direction(np.array([-1.0, 0.0, 0.0]))

    def expert(self) -> list[Waypoint]:
        """Turns the knob, presses the button, or takes the drawer by its handle from above and pulls."""
        match self.sort:
            case "knob":
                now = self.world.joint(self.knobs[self.asked])
                sweep = self.sign * SWEEP - now
                yaw = self.placement.yaw + now
                return turn_knob(self._knob_top(self.asked), yaw, sweep, self.appliance.grip_width)
            case "button":
                travel = self.appliance.buttons[self.asked].travel
                return press(self._button_top(self.asked), travel, self.placement.yaw)
            case _:
                left = self.appliance.travel - 0.005 - self.world.joint(self.drawer)
                return slide(self._handle(), self._outward, left, self.appliance.handle_width)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        failure = self._spoiled()
        if failure:
            return Outcome(failure=failure)
        match self.sort:
            case "knob":
                return Outcome(success=bool(self.sign * self.world.joint(self.knobs[self.asked]) >= TURNED))
            case "button":
                return Outcome(success=self._pressed(self.asked))
            case _:
                return Outcome(success=bool(self._opened() >= _OPEN))

    def _spoiled(self) -> str:
        """Which wrong part was moved; "" while none was."""
        for part in self.knobs:
            joint = self.world.joint(part)
            if self.requests[0].target != part and abs(joint) >= TURNED:
                return "turned another knob"
            if self.requests[0].target == part and self.sign * joint <= -TURNED:
                return "turned the other way"
        if any(self._pressed(index) for index, part in enumerate(self.buttons) if part != self.requests[0].target):
            return "pressed another button"
        return "opened the drawer" if self.sort != "drawer" and self._opened() >= _SPOILED else ""

    def _pressed(self, index: int) -> bool:
        return bool(self.world.joint(self.buttons[index]) >= PRESSED * self.appliance.buttons[index].travel)

    def _opened(self) -> float:
        return self.world.joint(self.drawer) / self.appliance.travel

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight to the part, and along with a button or a drawer until it counts as pressed or open."""
        match self.sort:
            case "knob":
                return float(np.linalg.norm(self._knob_top(self.asked) - start))
            case "button":
                down = TIP - PRESSED * self.appliance.buttons[self.asked].travel
                return float(np.linalg.norm(self._button_top(self.asked) + (0, 0, down) - start))
            case _:
                return float(np.linalg.norm(self._handle() - start)) + _OPEN * self.appliance.travel

    def part_frame(self) -> np.ndarray:
        """As in the tasks of one part: on top of the knob or the cap, or of the handle with x out of the drawer."""
        match self.sort:
            case "knob":
                yaw = self.placement.yaw + self.world.joint(self.knobs[self.asked])
                return pose(self._knob_top(self.asked), turn(yaw))
            case "button":
                sunk = np.array([0.0, 0.0, self.world.joint(self.buttons[self.asked])])
                return pose(self._button_top(self.asked) - sunk, turn(self.placement.yaw))
            case _:
                return pose(self._handle(), turn(self.placement.yaw + np.pi))
