"""One simulated world: a PyBullet client, a table, and the bodies on it.

A world is rebuilt from nothing at each reset: that is bit-exact, where Bullet's own restore of a saved state drifts
after contact, and with low-polygon bodies it is also cheap.
"""

import contextlib
import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence

import numpy as np

from sims.objects.shapes import Link, urdf

PHYSICS_RATE = 240
CONTROL_RATE = 20
SUBSTEPS = PHYSICS_RATE // CONTROL_RATE

Part = tuple[int, int]
"""A segment of the world: (body, link) with link -1 for the root."""


class World:
    """A physics client of its own, with gravity, a table whose top is the plane z = 0, and helpers to add bodies.

    Args:
        window: shows the world in a window of PyBullet's, which needs a display.

    Raises:
        ValueError: a window is wanted and there is no display, or the process has as many clients as PyBullet allows.
    """

    def __init__(self, window: bool = False) -> None:
        # Without a display PyBullet would end the whole process.
        if window and sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
            raise ValueError("a window needs a display and DISPLAY is not set: start one, or film with rgb_array")
        with _quiet():
            import pybullet
            from pybullet_utils import bullet_client

            mode = pybullet.GUI if window else pybullet.DIRECT
            try:
                self.bullet = bullet_client.BulletClient(connection_mode=mode)
            except pybullet.error as error:
                raise ValueError(
                    f"PyBullet gives no more clients ({error}): close environments no longer used"
                ) from None
        self.table = -1
        self.links: dict[int, Sequence[Link]] = {}
        """What each body added is made of; the robot and the table are not in it."""

    def clear(self) -> None:
        """Removes everything and starts again with gravity and an empty table."""
        bullet = self.bullet
        bullet.resetSimulation()
        self.links.clear()
        bullet.setPhysicsEngineParameter(
            # A cache would keep the text of every body ever made.
            fixedTimeStep=1 / PHYSICS_RATE,
            deterministicOverlappingPairs=1,
            enableFileCaching=0,
        )
        bullet.setGravity(0, 0, -9.81)
        half = (0.55, 0.75, 0.02)
        collision = bullet.createCollisionShape(bullet.GEOM_BOX, halfExtents=half)
        visual = bullet.createVisualShape(bullet.GEOM_BOX, halfExtents=half, rgbaColor=(0.62, 0.55, 0.47, 1))
        self.table = bullet.createMultiBody(0, collision, visual, basePosition=(0.4, 0, -half[2]))
        bullet.changeDynamics(self.table, -1, lateralFriction=0.8)

    def add(
        self, links: Sequence[Link], position: Sequence[float] | np.ndarray, yaw: float = 0.0, fixed: bool = False
    ) -> int:
        """Places a body made of ``links`` (see :mod:`sims.objects.shapes`) and returns its number."""
        orientation = self.bullet.getQuaternionFromEuler((0, 0, yaw))
        # A file of its own each time: forked simulations would overwrite a shared one.
        with tempfile.NamedTemporaryFile("w", prefix="grounding-sims-", suffix=".urdf") as file:
            file.write(urdf(links))
            file.flush()
            body = self.bullet.loadURDF(file.name, position, orientation, useFixedBase=fixed)
        self.links[body] = tuple(links)
        return body

    def step(self, count: int = SUBSTEPS) -> None:
        """Advances physics by ``count`` steps of 1/240 s."""
        step = self.bullet.stepSimulation
        for _ in range(count):
            step()

    def parts(self, exclude: Sequence[int] = ()) -> list[Part]:
        """Every (body, link) except the table's and those of the bodies in ``exclude``."""
        bullet = self.bullet
        skipped = {self.table, *exclude}
        bodies = [bullet.getBodyUniqueId(index) for index in range(bullet.getNumBodies())]
        return [(body, link) for body in bodies if body not in skipped for link in range(-1, bullet.getNumJoints(body))]

    def joint(self, part: Part) -> float:
        """Position (m or rad) of the joint that moves ``part``."""
        return float(self.bullet.getJointState(*part)[0])

    def position(self, body: int) -> np.ndarray:
        """Position of a free body's root, m."""
        return np.array(self.bullet.getBasePositionAndOrientation(body)[0])

    def speed(self, body: int) -> float:
        """Linear speed of a free body's root, m/s."""
        return float(np.linalg.norm(self.bullet.getBaseVelocity(body)[0]))

    def close(self) -> None:
        """Ends the physics client; calling it again does nothing."""
        if self.bullet.isConnected():
            self.bullet.disconnect()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Swallows what PyBullet's C code prints when it is imported and connected; Python's own output is untouched."""
    flush = ctypes.CDLL(None).fflush
    sys.stdout.flush()
    sys.stderr.flush()
    flush(None)
    kept = [os.dup(stream) for stream in (1, 2)]
    with open(os.devnull, "wb") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
        try:
            yield
        finally:
            # C buffers what it prints to a pipe; without this it would come out after the streams are put back.
            flush(None)
            for stream, original in zip((1, 2), kept, strict=True):
                os.dup2(original, stream)
                os.close(original)
