"""Domain randomisation: light, textures, background, cameras and the depth sensor, drawn anew for every episode."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sims.rendering.raster import Look
from sims.rendering.textures import TEXTURES

if TYPE_CHECKING:
    from sims.camera import Camera


@dataclass(frozen=True)
class Randomisation:
    """How far the looks of a scene vary. What is 0 does not vary; shapes, hues and labels never do.

    Args:
        lamp_tilt: largest angle (degrees) between the vertical and the direction to the lamp.
        brightness: all light is multiplied by a factor between 1 - brightness and 1.
        contrast: the largest share of its lightness that a texture takes from a surface, half of it in the mean.
        textures: which textures a surface may have, some of :data:`sims.rendering.textures.TEXTURES`.
        background: how much darker than white the background may be, 0 ... 1.
        camera_shift: largest shift (m) of a camera and of the point it looks at along each axis, a tenth of it for
            one on the hand.
        camera_zoom: largest share by which the field of view grows or shrinks.
        depth_noise: noise of the depth sensor, 1 for a Kinect's.

    Raises:
        ValueError: a number is out of range, or a texture unknown.
    """

    lamp_tilt: float = 50.0
    brightness: float = 0.35
    contrast: float = 0.35
    textures: tuple[str, ...] = TEXTURES
    background: float = 0.8
    camera_shift: float = 0.04
    camera_zoom: float = 0.08
    depth_noise: float = 1.0

    def __post_init__(self) -> None:
        most = {"lamp_tilt": 80.0, "brightness": 0.9, "contrast": 0.9, "background": 1.0, "camera_shift": 0.3}
        for name, limit in (most | {"camera_zoom": 0.5, "depth_noise": 10.0}).items():
            if not 0 <= getattr(self, name) <= limit:
                raise ValueError(f"{name} is {getattr(self, name)}: expected a number between 0 and {limit:g}")
        if not self.textures or not set(self.textures) <= set(TEXTURES):
            raise ValueError(f"textures are {self.textures}: expected at least one of {', '.join(TEXTURES)}")

    def look(self, links: int, generator: np.random.Generator) -> Look:
        """Light, background and the textures of that many links."""
        plain = Look()
        turn, share = generator.uniform(0, 2 * np.pi), generator.uniform()
        # Of directions within the cone all areas are as likely.
        tilt = np.arccos(1 - share * (1 - np.cos(np.deg2rad(self.lamp_tilt))))
        lamp = (np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt))
        light = 1 - self.brightness * generator.uniform()
        # What the lamp has more, the rest has less.
        shift = self.brightness * generator.uniform(-0.4, 0.4)
        grey = 255 * (1 - self.background * generator.uniform())
        red, green, blue = (grey * generator.uniform(1 - 0.2 * self.background, 1, 3)).astype(int).tolist()
        return Look(
            lamp=lamp if self.lamp_tilt else plain.lamp,
            ambient=light * (plain.ambient - shift),
            sky=light * plain.sky,
            strength=light * (plain.strength + shift),
            background=(red, green, blue),
            surfaces=self._surfaces(links, generator),
        )

    def _surfaces(self, links: int, generator: np.random.Generator) -> np.ndarray:
        kinds = np.array([TEXTURES.index(name) for name in self.textures])
        surfaces = np.zeros((links, 6))
        surfaces[:, 0] = generator.choice(kinds, links)
        # Features from 15 to 80 mm: the smallest are still several pixels wide.
        surfaces[:, 1] = np.exp(generator.uniform(np.log(1 / 0.08), np.log(1 / 0.015), links))
        surfaces[:, 2] = self.contrast / 2 * generator.uniform(size=links)
        surfaces[:, 3:] = generator.uniform(0, 100, (links, 3))
        return surfaces

    def camera(self, camera: "Camera", generator: np.random.Generator) -> "Camera":
        """The camera, moved and zoomed."""
        zoom = 1 + self.camera_zoom * generator.uniform(-1, 1)
        moved = camera.jittered(generator, self.camera_shift)
        return replace(moved, field_of_view=min(moved.field_of_view * zoom, 179.0))
