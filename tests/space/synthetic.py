"""Made-up demonstrations of the shape of the real ones, for tests and speed measurements; no physics is simulated."""

from collections.abc import Sequence
from itertools import product

import numpy as np

SIZES = {"small": 0.018, "medium": 0.026, "large": 0.036}
COLORS = {
    "red": (0.8, 0.1, 0.1),
    "green": (0.1, 0.6, 0.2),
    "blue": (0.1, 0.2, 0.8),
    "yellow": (0.9, 0.8, 0.1),
    "white": (0.9, 0.9, 0.9),
}
SHAPES = ("cube", "ball", "cylinder", "cone")
PLACE = (
    "put the {} in the bin",
    "place the {} into the bin",
    "pick up the {} and drop it in the box",
    "move the {} to the container",
    "the {} belongs in the bin",
    "grab the {} and put it into the tray",
    "take the {} over to the bin",
    "drop the {} in the bin please",
)
PLACE_UNSEEN = ("could you throw the {} into the basket", "i want the {} inside the bin", "bin the {}")
FIXED = {
    "OpenDrawer top": ("open the top drawer", "pull out the upper drawer", "slide the highest drawer open"),
    "OpenDrawer bottom": ("open the bottom drawer", "pull out the lower drawer", "slide the lowest drawer open"),
    "TurnKnob clockwise": ("turn the knob clockwise", "rotate the dial to the right", "twist the knob clockwise"),
    "TurnKnob counterclockwise": ("turn the knob counterclockwise", "rotate the dial to the left", "twist it back"),
    "PressButton": ("press the button", "push the button down", "hit the switch"),
}  # fmt: skip
FIXED_UNSEEN = {
    "OpenDrawer top": "get the uppermost drawer open",
    "OpenDrawer bottom": "get the lowermost drawer open",
    "TurnKnob clockwise": "spin the dial clockwise",
    "TurnKnob counterclockwise": "spin the dial counterclockwise",
    "PressButton": "give the button a push",
}


def meanings(held_out: bool = False) -> list[str]:
    """All meanings, or the combinations of size, colour and shape that training never sees."""
    combinations = list(product(SIZES, COLORS, SHAPES))
    unseen = set(range(0, len(combinations), 5))
    chosen = [words for index, words in enumerate(combinations) if (index in unseen) == held_out]
    return ["PlaceInBin " + " ".join(words) for words in chosen] + ([] if held_out else list(FIXED))


def demonstrations(
    count: int, seed: int = 0, chosen: Sequence[str] | None = None, wordings: str = "seen"
) -> list[dict[str, object]]:
    """Samples with text, points, image and trajectory; one in ten lacks the image, one in ten the trajectory."""
    generator = np.random.default_rng(seed)
    names = list(chosen) if chosen is not None else meanings()
    samples: list[dict[str, object]] = []
    for index in range(count):
        meaning = names[index % len(names)]
        sample: dict[str, object] = {
            "id": meaning,
            "text": instructions(meaning, wordings),
            "points": cloud(meaning, generator),
        }
        if generator.random() > 0.1:
            sample["image"] = image(meaning, generator)
        if generator.random() > 0.1:
            sample["trajectory"] = trajectory(meaning, generator)
        samples.append(sample)
    return samples


def distractors(count: int, seed: int = 1, chosen: Sequence[str] | None = None) -> list[dict[str, object]]:
    """Samples with points only."""
    generator = np.random.default_rng(seed)
    names = list(chosen) if chosen is not None else meanings()
    drawn = [names[int(generator.integers(len(names)))] for _ in range(count)]
    return [{"id": name, "points": cloud(name, generator)} for name in drawn]


def instructions(meaning: str, wordings: str) -> tuple[str, ...]:
    task, _, words = meaning.partition(" ")
    if task != "PlaceInBin":
        return FIXED[meaning] if wordings == "seen" else (FIXED_UNSEEN[meaning],)
    return tuple(template.format(words) for template in (PLACE if wordings == "seen" else PLACE_UNSEEN))


