"""Pour what is in a cup into the named bowl."""

import numpy as np

from sims.objects.vessels import (
    BALL_RADIUS,
    BOWLS,
    CUPS,
    Bowl,
    Cup,
    ball_links,
    ball_positions,
    draw_bowl,
    draw_cup,
)
from sims.robot import Panda
from sims.sampling import PALETTE, choice, scatter, uniform, varied
from sims.skills.tools import pour, take_upright
from sims.splits import draw
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

BALLS = 20
_GOAL, _SPOILED = 0.7, 0.3
_PAD = 0.01
_BELOW_RIM = 0.018
_TRAVEL = 0.24
_DROP = 0.055
_LOW, _HIGH = (0.38, -0.28), (0.60, 0.20)


class Pour:
    """Success: at least 70 % of the balls of the cup lie in the named bowl. 30 % of them in another is a failure.

    Balls count as long as they are out of the cup, so that a cup put into the bowl is not poured.
    """

    name = "Pour"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.cup: Cup = draw(draw_cup, CUPS, split, generator)
        self.bowls = _draw_bowls(generator, split, 2)
        # The way the hand leans lies square to two walls; that is where an arm tips a cup with ease.
        self.yaw = uniform(generator, np.deg2rad(65), np.deg2rad(100))
        places = scatter(
            generator, [*(bowl.reach for bowl in self.bowls), self.cup.mouth + 0.015], _LOW, _HIGH, gap=0.03
        )
        self.placements = [
            Placement(np.array([*place, 0.0]), uniform(generator, -np.pi, np.pi)) for place in places[:-1]
        ]
        bodies = [
            world.add(bowl.links(), placement.position, placement.yaw, fixed=True)
            for bowl, placement in zip(self.bowls, self.placements, strict=True)
        ]
        stand = np.array([*places[-1], self.cup.height / 2 + 0.001])
        self.body = world.add(self.cup.links(), stand, self.yaw)
        # A pad of finite size keeps what it holds from turning about the line between the fingers; Bullet's contacts
        # are points, and do so with friction against spinning alone.
        world.bullet.changeDynamics(self.body, -1, spinningFriction=_PAD)
        self._fill(generator, stand)
        self.asked = int(generator.integers(len(self.bowls)))
        colors = [bowl.color for bowl in self.bowls]
        self.meaning = f"{self.name} {colors[self.asked]}"
        self.parts: tuple[Part, ...] = ((self.body, -1), (bodies[self.asked], -1))
        self.meanings: dict[Part, str] = {
            (body, -1): f"{self.name} {color}" for body, color in zip(bodies, colors, strict=True)
        }
        cup = Thing((self.body, -1), self.cup.category, {"color": self.cup.color}, stand)
        self.things: tuple[Thing, ...] = (
            cup,
            *(
                Thing((body, -1), bowl.category, {"color": bowl.color}, placement.position)
                for body, bowl, placement in zip(bodies, self.bowls, self.placements, strict=True)
            ),
        )
        self.requests: tuple[Request, ...] = (Request(self.name, (self.body, -1), anchor=(bodies[self.asked], -1)),)

    def _fill(self, generator: np.random.Generator, stand: np.ndarray) -> None:
        """Balls of one colour, lying in the cup and asleep until it is moved."""
        links = ball_links(varied(PALETTE[choice(generator, tuple(PALETTE))], generator))
        self.balls = [
            self.world.add(links, stand + turn(self.yaw) @ place) for place in ball_positions(self.cup, BALLS)
        ]
        bullet = self.world.bullet
        for ball in self.balls:
            bullet.changeDynamics(ball, -1, rollingFriction=2e-4, spinningFriction=2e-4)

    def expert(self) -> list[Waypoint]:
        """Takes the cup near its rim with a leaning hand, and tips it with its edge over the bowl's middle."""
        grasp = self.part_frame()[:3, 3]
        over = self.placements[self.asked].position + (0, 0, self.bowls[self.asked].height + _DROP)
        spout = over - 0.015 * (turn(self.yaw) @ np.array([1.0, 0, 0]))
        return [
            *take_upright(grasp, self.yaw, _TRAVEL),
            *pour(spout, self.yaw, self.cup.mouth, self.cup.height, _BELOW_RIM, _TRAVEL),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        poured = self.poured()
        if any(share >= _SPOILED for index, share in enumerate(poured) if index != self.asked):
            return Outcome(failure="poured into another bowl")
        return Outcome(success=bool(poured[self.asked] >= _GOAL))

    def poured(self) -> list[float]:
        """The share of the balls that lies in each bowl and no longer in the cup."""
        bullet = self.world.bullet
        place, quaternion = bullet.getBasePositionAndOrientation(self.body)
        rotation = np.array(bullet.getMatrixFromQuaternion(quaternion)).reshape(3, 3)
        counts = [0] * len(self.bowls)
        for ball in self.balls:
            center = self.world.position(ball)
            if self.cup.holds(rotation.T @ (center - place)):
                continue
            for index, (bowl, placement) in enumerate(zip(self.bowls, self.placements, strict=True)):
                counts[index] += bowl.holds(turn(-placement.yaw) @ (center - placement.position))
        return [count / BALLS for count in counts]

    def shortest_path(self, start: np.ndarray) -> float:
        """To the cup near its rim, then to over the rim of the bowl."""
        grasp = self.part_frame()[:3, 3]
        over = self.placements[self.asked].position + (0, 0, self.bowls[self.asked].height + BALL_RADIUS)
        way = float(np.linalg.norm(over - grasp)) - self.bowls[self.asked].mouth - self.cup.mouth
        return float(np.linalg.norm(grasp - start)) + max(0.0, way)

    def part_frame(self) -> np.ndarray:
        """On the cup's axis near its rim, z up and x the way it is tipped."""
        return pose(self.world.position(self.body) + (0, 0, self.cup.height / 2 - _BELOW_RIM), turn(self.yaw))


def _draw_bowls(generator: np.random.Generator, split: str, count: int) -> list[Bowl]:
    """Bowls of as many colours."""
    bowls: list[Bowl] = []
    while len(bowls) < count:
        bowl = draw(draw_bowl, BOWLS, split, generator)
        if bowl.color not in {other.color for other in bowls}:
            bowls.append(bowl)
    return bowls
