"""Take the named peg out of its stand and put it into the named socket."""

import numpy as np

from sims.objects.pegs import PEGS, Peg, draw_peg, floor_height, holder, socket, turns
from sims.objects.shapes import Link, Vector
from sims.robot import Panda
from sims.sampling import PALETTE, choice, uniform, varied
from sims.skills.carrying import at_rest, clear_turn, resist_twist, slowly, yaw_of
from sims.splits import draw
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pointing_down, pose, turn
from sims.world import Part, World

_CLEARANCE = (0.002, 0.003)
_DEPTH, _STAND_DEPTH = 0.036, 0.028
_SPACING = 0.115
_IN, _STRAIGHT = 0.012, np.cos(np.deg2rad(8.0))
_HIGH, _SLOW = 0.26, 0.06
_GRIP = 0.030
"""How far (m) below the top of a peg it is gripped: near the socket, so that it does not tilt in the hand."""
_GRAY: Vector = (0.33, 0.34, 0.37)
_BOTTOM = 0.006


class InsertPeg:
    """Success: the named peg stands in the named socket, down to within 1.2 cm of its floor, at rest and let go.

    The hole is 2 to 3 mm wider than the peg. Two sockets have its shape, in two colours; a third has one of these
    colours and another shape. Failures: another peg in a socket, or the right one in another socket.
    """

    name = "InsertPeg"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.pegs = _draw_pegs(generator, split)
        peg = self.pegs[0]
        self.opening = peg.width + uniform(generator, *_CLEARANCE)
        self.kinds, self.colors = _draw_sockets(generator, peg.kind)
        side = -1.0 if generator.integers(2) else 1.0
        base = np.array([uniform(generator, 0.50, 0.56), side * uniform(generator, 0.06, 0.10), 0.0])
        self.board = Placement(base, uniform(generator, -0.2, 0.2))
        order = generator.permutation(3)
        self.sockets = [self.board.point(np.array([0, (place - 1) * _SPACING, 0])) for place in order]
        self.socket_bodies = [
            world.add(self._holder(index, generator), place, self.board.yaw, fixed=True)
            for index, place in enumerate(self.sockets)
        ]
        stands = self._stands(generator, -side)
        self.bodies = [self._stand_up(*stand, generator) for stand in zip(self.pegs, stands, strict=True)]
        asked: Part = (self.socket_bodies[0], -1)
        said = f"in {self.colors[0]} {self.kinds[0]} socket"
        self.meaning = f"{self.name} {peg.name} {said}"
        self.parts: tuple[Part, ...] = ((self.bodies[0], -1), asked)
        self.meanings: dict[Part, str] = {
            (body, -1): f"{self.name} {one.name} {said}" for body, one in zip(self.bodies, self.pegs, strict=True)
        }
        noun = "candlestick" if peg.category == "candle" else "socket"
        self.things: tuple[Thing, ...] = (
            *(
                Thing((body, -1), one.category, {"color": one.color}, world.position(body))
                for body, one in zip(self.bodies, self.pegs, strict=True)
            ),
            *(
                Thing((body, -1), noun, {"color": color, "shape": kind}, place)
                for body, color, kind, place in zip(
                    self.socket_bodies, self.colors, self.kinds, self.sockets, strict=True
                )
            ),
        )
        self.requests: tuple[Request, ...] = (Request(self.name, (self.bodies[0], -1), asked),)

    def _holder(self, index: int, generator: np.random.Generator) -> list[Link]:
        shade = varied(PALETTE[self.colors[index]], generator)
        shapes = holder(self.pegs[0].category, self.kinds[index], self.opening, _DEPTH)
        return [Link("socket", shapes, shade)]

    def _stands(self, generator: np.random.Generator, side: float) -> list[np.ndarray]:
        """Where the two stands are: across the table from the board."""
        first = np.array([uniform(generator, 0.40, 0.45), side * uniform(generator, 0.20, 0.27), 0.0])
        second = first + (uniform(generator, 0.12, 0.15), side * uniform(generator, -0.03, 0.03), 0.0)
        return [first, second] if generator.integers(2) else [second, first]

    def _stand_up(self, peg: Peg, place: np.ndarray, generator: np.random.Generator) -> int:
        """A low stand with a peg in it, whose body is returned."""
        yaw = uniform(generator, -0.6, 0.6)
        shapes = socket(peg.kind, peg.width + 0.003, 0, _STAND_DEPTH)
        self.world.add([Link("stand", shapes, _GRAY)], place, yaw, fixed=True)
        body = self.world.add(peg.links(), place + (0, 0, peg.height / 2 + 0.001), yaw)
        resist_twist(self.world, body)
        return body

    def expert(self) -> list[Waypoint]:
        """Grips the peg near its top, brings it over the socket, turned as the socket is, and lowers it slowly."""
        peg, body = self.pegs[0], self.bodies[0]
        center, yaw = self.world.position(body), yaw_of(self.world, body)
        grip = clear_turn([yaw + turned for turned in turns(peg.kind)], center)
        grasp = center + (0, 0, peg.height / 2 - _GRIP)
        floor = floor_height(peg.category)
        release = self.sockets[0] + (0, 0, floor + peg.height - _GRIP + 0.003)
        fit = clear_turn([self.board.yaw + turned for turned in turns(peg.kind)], release, preferred=grip)
        held, fitted = pointing_down(grip), pointing_down(fit)
        above = release + (0, 0, _DEPTH + 0.006)
        return [
            Waypoint(pose(_at_height(grasp, _HIGH), held), 1.0),
            # A hand still sinking when it closes would tilt the peg.
            Waypoint(pose(grasp, held), 1.0, wait=0.15),
            Waypoint(pose(grasp, held), 0.0, wait=0.35),
            *slowly(grasp, grasp + (0, 0, _STAND_DEPTH + 0.01), held, 0.0, _SLOW),
            Waypoint(pose(_at_height(grasp, _HIGH), held), 0.0),
            Waypoint(pose(_at_height(release, _HIGH), fitted), 0.0),
            Waypoint(pose(above, fitted), 0.0, wait=0.25),
            *slowly(above, release, fitted, 0.0, _SLOW),
            Waypoint(pose(release, fitted), 1.0, wait=0.3),
            Waypoint(pose(_at_height(release, _HIGH), fitted), 1.0, wait=0.2),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        for index, body in enumerate(self.bodies):
            inside = [self._inside(body, self.pegs[index], place) for place in self.sockets]
            if not any(inside) or robot.touches(body) or not at_rest(self.world, body):
                continue
            if index != 0:
                return Outcome(failure="inserted another peg")
            return Outcome(success=True) if inside[0] else Outcome(failure="inserted it in another socket")
        return Outcome()

    def _inside(self, body: int, peg: Peg, place: np.ndarray) -> bool:
        """Whether a peg stands upright in a socket, nearly down to its floor."""
        position, quaternion = self.world.bullet.getBasePositionAndOrientation(body)
        upright = self.world.bullet.getMatrixFromQuaternion(quaternion)[8]
        offset = np.subtract(position, place)
        foot = offset[2] - peg.height / 2 - floor_height(peg.category)
        aside = float(np.hypot(offset[0], offset[1]))
        return bool(upright > _STRAIGHT and aside < self.opening / 2 and -_BOTTOM < foot < _IN)

    def shortest_path(self, start: np.ndarray) -> float:
        """To the peg, then to over the rim of the socket, then down."""
        peg = self.world.position(self.bodies[0])
        over = self.sockets[0] + (0, 0, floor_height(self.pegs[0].category) + _DEPTH)
        return float(np.linalg.norm(peg - start) + np.linalg.norm(over - peg)) + _DEPTH - _IN

    def part_frame(self) -> np.ndarray:
        """On top of the peg, z up."""
        top = self.world.position(self.bodies[0]) + (0, 0, self.pegs[0].height / 2)
        return pose(top, turn(yaw_of(self.world, self.bodies[0])))


def _draw_pegs(generator: np.random.Generator, split: str) -> list[Peg]:
    """Two pegs in different colours; the second may be of another kind."""
    pegs = [draw(draw_peg, PEGS, split, generator)]
    while len(pegs) < 2:
        other = draw(draw_peg, PEGS, split, generator)
        if other.color != pegs[0].color:
            pegs.append(other)
    return pegs


def _draw_sockets(generator: np.random.Generator, kind: str) -> tuple[list[str], list[str]]:
    """Kinds and colours of the sockets, the one asked for first."""
    colors = list(PALETTE)
    first = choice(generator, colors)
    second = choice(generator, [color for color in colors if color != first])
    others = [name for name in ("round", "square", "hexagonal") if name != kind]
    return [kind, kind, choice(generator, others)], [first, second, first]


def _at_height(position: np.ndarray, height: float) -> np.ndarray:
    return np.array([position[0], position[1], height])
