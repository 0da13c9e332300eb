"""Can a pair of modalities be searched that was never trained? Point clouds and pictures, bound by words alone.

A space learns which words go with point clouds, and which words go with pictures. No sample has both a cloud and a
picture, and in training the clouds are of other objects, of other names, than the pictures: nothing says which cloud
and which picture belong together. Then clouds of a held-out pack search rendered pictures of the same objects, and the
other way round. Measured beside it: clouds and pictures of the same objects in training, still in separate samples.

    rows()                                                       figures for `launch/bench.sh space`
    python -m tests.benchmarks._space_emergent                   the same, printed
    python -m tests.benchmarks._space_emergent --picture FILE    what some held-out clouds find

What is held out is whole packs (a KayKit pack or a data set), and every object of the others that is called the same
as one of them. Colour variants are never on both sides: they are in one pack and, in training, all clouds or all
pictures. Objects that differ by a letter or number only ("a chair A", "a chair B") have one caption; training takes
them for positives of each other, evaluation keeps the first. Clouds are in the unit sphere, so size is not seen.

The settings were chosen on the packs of `VALIDATION`, trained without the reported ones.
"""

import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from grounding.datasets.captioned_clouds import CaptionedCloud, read_captioned_clouds
from grounding.datasets.render import render_views, view_directions
from grounding.encoders import Frozen, ImageEncoder, PointEncoder
from grounding.files import atomic
from grounding.space import FitSettings, InfoNCE, SharedSpace, evaluate, fit
from grounding.space.evaluate import PairRetrieval, Retrieval, compare
from grounding.text import SentenceEncoder

SETS = ("kaykit_cc0", "gazebo_models", "household_urdf90", "libero_objects")
Y_UP = ("kaykit_cc0",)
REPORTED = ("Restaurant-Bits", "household_urdf90")
VALIDATION = ("Furniture-Bits", "Halloween-Bits")
SEED = 0
SIZE = 64  # pixels
VIEWS = 6
SETTINGS = FitSettings(steps=250, batch=128, extra=0, learning_rate=2e-3, seed=SEED, checkpoint_every=250)
CUT = 10
COLORS = frozenset("red green blue yellow brown white black grey orange pink".split())


@dataclass(frozen=True, eq=False)
class Thing:
    """An object with what a space may learn of it."""

    pack: str
    caption: str
    """What it is called, without letters and numbers that tell variants apart."""
    texts: tuple[str, ...]
    points: np.ndarray
    """float32 (2048, 6): x y z, z up, in the unit sphere; red green blue, 0 to 1."""
    views: tuple[np.ndarray, ...]
    """Pictures from random sides, uint8 (64, 64, 3)."""
    unseen: np.ndarray
    """A picture from another random side, for evaluation."""

    @property
    def family(self) -> str:
        """The same for colour variants."""
        return " ".join(word for word in self.caption.split() if word not in COLORS)


def read_things(folder: Path, packs: Sequence[str] = ()) -> list[Thing]:
    """The objects of all four sets, or of some packs, with pictures rendered of each.

    Args:
        folder: the folder of real data sets.
        packs: names of KayKit packs or of data sets; all without.
    """
    generator = np.random.default_rng(SEED)
    things = []
    for name in SETS:
        for cloud in read_captioned_clouds(folder / "pointcloud" / name):
            directions = view_directions(VIEWS + 1, generator)
            if not packs or _pack(cloud) in packs:
                things.append(_thing(cloud, directions))
    return things


def split(things: Sequence[Thing], held_out: str) -> tuple[list[Thing], list[Thing]]:
    """Things to train on, and those of the held-out pack, one of each caption."""
    tested = {thing.caption: thing for thing in reversed(things) if thing.pack == held_out}
    trained = [thing for thing in things if thing.pack != held_out and thing.caption not in tested]
    return trained, list(reversed(tested.values()))


