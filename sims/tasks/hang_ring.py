"""Hang the named ring or key on the named hook."""

import numpy as np

from sims.objects.hooks import RINGS, THICK, Ring, draw_hooks, draw_ring
from sims.objects.shapes import Link, Vector
from sims.robot import Panda
from sims.sampling import uniform
from sims.skills.carrying import at_rest, clear_turn, resist_twist, slowly, yaw_of
from sims.splits import draw
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pointing_down, pose, turn
from sims.world import Part, World

_SPACING = 0.125
_BEFORE = 0.075
_SLOW = 0.12
_GRIP = 0.004
_HANGING = 0.05
_GRAY: Vector = (0.33, 0.34, 0.37)


class HangRing:
    """Success: the named ring hangs on the arm of the named hook, touched by nothing else, at rest.

    Three hooks stand in a row: one shares the colour and one the height of the hook meant. Failures: another ring on a
    hook, or the right one on another hook.
    """

    name = "HangRing"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.rings = _draw_rings(generator, split)
        self.hooks = draw_hooks(generator)
        rack = Placement(
            np.array([uniform(generator, 0.62, 0.66), uniform(generator, -0.06, 0.06), 0.0]),
            np.pi + uniform(generator, -0.15, 0.15),
        )
        self.stands = [
            Placement(rack.point(np.array([0, (place - 1) * _SPACING, 0])), rack.yaw)
            for place in generator.permutation(3)
        ]
        self.hook_bodies = [
            world.add(hook.links(), stand.position, stand.yaw, fixed=True)
            for hook, stand in zip(self.hooks, self.stands, strict=True)
        ]
        side = -1.0 if generator.integers(2) else 1.0
        self.bodies = [
            self._stand_up(ring, sign * side, generator) for ring, sign in zip(self.rings, (1.0, -1.0), strict=True)
        ]
        asked: Part = (self.hook_bodies[0], -1)
        self.meaning = f"{self.name} {self.rings[0].name} on {self.hooks[0].name}"
        self.parts: tuple[Part, ...] = ((self.bodies[0], -1), asked)
        self.meanings: dict[Part, str] = {
            (body, -1): f"{self.name} {ring.name} on {self.hooks[0].name}"
            for body, ring in zip(self.bodies, self.rings, strict=True)
        }
        rings = (
            Thing((body, -1), ring.category, {"color": ring.color}, world.position(body))
            for body, ring in zip(self.bodies, self.rings, strict=True)
        )
        hooks = (
            Thing((body, -1), "hook", {"height": hook.tall, "color": hook.color}, stand.position)
            for body, hook, stand in zip(self.hook_bodies, self.hooks, self.stands, strict=True)
        )
        self.things: tuple[Thing, ...] = (*rings, *hooks)
        self.requests: tuple[Request, ...] = (Request(self.name, (self.bodies[0], -1), asked),)

    def _stand_up(self, ring: Ring, side: float, generator: np.random.Generator) -> int:
        """A slot on one side of the table with a ring in it, whose body is returned."""
        place = np.array([uniform(generator, 0.36, 0.42), side * uniform(generator, 0.12, 0.22), 0.0])
        yaw = uniform(generator, -0.8, 0.8)
        self.world.add([Link("slot", ring.slot(), _GRAY)], place, yaw, fixed=True)
        body = self.world.add(ring.links(), place + (0, 0, ring.rise + 0.001), yaw)
        resist_twist(self.world, body)
        # What swings comes to rest.
        self.world.bullet.changeDynamics(body, -1, angularDamping=0.6, linearDamping=0.1)
        return body

    def expert(self) -> list[Waypoint]:
        """Grips the ring at its top, passes it over the end of the arm, lowers it onto the arm and lets go."""
        ring, body, hook, stand = self.rings[0], self.bodies[0], self.hooks[0], self.stands[0]
        center = self.world.position(body)
        top = np.array([0, 0, ring.radius + _GRIP])
        grip = clear_turn([yaw_of(self.world, body)], center)
        # The loop is normal to the direction in which the fingers open.
        hang = clear_turn([stand.yaw + np.pi / 2], center, preferred=grip)
        held, hung = pointing_down(grip), pointing_down(hang)
        outward, arm = stand.direction(np.array([1, 0, 0])), stand.point(hook.middle)
        through = arm + top - (0, 0, 0.003)
        before = through + _BEFORE * outward
        resting = arm + (0, 0, hook.arm_radius + THICK / 2 + _GRIP + 0.002)
        lifted = center + top
        lifted[2] = max(before[2], lifted[2] + 0.08)
        out = resting + (0, 0, 0.07)
        return [
            Waypoint(pose(center + top + (0, 0, 0.08), held), 1.0),
            # A hand still sinking when it closes would tilt the ring.
            Waypoint(pose(center + top, held), 1.0, wait=0.15),
            Waypoint(pose(center + top, held), 0.0, wait=0.35),
            *slowly(center + top, center + top + (0, 0, 0.045), held, 0.0, _SLOW),
            Waypoint(pose(lifted, held), 0.0),
            Waypoint(pose(before, hung), 0.0, wait=0.1),
            *slowly(before, through, hung, 0.0, _SLOW),
            *slowly(through, resting, hung, 0.0, _SLOW / 2),
            Waypoint(pose(resting, hung), 0.6, wait=0.3),
            Waypoint(pose(out, hung), 0.6, wait=1.0),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        for index, body in enumerate(self.bodies):
            hanging = [self._hangs(index, hook) for hook in range(len(self.hooks))]
            if not any(hanging) or robot.touches(body) or not at_rest(self.world, body):
                continue
            if index != 0:
                return Outcome(failure="hung another thing")
            return Outcome(success=True) if hanging[0] else Outcome(failure="hung it on another hook")
        return Outcome()

    def _hangs(self, ring: int, hook: int) -> bool:
        """Whether the arm of a hook goes through the loop of a ring and alone bears it."""
        body, stand = self.bodies[ring], self.stands[hook]
        touched = {point[2] for point in self.world.bullet.getContactPoints(body)}
        if touched != {self.hook_bodies[hook]}:
            return False
        x, y, z = turn(-stand.yaw) @ (self.world.position(body) - stand.position)
        drop = self.hooks[hook].height - z
        return bool(0 < x < self.hooks[hook].length and abs(y) < self.rings[ring].radius and 0 < drop < _HANGING)

    def shortest_path(self, start: np.ndarray) -> float:
        """To the top of the ring, then to over the end of the arm, then along it."""
        ring = self.world.position(self.bodies[0]) + (0, 0, self.rings[0].radius)
        end = self.stands[0].point(np.array([self.hooks[0].length, 0, self.hooks[0].height]))
        return float(np.linalg.norm(ring - start) + np.linalg.norm(end - ring))

    def part_frame(self) -> np.ndarray:
        """On top of the ring, y along its axis, z up."""
        body = self.bodies[0]
        return pose(self.world.position(body) + (0, 0, self.rings[0].radius), turn(yaw_of(self.world, body)))


def _draw_rings(generator: np.random.Generator, split: str) -> list[Ring]:
    """Two of one category in different colours."""
    rings = [draw(draw_ring, RINGS, split, generator)]
    while len(rings) < 2:
        other = draw(draw_ring, RINGS, split, generator)
        if other.color != rings[0].color:
            rings.append(other)
    return rings
