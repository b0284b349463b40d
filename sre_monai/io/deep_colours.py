"""Colours of 16 bits from files of which Pillow keeps the upper 8."""

from __future__ import annotations

import math
import sys
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

NATIVE, FOREIGN = (";16L", ";16B") if sys.byteorder == "little" else (";16B", ";16L")
SWAPPED = {NATIVE: FOREIGN, FOREIGN: NATIVE, ";16N": FOREIGN}  # byte orders in Pillow's raw modes


def deep_colours(image: ImageFile) -> np.ndarray:
    """Read colours of 16 bits, shape (H, W, C): Pillow keeps the upper 8, and of swapped bytes these are the lower."""
    frame, tiles = image.tell(), image.tile
    with Image.open(BytesIO(content(image))) as again:
        assert isinstance(again, ImageFile)
        again.seek(frame)
        again.tile = [tile._replace(args=_swapped(tile.args)) for tile in tiles]
        again.load()
        lower = np.asarray(again)
    if raw_mode(tiles[0]) == "LA;16B":
        return lower[..., ::2].astype(np.uint16) << 8 | lower[..., 1::2]
    image.load()
    return np.asarray(image).astype(np.uint16) << 8 | lower


def raw_mode(tile: Any) -> str:
    """How Pillow unpacks the samples of a tile, such as ``"RGB;16B"``."""
    return tile.args if isinstance(tile.args, str) else str((tile.args or ("",))[0])


def _swapped(args: Any) -> Any:
    """Describe the same data with swapped bytes; grey with alpha, for which Pillow has no such mode, as four bytes."""
    if not isinstance(args, str):
        return (_swapped(args[0]), *args[1:])
    return "RGBA" if args == "LA;16B" else args[:-4] + SWAPPED[args[-4:]]


def greatest_ppm_value(image: Image.Image) -> int:
    """What a binary PPM or PGM file declares as white, if Pillow would scale it to 8 bits value by value; else 0."""
    tile: Any = next(iter(getattr(image, "tile", ())), None)
    return int(tile.args[1]) if tile is not None and tile.codec_name == "ppm" else 0


def deep_ppm(image: ImageFile) -> np.ndarray:
    """Read all values of a PPM or PGM file of 16 bits, shape (H, W, C)."""
    shape = (image.height, image.width, len(image.getbands()))
    data = content(image)[image.tile[0].offset :][: 2 * math.prod(shape)]
    if len(data) < 2 * math.prod(shape):
        raise ValueError("image file is truncated")
    return np.frombuffer(data, ">u2").reshape(shape).astype(np.uint16)


def content(image: ImageFile) -> bytes:
    """All bytes of the file that an image was opened from."""
    assert image.fp is not None
    image.fp.seek(0)
    return image.fp.read()
