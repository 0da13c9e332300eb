from dataclasses import replace

import numpy as np
import pytest

from sims.camera import Camera, render
from sims.objects.shapes import Link, Shape
from sims.observation import Observer
from sims.rendering.randomisation import Randomisation
from sims.robot import Panda
from sims.sampling import PALETTE

STILL = Randomisation(
    lamp_tilt=0,
    brightness=0,
    contrast=0,
    textures=("plain",),
    background=0,
    camera_shift=0,
    camera_zoom=0,
    depth_noise=0,
)
CAMERA = Camera((0.16, 0.50, 0.66), (0.58, 0.0, 0.05), width=96, height=96)
OBS = ("image", "depth", "segmentation", "calibration")


@pytest.fixture
def look(world):
    """What an observer of a box on the table sees, by randomisation and seed."""
    robot = Panda(world)
    world.add([Link("box", [Shape("box", (0.2, 0.2, 0.1))], (0.8, 0.2, 0.2))], (0.5, 0, 0.05), fixed=True)

    def seen(randomise, seed=0):
        observer = Observer(OBS, (CAMERA,), randomise=randomise)
        observer.begin(world, robot, np.random.default_rng(seed))
        return observer.look()

    return seen


def test_what_is_zero_does_not_vary(look):
    first, other = look(STILL, 0), look(STILL, 1)
    assert all((first[name] == other[name]).all() for name in ("image", "depth", "extrinsics", "intrinsics"))


@pytest.mark.parametrize(
    ("change", "varied"),
    [
        ({"lamp_tilt": 50}, {"image"}),
        ({"brightness": 0.4}, {"image"}),
        ({"contrast": 0.5, "textures": ("checker", "wood")}, {"image"}),
        ({"background": 1}, {"image"}),
        ({"camera_shift": 0.05}, {"image", "depth", "segmentation", "extrinsics"}),
        ({"camera_zoom": 0.2}, {"image", "depth", "segmentation", "intrinsics"}),
        ({"depth_noise": 1}, {"depth"}),
    ],
)
def test_each_setting_varies_what_it_says_and_by_seed(look, change, varied):
    randomise = replace(STILL, **change)
    plain, first, again, other = look(STILL), look(randomise), look(randomise), look(randomise, 1)
    assert all((first[name] == again[name]).all() for name in first)
    assert {name for name in first if (first[name] != other[name]).any()} - {"segmentation"} == varied - {
        "segmentation"
    }
    assert {name for name in first if (first[name] > 0).tolist() != (plain[name] > 0).tolist()} <= varied
    if "segmentation" not in varied:
        assert ((first["segmentation"] > 0) == (plain["segmentation"] > 0)).all()


def test_colors_stay_what_words_call_them(world):
    """Over many looks every colour of the palette stays nearest in hue to its own, in the mean over a surface."""
    bodies = {}
    for index, (name, color) in enumerate(sorted(PALETTE.items())):
        place = (0.35 + 0.1 * (index % 3), 0.15 * (index // 3) - 0.3, 0.04)
        bodies[name] = world.add([Link("box", [Shape("box", (0.08, 0.08, 0.08))], color)], place, fixed=True)
    scene_links = len(bodies) + 1
    for seed in range(8):
        view = render(world, CAMERA, look=Randomisation().look(scene_links, np.random.default_rng(seed)))
        for name, body in bodies.items():
            pixels = view.color[view.ids == body].astype(float)
            own = np.array(PALETTE[name])
            # Only the length of the colour changes, but for rounding to whole numbers.
            away = pixels / np.linalg.norm(pixels, axis=1, keepdims=True) - own / np.linalg.norm(own)
            assert len(pixels) > 20 and np.abs(away).max() < 0.03
            assert np.linalg.norm(pixels.mean(axis=0)) > 0.3 * 255 * np.linalg.norm(own)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lamp_tilt": 120.0}, r"lamp_tilt is 120.0: expected a number between 0 and 80"),
        ({"depth_noise": -1.0}, r"depth_noise is -1.0: expected a number between 0 and 10"),
        ({"camera_zoom": float("nan")}, r"camera_zoom is nan"),
        ({"textures": ("marble",)}, r"textures are \('marble',\): expected at least one of plain, noise"),
        ({"textures": ()}, r"textures are \(\)"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Randomisation(**wrong)
