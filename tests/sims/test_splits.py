import numpy as np
import pytest

from sims.objects.blocks import BLOCK_KINDS, NOVEL_BLOCK_KINDS, draw_block
from sims.objects.cabinet import HANDLE_KINDS, NOVEL_HANDLE_KINDS, draw_cabinet
from sims.objects.dial import KNOB_KINDS, NOVEL_KNOB_KINDS, draw_dial
from sims.objects.panel import CAP_KINDS, NOVEL_CAP_KINDS, draw_button
from sims.splits import SPLITS, draw, split_of

FAMILIES = {
    "cabinet": (draw_cabinet, HANDLE_KINDS, NOVEL_HANDLE_KINDS),
    "button": (draw_button, CAP_KINDS, NOVEL_CAP_KINDS),
    "dial": (draw_dial, KNOB_KINDS, NOVEL_KNOB_KINDS),
    "block": (draw_block, BLOCK_KINDS, NOVEL_BLOCK_KINDS),
}
SHOWN = {
    "OpenDrawer": lambda task: [task.cabinet],
    "PressButton": lambda task: task.panel.buttons,
    "TurnKnob": lambda task: [task.dial],
    "PlaceInBin": lambda task: task.blocks,
}


def assert_disjoint(kinds: dict[str, set[str]], keys: dict[str, set[str]]) -> None:
    assert not keys["train"] & keys["novel-instance"]
    assert not kinds["novel-shape"] & (kinds["train"] | kinds["novel-instance"])
    assert not keys["novel-shape"] & (keys["train"] | keys["novel-instance"])


@pytest.mark.parametrize("family", FAMILIES)
def test_drawn_objects_are_disjoint_by_kind_and_key(family, generator):
    make, known, novel = FAMILIES[family]
    drawn = {split: [draw(make, known, novel, split, generator) for _ in range(600)] for split in SPLITS}
    kinds = {split: {one.kind for one in drawn[split]} for split in SPLITS}
    keys = {split: {one.key for one in drawn[split]} for split in SPLITS}
    assert_disjoint(kinds, keys)
    # Every kind is met where it belongs, so that a split is about instances or shapes and not about luck.
    assert kinds == {"train": set(known), "novel-instance": set(known), "novel-shape": set(novel)}
    assert not set(known) & set(novel)
    assert all(split_of(one.kind, one.key, novel) == split for split in SPLITS for one in drawn[split])


@pytest.mark.parametrize("task", SHOWN)
def test_scenes_show_objects_of_their_split_alone(make, task):
    kinds, keys = {}, {}
    for split in SPLITS:
        env = make(task, split=split, obs=())
        shown = []
        for seed in range(25):
            env.reset(seed=seed)
            shown += SHOWN[task](env.task)
        kinds[split], keys[split] = {one.kind for one in shown}, {one.key for one in shown}
        assert len(keys[split]) >= 8
    assert_disjoint(kinds, keys)


@pytest.mark.parametrize("task", SHOWN)
def test_the_same_seed_shows_another_scene_in_another_split(make, task):
    scenes = set()
    for split in SPLITS:
        observation, _ = make(task, split=split, obs=("points",)).reset(seed=0)
        scenes.add(observation["points"].tobytes())
    assert len(scenes) == 3


def test_a_fifth_of_all_keys_is_held_back():
    held = [split_of("cube", f"block/{index}", NOVEL_BLOCK_KINDS) == "novel-instance" for index in range(2000)]
    assert np.mean(held) == pytest.approx(0.2, abs=0.03)
    assert split_of("wedge", "block/0", NOVEL_BLOCK_KINDS) == "novel-shape"
