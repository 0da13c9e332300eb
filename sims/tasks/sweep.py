"""Sweep the crumbs of the named colour into the dustpan with a brush."""

import numpy as np

from sims.objects.sweeping import BRUSHES, CRUMB, Brush, Dustpan, crumb_links, crumb_places, draw_brush, draw_dustpan
from sims.robot import Panda
from sims.sampling import PALETTE, scatter, uniform, varied
from sims.skills.carrying import yaw_of
from sims.skills.tools import sweep
from sims.splits import draw
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

CRUMBS = 8
"""In each heap."""
_GOAL, _SPOILED = 0.7, 0.3
_AWAY = 0.19
_ENDS = 0.045
_HEAP = 0.045


class Sweep:
    """Success: at least 70 % of the named crumbs lie in the dustpan. 30 % of the other ones in it is a failure."""

    name = "Sweep"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.brush: Brush = draw(draw_brush, BRUSHES, split, generator)
        self.pan: Dustpan = draw_dustpan(generator)
        side = -1.0 if generator.integers(2) else 1.0
        mouth = np.array([uniform(generator, 0.46, 0.52), side * uniform(generator, 0.15, 0.18), 0.0])
        self.placement = Placement(mouth, -side * np.pi / 2 + uniform(generator, -0.15, 0.15))
        pan_body = world.add(self.pan.links(), mouth, self.placement.yaw, fixed=True)
        self.heaps: list[np.ndarray] = []
        self.crumbs: list[list[int]] = []
        first, second = (str(name) for name in generator.choice(tuple(PALETTE), 2, replace=False))
        self.colors = (first, second)
        for color, sign in zip(self.colors, (-1.0, 1.0), strict=True):
            angle = sign * uniform(generator, np.deg2rad(27), np.deg2rad(33))
            heap = self.placement.point(_AWAY * np.array([np.cos(angle), np.sin(angle), 0.0]))
            self.heaps.append(heap)
            self.crumbs.append(self._strew(generator, heap, varied(PALETTE[color], generator)))
        taken = [((float(heap[0]), float(heap[1])), _HEAP) for heap in self.heaps]
        reach = self.brush.width / 2 + 0.005
        low, high = sorted((-side * 0.16, -side * 0.26))
        (place,) = scatter(generator, [reach], (0.42, low), (0.56, high), 0.03, taken)
        yaw = uniform(generator, -0.6, 0.6) + np.pi / 2
        self.body = world.add(self.brush.links(), (*place, 0.001), yaw)
        # A pad of finite size keeps what it holds from turning between the fingers; Bullet's contacts are points.
        world.bullet.changeDynamics(self.body, -1, spinningFriction=0.01)
        self.asked = int(generator.integers(2))
        self.meaning = f"{self.name} {self.colors[self.asked]}"
        heaps: tuple[Part, ...] = tuple((crumbs[0], -1) for crumbs in self.crumbs)
        self.parts: tuple[Part, ...] = ((self.body, -1), heaps[self.asked])
        self.meanings: dict[Part, str] = {
            (crumb, -1): f"{self.name} {color}"
            for crumbs, color in zip(self.crumbs, self.colors, strict=True)
            for crumb in crumbs
        }
        self.things: tuple[Thing, ...] = (
            *(
                Thing(part, "heap", {"color": color}, heap)
                for part, color, heap in zip(heaps, self.colors, self.heaps, strict=True)
            ),
            Thing((pan_body, -1), "dustpan", {"color": self.pan.color}, mouth),
            Thing((self.body, -1), self.brush.category, {"color": self.brush.color}, np.array([*place, 0.0])),
        )
        self.requests: tuple[Request, ...] = (Request(self.name, heaps[self.asked], anchor=(pan_body, -1)),)

    def _strew(self, generator: np.random.Generator, heap: np.ndarray, shade: tuple[float, float, float]) -> list[int]:
        links = crumb_links(shade)
        return [
            self.world.add(links, heap + (x, y, CRUMB / 2 + 0.0005), uniform(generator, -np.pi, np.pi))
            for x, y in crumb_places(generator, CRUMBS)
        ]

    def expert(self) -> list[Waypoint]:
        """Takes the brush by its handle, sets it down behind the heap and pushes straight into the dustpan."""
        middle = np.mean([self.world.position(crumb) for crumb in self.crumbs[self.asked]], axis=0)
        heap = np.array([middle[0], middle[1], 0.0])
        inside = self.placement.point(np.array([-_ENDS, 0.0, 0.0]))
        return sweep(self.world.position(self.body), yaw_of(self.world, self.body), self.brush.grip, heap, inside)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        swept = self.swept()
        if swept[1 - self.asked] >= _SPOILED:
            return Outcome(failure="swept up other crumbs")
        return Outcome(success=bool(swept[self.asked] >= _GOAL))

    def swept(self) -> list[float]:
        """The share of each heap that lies in the dustpan."""
        back = turn(-self.placement.yaw)
        return [
            float(
                np.mean(
                    [self.pan.holds(back @ (self.world.position(crumb) - self.placement.position)) for crumb in heap]
                )
            )
            for heap in self.crumbs
        ]

    def shortest_path(self, start: np.ndarray) -> float:
        """To the handle, with it to the heap, and from there over the rim of the dustpan."""
        handle = self.part_frame()[:3, 3]
        heap = self.heaps[self.asked] + (0, 0, self.brush.grip)
        across = max(0.0, float(np.linalg.norm(heap - handle)) - _HEAP)
        return float(np.linalg.norm(handle - start)) + across + _AWAY - _HEAP

    def part_frame(self) -> np.ndarray:
        """Where the handle is taken, x the way the brush sweeps and z up."""
        place = self.world.position(self.body) + (0, 0, self.brush.grip)
        return pose(place, turn(yaw_of(self.world, self.body)))