def cloud(meaning: str, generator: np.random.Generator) -> np.ndarray:
    """float32 (512, 7): the surface of the part and the table around it."""
    inside = int(generator.integers(120, 350))
    part = _surface(meaning, inside, generator)
    color = np.array(COLORS.get(meaning.split()[2] if meaning.startswith("PlaceInBin") else "", (0.5, 0.5, 0.5)))
    table = np.c_[generator.uniform(-0.1, 0.1, (512 - inside, 2)), np.full(512 - inside, part[:, 2].min())]
    shade = generator.normal(1, 0.1)
    colors = np.r_[np.tile(color * shade, (inside, 1)), np.tile((0.6, 0.5, 0.4), (512 - inside, 1))]
    colors = np.clip(colors + generator.normal(0, 0.05, (512, 3)), 0, 1)
    points = np.r_[part, table] + generator.normal(0, 0.001, (512, 3))
    flag = np.r_[np.ones(inside), np.zeros(512 - inside)]
    return np.c_[points, colors, flag].astype(np.float32)


def _surface(meaning: str, count: int, generator: np.random.Generator) -> np.ndarray:
    kind, _, words = meaning.partition(" ")
    direction = generator.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    if kind != "PlaceInBin":
        sizes = {"OpenDrawer": (0.02, 0.06, 0.01), "TurnKnob": (0.02, 0.02, 0.03), "PressButton": (0.015, 0.015, 0.01)}[
            kind
        ]
        lift = {"OpenDrawer top": 0.1, "OpenDrawer bottom": -0.1}.get(meaning, 0.0)
        box = direction / np.abs(direction).max(1, keepdims=True)
        return box * sizes + (0, 0, lift)
    size, _, shape = words.split()
    radius = SIZES[size] * generator.uniform(0.93, 1.07)
    turn = generator.uniform(0, np.pi)
    if shape == "ball":
        return direction * radius
    if shape == "cube":
        box = direction / np.abs(direction).max(1, keepdims=True) * radius
        return box @ np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]).T
    angle, height = generator.uniform(0, 2 * np.pi, count), generator.uniform(-1, 1, count)
    across = np.ones(count) if shape == "cylinder" else (1 - height) / 2
    return np.c_[np.cos(angle) * across, np.sin(angle) * across, height] * radius


def image(meaning: str, generator: np.random.Generator) -> np.ndarray:
    """uint8 (64, 64, 3): a coloured blob whose side goes with the size."""
    picture = generator.integers(90, 120, (64, 64, 3))
    words = meaning.split()
    side = int(SIZES.get(words[1], 0.02) * 600) if len(words) > 1 else 10
    row, column = generator.integers(0, 64 - side, 2)
    color = COLORS[words[2]] if words[0] == "PlaceInBin" else (0.5, 0.1 * len(meaning) % 1, 0.5)
    picture[row : row + side, column : column + side] = np.array(color) * 255
    return picture.astype(np.uint8)


def trajectory(meaning: str, generator: np.random.Generator) -> np.ndarray:
    """float32 (T, 8): a straight approach and then a motion that goes with the task."""
    steps = int(generator.integers(50, 90))
    time = np.linspace(0, 1, steps)[:, None]
    end = {
        "OpenDrawer": (0.2, 0, 0),
        "TurnKnob": (0, 0, 0),
        "PressButton": (0, 0, -0.02),
        "PlaceInBin": (0.1, 0.2, 0.1),
    }
    xyz = generator.normal(0, 0.02, 3) * (1 - time) + np.array(end[meaning.split()[0]]) * time
    turn = {"TurnKnob clockwise": -1.2, "TurnKnob counterclockwise": 1.2}.get(meaning, 0.0) * time[:, 0] / 2
    zero = np.zeros(steps)
    quaternion = np.c_[zero, zero, np.sin(turn), np.cos(turn)]
    return np.c_[xyz, quaternion, (time < 0.3).astype(float)].astype(np.float32)
