import importlib
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from sre_monai.io import png
from sre_monai.io.png import save_png


@pytest.fixture(params=["isal", "zlib"])
def deflate(request, monkeypatch):
    """With each of the compression libraries."""
    if request.param == "isal":
        return pytest.importorskip("isal")
    monkeypatch.setattr(png, "zlib", zlib)
    return zlib


@pytest.mark.parametrize("strip", [1, 50, png.STRIP])
@pytest.mark.parametrize(("dtype", "shape"), [(np.uint8, (4, 5)), (np.uint16, (4, 5)), (np.uint8, (4, 5, 3))])
def test_every_value_is_kept(tmp_path, deflate, monkeypatch, dtype, shape, strip):
    monkeypatch.setattr(png, "STRIP", strip)
    pixels = np.random.default_rng(0).integers(np.iinfo(dtype).max, size=shape, dtype=dtype)
    save_png(tmp_path / "a.png", pixels)
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
        assert 0x0112 not in image.getexif()


def test_the_orientation_is_carried(tmp_path):
    save_png(tmp_path / "a.png", np.zeros((4, 5), np.uint8), exif_orientation=6)
    with Image.open(tmp_path / "a.png") as image:
        assert image.getexif()[0x0112] == 6
        assert image.size == (5, 4)


@pytest.mark.parametrize(
    ("value", "pixels"), [("float64", np.zeros((3, 3))), ("(3, 3, 4)", np.zeros((3, 3, 4), np.uint8))]
)
def test_other_pixels_are_refused(tmp_path, value, pixels):
    with pytest.raises(ValueError, match="is expected, got") as error:
        save_png(tmp_path / "a.png", pixels)
    assert value in str(error.value)
    assert not list(tmp_path.iterdir())


def test_views_are_taken(tmp_path):
    pixels = np.random.default_rng(0).integers(256, size=(9, 8, 3), dtype=np.uint8)
    save_png(tmp_path / "a.png", pixels[::2, ::-1])
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels[::2, ::-1])


def test_without_isal(monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    try:
        assert importlib.reload(png).zlib is zlib
    finally:
        monkeypatch.undo()
        importlib.reload(png)
