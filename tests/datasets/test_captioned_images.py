import json

import numpy as np
import pytest

from grounding.datasets.captioned_images import read_captioned_images
from grounding.datasets.images import write_png
from grounding.errors import DataError

CAPTIONS = 'image,caption\na.png,A red square .\nb.png,"Blue, all blue ."\na.png, Something red \n'


@pytest.fixture
def folder(tmp_path):
    for name, color in (("a.png", (255, 0, 0)), ("b.png", (0, 0, 255))):
        write_png(tmp_path / "images" / name, np.full((4, 6, 3), color, np.uint8))
    (tmp_path / "captions.csv").write_text(CAPTIONS)
    (tmp_path / "splits.json").write_text(json.dumps({"train": ["b.png", "a.png"], "dev": []}))
    return tmp_path


def test_photos_come_in_the_order_of_the_split_with_all_their_captions(folder):
    blue, red = read_captioned_images(folder)
    assert (blue.file.name, blue.captions) == ("b.png", ("Blue, all blue .",))
    assert red.captions == ("A red square .", "Something red")
    assert (red.read() == (255, 0, 0)).all()
    assert red.read().shape == (4, 6, 3)


def test_a_photo_is_opened_when_it_is_read(folder):
    (folder / "images" / "a.png").write_bytes(b"noise")
    blue, red = read_captioned_images(folder)
    assert blue.read().dtype == np.uint8
    with pytest.raises(DataError, match="a.png"):
        red.read()


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("splits.json", "[", "splits.json: cannot be read as JSON"),
        ("splits.json", None, "splits.json: cannot be read as JSON"),
        ("splits.json", "[1]", "no files of a split 'train' found, only list"),
        ("splits.json", '{"test": ["a.png"]}', r"split 'train' found, only \['test'\]"),
        ("splits.json", '{"train": ["c.png", "d.png"]}', r"'c.png' of split 'train' is not in images/ \(2 of 2\)"),
        ("captions.csv", "image,caption\na.png,red\nb.png,\n", "'b.png' of split 'train' has no caption"),
        ("captions.csv", "file,text\n", r"columns \['file', 'text'\] found"),
        ("captions.csv", "", "columns None found"),
        ("captions.csv", b"image,caption\na.png,\xff\xfe\n", "captions.csv: cannot be read as CSV"),
        ("captions.csv", None, "captions.csv: cannot be read as CSV"),
    ],
)
def test_what_is_wrong_is_named(folder, file, content, words):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=words):
        read_captioned_images(folder)


def test_an_empty_split_is_refused(folder):
    with pytest.raises(DataError, match="split 'dev'"):
        read_captioned_images(folder, "dev")


@pytest.mark.realdata
def test_flickr8k_is_whole(data_folder):
    splits = {name: read_captioned_images(data_folder / "image" / "flickr8k", name) for name in ("train", "dev")}
    assert {name: len(photos) for name, photos in splits.items()} == {"train": 6000, "dev": 1000}
    assert {len(photo.captions) for photos in splits.values() for photo in photos} == {5}
    assert not {photo.file for photo in splits["train"]} & {photo.file for photo in splits["dev"]}
    assert splits["dev"][0].read().shape == (144, 144, 3)
