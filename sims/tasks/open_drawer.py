"""Open the top or bottom drawer of a cabinet by its handle."""

import numpy as np

from sims.objects.cabinet import CABINETS, Cabinet, draw_cabinet
from sims.robot import Panda
from sims.sampling import choice, uniform
from sims.splits import draw
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, pose
from sims.world import Part, World

POSITIONS = ("bottom", "top")
_PITCH = np.deg2rad(52.0)
_GOAL, _SPOILED = 0.7, 0.3


class OpenDrawer:
    """Success: the named drawer stands at least 70 % open. Opening another one by 30 % is a failure."""

    name = "OpenDrawer"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.cabinet: Cabinet = draw(draw_cabinet, CABINETS, split, generator)
        yaw = np.pi + uniform(generator, -0.25, 0.25)
        front = np.array([uniform(generator, 0.72, 0.78), uniform(generator, -0.14, 0.14), 0.0])
        self.outward = Placement(front, yaw).direction(np.array([1.0, 0, 0]))
        self.placement = Placement(front - self.outward * self.cabinet.depth / 2, yaw)
        body = world.add(self.cabinet.links(), self.placement.position, yaw, fixed=True)
        # Links in URDF order: shell, then drawer and handle from the bottom up.
        self.drawers: tuple[Part, ...] = ((body, 0), (body, 2))
        handles: tuple[Part, ...] = ((body, 1), (body, 3))
        for drawer in self.drawers:
            world.bullet.setJointMotorControl2(*drawer, world.bullet.VELOCITY_CONTROL, targetVelocity=0, force=1.5)
        self.asked = POSITIONS.index(choice(generator, POSITIONS))
        self.meaning = f"{self.name} {POSITIONS[self.asked]}"
        self.parts: tuple[Part, ...] = (handles[self.asked],)
        self.meanings = {handle: f"{self.name} {position}" for handle, position in zip(handles, POSITIONS, strict=True)}
        self.things: tuple[Thing, ...] = tuple(
            Thing(handle, "drawer", {"position": position}, self._handle(index), whole=(body, -1))
            for index, (handle, position) in enumerate(zip(handles, POSITIONS, strict=True))
        )
        self.requests: tuple[Request, ...] = (Request(self.name, handles[self.asked]),)

    def _handle(self, index: int) -> np.ndarray:
        """Where to take the handle of a closed drawer."""
        return self.placement.point(self.cabinet.handle_position(index))

    def expert(self) -> list[Waypoint]:
        """Takes the handle from in front and slightly above, and pulls straight out."""
        into = -self.outward * np.cos(_PITCH) - np.array([0, 0, np.sin(_PITCH)])
        side = np.cross(into, [0, 0, 1.0])
        side /= np.linalg.norm(side)
        rotation = np.column_stack([np.cross(side, into), side, into])
        handle = self._handle(self.asked)
        pulled = handle + self.outward * (self.cabinet.travel - 0.01)
        return [
            Waypoint(pose(handle - 0.10 * into, rotation), 1.0),
            Waypoint(pose(handle, rotation), 0.0, wait=0.35),
            Waypoint(pose(pulled, rotation), 0.0, wait=0.2),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        opened = [self.world.joint(drawer) / self.cabinet.travel for drawer in self.drawers]
        if opened[1 - self.asked] >= _SPOILED:
            return Outcome(failure="opened another drawer")
        return Outcome(success=bool(opened[self.asked] >= _GOAL))

    def shortest_path(self, start: np.ndarray) -> float:
        """To the handle, then along with it until the drawer counts as open."""
        return float(np.linalg.norm(self._handle(self.asked) - start)) + _GOAL * self.cabinet.travel

    def part_frame(self) -> np.ndarray:
        """In the middle of the handle, x pointing out of the cabinet and z up."""
        opened = self.world.joint(self.drawers[self.asked]) * self.outward
        up = np.array([0.0, 0.0, 1.0])
        return pose(self._handle(self.asked) + opened, np.column_stack([self.outward, np.cross(up, self.outward), up]))
