"""Five sub-tasks in a row at one workbench: drawers, buttons, blocks and a bin."""

from dataclasses import replace

import numpy as np

from sims.objects.blocks import Bin, draw_bin
from sims.objects.cabinet import CABINETS, draw_cabinet
from sims.objects.joints import hold_by_spring
from sims.objects.panel import BASE_COLORS, Panel, draw_buttons
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.skills.panels import press
from sims.splits import draw
from sims.tasks.furniture import POSITIONS, Drawers, stand_cabinet
from sims.tasks.long import LongTask, Step, bin_step, lies_in, top_frame
from sims.tasks.press_button import PRESSED
from sims.tasks.store_in_drawer import small_items
from sims.tasks.tabletop import Tabletop, set_out
from sims.tasks.task import Placement, Request, Thing, pose, turn
from sims.world import Part, World

LENGTH = 5
"""Sub-tasks in a chain, as in CALVIN (Mees et al. 2022)."""
_ITEMS, _BUTTONS = 3, 2
_SPOILED = 0.3
_ASIDE = 0.035


class Workbench(LongTask):
    """Success: five sub-tasks in a row, drawn at random so that each can be done when its turn comes.

    They are to open and to close a drawer, to press a button, and to put a thing in the bin. It is a failure to put a
    thing in the bin, or to open a drawer by 30 %, that was never asked for.
    """

    name = "Workbench"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        front = np.array([uniform(generator, 0.70, 0.74), uniform(generator, -0.05, 0.05), 0.0])
        yaw = np.pi + uniform(generator, -0.15, 0.15)
        self.drawers: Drawers = stand_cabinet(world, draw(draw_cabinet, CABINETS, split, generator), front, yaw)
        side = -1.0 if generator.integers(2) else 1.0
        self._stand_panel(generator, split, side)
        self.bin: Bin = draw_bin(generator)
        base = np.array([uniform(generator, 0.42, 0.46), -side * uniform(generator, 0.29, 0.32), 0.0])
        self.bin_place = Placement(base, np.pi / 2 + uniform(generator, -0.1, 0.1))
        self.bin_body = world.add(self.bin.links(), base, self.bin_place.yaw, fixed=True)
        items = small_items(generator, split, _ITEMS)
        self.table: Tabletop = set_out(world, generator, items, low=(0.34, -0.15), high=(0.45, 0.15), gap=0.045)
        buttons = tuple(
            Thing(part, "button", {"color": button.color}, self._top(index), whole=(self.panel_body, -1))
            for index, (part, button) in enumerate(zip(self.buttons, self.panel.buttons, strict=True))
        )
        bin_thing = Thing((self.bin_body, -1), "bin", {"color": self.bin.color}, base)
        self.things: tuple[Thing, ...] = (*self.drawers.things(), *buttons, *self.table.things(), bin_thing)
        self.meanings: dict[Part, str] = {
            thing.part: f"{self.name} {' '.join([*thing.attributes.values(), thing.noun])}" for thing in self.things
        }
        self.begin(self._chain(generator))

    def _stand_panel(self, generator: np.random.Generator, split: str, side: float) -> None:
        self.panel = Panel(
            draw_buttons(generator, split, _BUTTONS),
            choice(generator, tuple(BASE_COLORS)),
            uniform(generator, 0.09, 0.11),
            uniform(generator, 0.03, 0.06),
            uniform(generator, 0.068, 0.08),
        )
        base = np.array([uniform(generator, 0.42, 0.48), side * uniform(generator, 0.31, 0.33), 0.0])
        self.panel_place = Placement(base, side * np.pi / 2 + uniform(generator, -0.15, 0.15))
        self.panel_body = self.world.add(self.panel.links(), base, self.panel_place.yaw, fixed=True)
        self.buttons: tuple[Part, ...] = tuple((self.panel_body, index) for index in range(_BUTTONS))
        for index, part in enumerate(self.buttons):
            hold_by_spring(self.world, part, self.panel.spring(index))

    def _top(self, index: int) -> np.ndarray:
        """Top of the cap of a button at rest."""
        return self.panel_place.point(self.panel.button_position(index))

    def _chain(self, generator: np.random.Generator) -> list[Step]:
        """Sub-tasks none of which is asked twice; no drawer is opened below or above an open one."""
        steps: list[Step] = []
        unopened, unpressed, lying = list(range(len(POSITIONS))), list(range(_BUTTONS)), list(range(_ITEMS - 1))
        opened: int | None = None
        while len(steps) < LENGTH:
            kinds = ["button"] * bool(unpressed) + ["bin"] * bool(lying)
            kinds += ["close"] if opened is not None else ["open"] * bool(unopened)
            match choice(generator, kinds):
                case "button":
                    steps.append(self._pressing(_taken(unpressed, generator)))
                case "bin":
                    steps.append(self._binning(_taken(lying, generator)))
                case "close" if opened is not None:
                    steps.append(_said(self.drawers.closing(opened), "close"))
                    opened = None
                case _:
                    opened = _taken(unopened, generator)
                    steps.append(_said(self.drawers.opening(opened), "open"))
        return steps

    def _pressing(self, index: int) -> Step:
        stroke = self.panel.stroke(index)
        return Step(
            request=_request(self.buttons[index], "press"),
            meaning=f"PressButton {self.panel.buttons[index].color}",
            motion=lambda: press(self._top(index), self.panel.buttons[index].travel, self.panel_place.yaw),
            met=lambda robot: self.world.joint(self.buttons[index]) >= PRESSED * stroke,
            way=(self._top(index),),
        )

    def _binning(self, index: int) -> Step:
        # Each into its own half, so that none lands on another.
        aside = (2 * index - 1) * _ASIDE
        step = bin_step(self.table, index, self.bin, self.bin_place, (self.bin_body, -1), aside)
        return _said(step, "bin")

    def spoiled(self, robot: Panda) -> str:
        """A thing was put in the bin, or a drawer opened, that was never asked for."""
        asked = {request.target for request in self.requests}
        for index in range(_ITEMS):
            if self.table.part(index) not in asked and lies_in(self.table, index, self.bin, self.bin_place):
                return "put another thing in the bin"
        for index in range(len(POSITIONS)):
            if self.drawers.handle_part(index) not in asked and self.drawers.opened(index) >= _SPOILED:
                return "opened another drawer"
        return ""

    def part_frame(self) -> np.ndarray:
        """Where the part of the first sub-task is taken, z up: on a handle, a cap, or a thing."""
        target = self.requests[0].target
        if target in self.buttons:
            return pose(self._top(self.buttons.index(target)), turn(self.panel_place.yaw))
        if target[0] in self.table.bodies:
            return top_frame(self.table, self.table.bodies.index(target[0]))
        return self.drawers.frame([self.drawers.handle_part(index) for index in (0, 1)].index(target))


def _request(part: Part, action: str) -> Request:
    """Chains differ in what is done, so that each sub-task is said by a verb and its object."""
    return Request("Operate", part, values={"action": action})


def _said(step: Step, action: str) -> Step:
    return replace(step, request=_request(step.request.target, action))


def _taken(left: list[int], generator: np.random.Generator) -> int:
    return left.pop(int(generator.integers(len(left))))