def make_samples(things: Sequence[Thing], disjoint: bool) -> list[dict[str, Any]]:
    """Samples of words and cloud, and of words and picture, none of both.

    Args:
        things: what to train on.
        disjoint: of half of the things only the clouds, of the others only the pictures, by families; else of every
            thing its cloud in one sample and its pictures in another.
    """
    families = sorted({thing.family for thing in things})
    order = np.random.default_rng(SEED).permutation(len(families))
    as_clouds = {families[place] for place in order[: len(families) // 2]}
    samples: list[dict[str, Any]] = []
    for thing in things:
        shared = {"id": thing.caption, "text": thing.texts}
        if not disjoint or thing.family in as_clouds:
            samples.append({**shared, "points": thing.points})
        if not disjoint or thing.family not in as_clouds:
            samples.append({**shared, "image": thing.views})
    return samples


def train(samples: Sequence[dict[str, Any]], settings: FitSettings = SETTINGS) -> SharedSpace:
    """A space in which words are the anchor."""
    torch.manual_seed(settings.seed)
    space = SharedSpace(
        dim=128,
        anchor="text",
        text=Frozen(SentenceEncoder()),
        points=PointEncoder(inputs=("xyz", "rgb"), reach=1.0),
        image=ImageEncoder(size=SIZE),
    )
    with tempfile.TemporaryDirectory() as run:
        fit(space, {"objects": samples}, InfoNCE(), run=Path(run), settings=settings)
    return space


def search(space: SharedSpace, things: Sequence[Thing]) -> Retrieval:
    """Recall of held-out things by their cloud, one picture and first text, with chance and intervals."""
    return evaluate(
        space,
        [
            {"id": thing.caption, "text": thing.texts[0], "points": thing.points, "image": thing.unseen}
            for thing in things
        ],
    )


def rows(folder: Path | None = None) -> list[dict[str, Any]]:
    """Recall on held-out packs beside chance, in percent: the pair that was never trained, and the trained ones."""
    things = read_things(folder or Path(os.environ["GROUNDING_DATA"]))
    table = []
    for held_out, disjoint in ((REPORTED[0], True), (REPORTED[1], True), (REPORTED[0], False)):
        trained, tested = split(things, held_out)
        report = search(train(make_samples(trained, disjoint)), tested)
        objects = "other objects in clouds than in pictures" if disjoint else "the same objects in clouds and pictures"
        for name, pair in report.pairs.items():
            if disjoint or pair.kind == "emergent":
                table.append(_row(f"{name} ({pair.kind}); {held_out} held out; {objects}", pair))
        if disjoint:
            for name, pair in zip(("points->image", "image->points"), by_color(tested), strict=True):
                table.append(_row(f"{name} by mean colour alone, a dull baseline; {held_out}", pair))
    return table


def by_color(things: Sequence[Thing]) -> tuple[PairRetrieval, PairRetrieval]:
    """Clouds and pictures compared by the distance of their mean colours, both ways: what needs no learning."""
    clouds = np.stack([thing.points[:, 3:].mean(0) for thing in things])
    pictures = []
    for thing in things:
        pixels = thing.unseen.reshape(-1, 3) / 255
        shown = np.abs(pixels - pixels[0]).max(1) > 0.02  # the corner shows the background
        pictures.append(pixels[shown].mean(0))
    codes = torch.arange(len(things))

    def nearest(queries: np.ndarray, gallery: np.ndarray) -> PairRetrieval:
        # The order by distance is that by this product.
        asked = torch.tensor(np.column_stack([queries, np.ones(len(queries))]), dtype=torch.float32)
        found = torch.tensor(np.column_stack([gallery, -(gallery**2).sum(1) / 2]), dtype=torch.float32)
        both = compare(asked, found, codes, codes, kind="untrained", seed=SEED, resamples=1000)
        assert both is not None
        return both[0]

    return nearest(clouds, np.stack(pictures)), nearest(np.stack(pictures), clouds)


def draw(path: Path, folder: Path, queries: int = 6, found: int = 8) -> None:
    """A picture of what some clouds of the first reported pack find among the pictures of that pack.

    The clouds are spread evenly over the ranks at which their own picture is found, from the best to the worst, so that
    the picture looks neither better nor worse than the whole.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    trained, tested = split(read_things(folder), REPORTED[0])
    space = train(make_samples(trained, disjoint=True))
    vectors = space.encode(points=[thing.points for thing in tested], image=[thing.unseen for thing in tested])
    similar = vectors["points"] @ vectors["image"].T
    ranks = (similar >= np.diag(similar)[:, None]).sum(1)
    shown = np.argsort(ranks, kind="stable")[((np.arange(queries) + 0.5) / queries * len(tested)).astype(int)]
    figure = Figure(figsize=(1.1 * (found + 1), 1.3 * queries + 0.3), dpi=100, layout="constrained")
    panels = figure.subplots(queries, found + 1)
    for line, row in zip(panels, shown, strict=True):
        _draw_cloud(line[0], tested[row])
        line[0].set_xlabel(f"{textwrap.fill(tested[row].texts[0], 20)}\nrank {ranks[row]} of {len(tested)}", fontsize=7)
        best = np.argsort(-similar[row], kind="stable")[:found]
        for axes, place in zip(line[1:], best, strict=True):
            axes.imshow(tested[place].unseen)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(color="#009E73" if place == row else "#ffffff", linewidth=4)
    panels[0, 0].set_title("point cloud", fontsize=9)
    panels[0, 1].set_title("nearest pictures, its own framed", fontsize=9, loc="left").set_in_layout(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    # A palette keeps the file small.
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]).quantize(256, dither=Image.Dither.NONE)
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG", optimize=True)


def _pack(cloud: CaptionedCloud) -> str:
    return cloud.category if cloud.dataset == "kaykit_cc0" else cloud.dataset


def _thing(cloud: CaptionedCloud, directions: np.ndarray) -> Thing:
    points, normals = (_upright(cloud, vectors) for vectors in (cloud.points, cloud.normals))
    *views, unseen = render_views(points, normals, cloud.colors, directions, size=SIZE)
    name = re.sub(r" (?:[A-Z]|\d+)(?= |$)", "", cloud.captions[0])
    texts = tuple(dict.fromkeys((name, *cloud.captions[1:])))
    return Thing(
        _pack(cloud), name.casefold(), texts, np.concatenate([points, cloud.colors], axis=1), tuple(views), unseen
    )


def _upright(cloud: CaptionedCloud, vectors: np.ndarray) -> np.ndarray:
    return vectors[:, [0, 2, 1]] * np.array([1, -1, 1], np.float32) if cloud.dataset in Y_UP else vectors


def _row(measure: str, pair: PairRetrieval) -> dict[str, Any]:
    recall, chance = pair.recall[CUT], pair.chance[CUT]
    low, high = pair.intervals[f"R@{CUT}"]
    return {
        "measure": measure,
        "ours": round(100 * recall, 1),
        "peer": round(100 * chance, 1),
        "peer_name": "chance",
        "ratio": round(recall / chance, 3),
        "unit": f"% R@{CUT} of {pair.gallery}, 95 % interval {100 * low:.0f} to {100 * high:.0f}",
        "reach": None,
    }


def _draw_cloud(axes: Any, thing: Thing) -> None:
    """The points as dots, seen from the side that pictures of it without a generator are seen from."""
    toward = view_directions(1)[0]
    right = np.cross([0, 0, 1], toward)
    right /= np.linalg.norm(right)
    order = np.argsort(thing.points[:, :3] @ toward)
    x, y = np.stack([right, np.cross(toward, right)]) @ thing.points[order, :3].T
    axes.scatter(x, y, s=1, c=thing.points[order, 3:], linewidths=0)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:2] == ["--picture"]:
        draw(Path(sys.argv[2]), Path(os.environ["GROUNDING_DATA"]))
    else:
        for row in rows():
            print(row)
