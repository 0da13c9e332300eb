import numpy as np
import pytest
from PIL import Image

from grounding.datasets.images import read_image, write_png
from grounding.errors import DataError, StorageError


def test_a_png_comes_back_exactly(tmp_path, generator):
    image = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    write_png(tmp_path / "folder" / "a.png", image)
    back = read_image(tmp_path / "folder" / "a.png")
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, image)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["a.png"]


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_other_kinds_of_pictures_become_rgb(tmp_path, mode):
    Image.new("RGB", (8, 6), (255, 255, 255)).convert(mode).save(tmp_path / "a.png")
    image = read_image(str(tmp_path / "a.png"))
    assert image.shape == (6, 8, 3)
    assert (image == 255).all()


def test_a_jpeg_is_read(tmp_path):
    Image.new("RGB", (8, 8), (200, 10, 10)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - [200, 10, 10]).max() < 6


@pytest.mark.parametrize("content", [b"", b"not a picture", None, "cut"])
def test_what_is_no_picture_is_named(tmp_path, generator, content):
    path = tmp_path / "a.png"
    write_png(path, generator.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:4000] if content == "cut" else content)
    with pytest.raises(DataError, match="a.png"):
        read_image(path)


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a.png"):
        write_png(tmp_path / "file" / "a.png", np.zeros((4, 4, 3), np.uint8))
