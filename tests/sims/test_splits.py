import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from sims.objects.appliance import APPLIANCES, draw_appliance
from sims.objects.blocks import BLOCKS, PUSHABLE, STACKABLE, draw_item
from sims.objects.cabinet import CABINETS, draw_cabinet
from sims.objects.dial import DIALS, draw_dial
from sims.objects.hooks import RINGS, draw_ring
from sims.objects.marked_dial import MARKED_DIALS, draw_marked_dial
from sims.objects.panel import BUTTONS, draw_button
from sims.objects.pegs import PEGS, draw_peg
from sims.objects.slider import SLIDERS, draw_slider
from sims.objects.switch import SWITCHES, draw_switch
from sims.splits import SPLITS, Family, draw
from sims.tasks import make_task

FAMILIES = {
    "cabinet": (draw_cabinet, CABINETS),
    "button": (draw_button, BUTTONS),
    "dial": (draw_dial, DIALS),
    "item": (draw_item, BLOCKS),
    "stackable": (draw_item, STACKABLE),
    "pushable": (draw_item, PUSHABLE),
    "peg": (draw_peg, PEGS),
    "ring": (draw_ring, RINGS),
    "switch": (draw_switch, SWITCHES),
    "slider": (draw_slider, SLIDERS),
    "marked dial": (draw_marked_dial, MARKED_DIALS),
    "appliance": (draw_appliance, APPLIANCES),
}
SHOWN = {
    "OpenDrawer": lambda task: [task.cabinet],
    "PressButton": lambda task: task.panel.buttons,
    "TurnKnob": lambda task: [task.dial],
    "PlaceInBin": lambda task: task.table.items,
    "PlaceBeside": lambda task: task.table.items,
    "Stack": lambda task: task.table.items,
    "PushToRegion": lambda task: task.table.items,
    "InsertPeg": lambda task: task.pegs,
    "HangRing": lambda task: task.rings,
    "FlipSwitch": lambda task: task.board.switches,
    "PushSlider": lambda task: task.board.sliders,
    "SetKnob": lambda task: [task.dial],
    "UseAppliance": lambda task: [task.appliance],
}


def assert_disjoint(drawn: dict[str, list]) -> None:
    keys = {split: {one.key for one in drawn[split]} for split in SPLITS}
    kinds = {split: {one.kind for one in drawn[split]} for split in SPLITS}
    categories = {split: {one.category for one in drawn[split]} for split in SPLITS}
    known = [split for split in SPLITS if split != "novel-category"]
    for index, split in enumerate(SPLITS):
        assert not any(keys[split] & keys[other] for other in SPLITS[:index])
    assert not kinds["novel-shape"] & (kinds["train"] | kinds["novel-instance"])
    assert not categories["novel-category"] & set().union(*(categories[split] for split in known))


@pytest.mark.parametrize("family", FAMILIES)
def test_drawn_objects_are_disjoint_by_category_kind_and_key(family, generator):
    make, known = FAMILIES[family]
    drawn = {split: [draw(make, known, split, generator) for _ in range(150)] for split in SPLITS}
    assert_disjoint(drawn)
    # Every kind is met where it belongs, so that a split is about instances or shapes and not about luck.
    kinds = {split: {one.kind for one in drawn[split]} for split in ("train", "novel-instance", "novel-shape")}
    assert kinds == {
        "train": set(known.kinds),
        "novel-instance": set(known.kinds),
        "novel-shape": set(known.novel_kinds),
    }
    assert {one.category for one in drawn["train"]} == set(known.categories)
    assert {one.category for one in drawn["novel-category"]} == set(known.novel_categories)
    assert all(known.split_of(one) == split for split in SPLITS for one in drawn[split])


@pytest.mark.parametrize("name", SHOWN)
def test_scenes_show_objects_of_their_split_alone(world, name):
    shown: dict[str, list] = {split: [] for split in SPLITS}
    for split in SPLITS:
        for seed in range(8):
            world.clear()
            task = make_task(name)
            task.build(world, np.random.default_rng([seed, *split.encode()]), split)
            shown[split] += SHOWN[name](task)
        assert len({one.key for one in shown[split]}) >= 4
    assert_disjoint(shown)


@pytest.mark.parametrize("name", ["OpenDrawer", "FlipSwitch"])
def test_the_same_seed_shows_another_scene_in_another_split(make, name):
    scenes = set()
    for split in SPLITS:
        observation, _ = make(name, split=split, obs=("points",)).reset(seed=0)
        scenes.add(observation["points"].tobytes())
    assert len(scenes) == len(SPLITS)


def test_a_fifth_of_all_keys_is_held_back():
    family = Family(("block",), ("mug",), ("cube",), ("wedge",))

    def split_of(category: str, kind: str, number: int) -> str:
        return family.split_of(SimpleNamespace(category=category, kind=kind, key=f"{category}/{number}"))

    held = [split_of("block", "cube", number) == "novel-instance" for number in range(2000)]
    assert np.mean(held) == pytest.approx(0.2, abs=0.03)
    assert held[7] == (hashlib.sha256(b"block/7").digest()[0] % 5 == 0)
    assert split_of("block", "wedge", 0) == "novel-shape"
    # An object of a novel category is one whatever its kind.
    assert {split_of("mug", kind, 0) for kind in ("cube", "wedge")} == {"novel-category"}
