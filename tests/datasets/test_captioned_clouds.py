import json

import numpy as np
import pytest

from grounding.datasets.captioned_clouds import clean_caption, read_captioned_clouds
from grounding.errors import DataError

ENTRIES = [
    {"name": "armchair_A", "caption": "a armchair A"},
    {"name": "fire_truck", "title": "Fire truck", "description": "An fire truck. See https://example.org/truck"},
]


def arrays(**changes):
    generator = np.random.default_rng(0)
    points = generator.uniform(-0.5, 0.5, (2, 16, 3)).astype(np.float16)
    normals = np.tile(np.array([0, -126, 3], np.int8), (2, 16, 1))
    made = {
        **{"points": points, "normals": normals, "colors": np.full((2, 16, 3), 51, np.uint8)},
        **{"extent": np.ones((2, 3), np.float32), "has_color": np.array([True, False])},
        **{"names": np.array(["armchair_A", "fire_truck"]), "category": np.array(["Furniture", "vehicles"])},
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


@pytest.fixture
def write(tmp_path):
    def write(entries=ENTRIES, **changes):
        folder = tmp_path / "toys"
        folder.mkdir()
        np.savez(folder / "points.npz", **arrays(**changes))
        (folder / "captions.json").write_text(json.dumps(entries))
        return folder

    return write


def test_objects_come_back_with_their_captions(write):
    chair, truck = read_captioned_clouds(write())
    assert (chair.name, chair.dataset, chair.category, chair.colored) == ("armchair_A", "toys", "Furniture", True)
    assert chair.captions == ("an armchair A",)
    assert truck.captions == ("Fire truck", "A fire truck. See")
    assert not truck.colored
    for array in (chair.points, chair.normals, chair.colors, chair.extent):
        assert array.dtype == np.float32
    np.testing.assert_array_equal(chair.points, arrays()["points"][0].astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(chair.normals, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(chair.normals[0], np.array([0, -126, 3]) / np.hypot(126, 3), rtol=1e-5)
    np.testing.assert_allclose(chair.colors, 0.2, rtol=1e-6)


def test_a_description_that_says_no_more_than_the_title_is_left_out(write):
    chair, truck = read_captioned_clouds(
        write([ENTRIES[0], {"name": "fire_truck", "title": "Fire Truck", "description": "Fire truck."}], has_color=None)
    )
    assert truck.captions == ("Fire Truck",)
    assert truck.colored


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a building A withoutBase", "a building A without Base"),
        ("a orange cup", "an orange cup"),
        ("An red hatchback", "A red hatchback"),
        ("a unicorn, a user and a umbrella", "a unicorn, a user and an umbrella"),
        ("An hour of a SUV", "An hour of a SUV"),
        ("bus_stop   for\n iRobot", "bus stop for iRobot"),
        ("see http://a.b/c?d and `run`", "see and run"),
    ],
)
def test_captions_become_plain_words(text, clean):
    assert clean_caption(text) == clean


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": None}, "no array points"),
        ({"category": None, "extent": None}, "no array category, extent"),
        ({"points": np.zeros((2, 16, 2), np.float16)}, r"points of shape \(2, 16, 2\)"),
        ({"points": np.zeros((2, 0, 3), np.float16)}, r"points of shape \(2, 0, 3\)"),
        ({"points": np.zeros((2, 16, 3), np.int8)}, "type int8, expected .* of floats"),
        ({"points": np.full((2, 16, 3), np.nan)}, "2 objects, such as 'armchair_A', have points that are NaN"),
        (
            {"points": np.stack([np.zeros((16, 3)), np.full((16, 3), 0.7)])},
            "'fire_truck', reach 1.2",
        ),
        ({"normals": np.zeros((2, 16, 3), np.int8)}, "normals of length 0"),
        ({"normals": np.ones((2, 15, 3), np.int8)}, r"normals of shape \(2, 15, 3\)"),
        ({"colors": np.ones((2, 16, 3), np.float32)}, "type float32, expected .* of uint8"),
        ({"colors": np.ones((2, 16, 3), np.uint16)}, "type uint16, expected .* of uint8"),
        ({"extent": np.full((2, 3), -1.0)}, "negative extent"),
        ({"has_color": np.array([1, 0])}, "has_color of shape .* of booleans"),
        ({"names": np.array(["a"])}, r"names of shape \(1,\)"),
        ({"names": np.array([{"a": 1}, None], dtype=object)}, "cannot be read"),
    ],
)
def test_bad_arrays_are_named_with_their_file(write, changes, words):
    folder = write(**changes)
    with pytest.raises(DataError, match=words) as caught:
        read_captioned_clouds(folder)
    assert str(folder / "points.npz") in str(caught.value)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"armchair_A": "a armchair"}, "dict found"),
        (ENTRIES[:1], "1 entries found, expected a list with one for each of the 2 objects"),
        (ENTRIES[::-1], "entry 0 is about 'fire_truck', but points.npz has 'armchair_A'"),
        (["a armchair", "a fire truck"], "entry 0 is about 'a armchair'"),
        ([ENTRIES[0], {"name": "fire_truck"}], r"entry 1 \('fire_truck'\) has no text"),
        ([ENTRIES[0], {"name": "fire_truck", "caption": 7}], r"entry 1 \('fire_truck'\) has no text"),
        ([ENTRIES[0], {"name": "fire_truck", "caption": " _ ."}], "has no words"),
    ],
)
def test_bad_captions_are_named_with_their_file(write, entries, words):
    folder = write(entries)
    with pytest.raises(DataError, match=words) as caught:
        read_captioned_clouds(folder)
    assert str(folder / "captions.json") in str(caught.value)


def test_missing_and_damaged_files(write):
    folder = write()
    (folder / "captions.json").write_text("[")
    with pytest.raises(DataError, match="captions.json: cannot be read as JSON"):
        read_captioned_clouds(folder)
    whole = (folder / "points.npz").read_bytes()
    for content in (b"", b"noise", whole[:-200], whole[:100] + bytes(60) + whole[160:]):
        (folder / "points.npz").write_bytes(content)
        with pytest.raises(DataError, match="points.npz: cannot be read"):
            read_captioned_clouds(folder)
    (folder / "points.npz").unlink()
    with pytest.raises(DataError, match="points.npz: no such file"):
        read_captioned_clouds(folder)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "objects", "categories", "colored"),
    [
        ("kaykit_cc0", 878, 7, 878),
        ("gazebo_models", 223, 1, 223),
        ("household_urdf90", 94, 72, 73),
        ("libero_objects", 45, 4, 6),
    ],
)
def test_the_real_sets_are_whole(data_folder, name, objects, categories, colored):
    clouds = read_captioned_clouds(data_folder / "pointcloud" / name)
    assert len(clouds) == objects
    assert len({cloud.category for cloud in clouds}) == categories
    assert sum(cloud.colored for cloud in clouds) == colored
    assert {cloud.points.shape for cloud in clouds} == {(2048, 3)}
    assert len({(cloud.category, cloud.name) for cloud in clouds}) == objects
    texts = [text for cloud in clouds for text in cloud.captions]
    assert all(text.strip() == text and "_" not in text and "://" not in text for text in texts)
