"""The page of a file that Pillow opens: which one is read, and its pixels with 8 bits."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from sre_monai.io.deep_colours import SWAPPED, content, deep_colours, deep_ppm, greatest_ppm_value, raw_mode
from sre_monai.io.deep_tiff import (
    MAX_SAMPLE_VALUE,
    MINISWHITE,
    MULTIPAGE_NOTE,
    check_size,
    choose_pages,
    declared_white,
    has_deep_planes,
)
from sre_monai.io.depth import image_of
from sre_monai.io.files import EXIF_ORIENTATION

MAX_PAGES = 1000  # that are looked at
WIDTH, LENGTH, PHOTOMETRIC = 256, 257, 262  # tags of TIFF
END_OF_JPEG = b"\xff\xd9"
DEEP_GREYS = ("I", "F")  # Pillow's modes of more than 8 bits; "I;16" and its variants start with "I"
ORIENTATION_NOTE = "its orientation (EXIF) can't be read and was ignored"
TRUNCATED_NOTE = "it ends early: what is missing is grey"


def pages_of(image: Image.Image, notes: list[str]) -> list[int]:
    """Choose what to read of an open file; nothing where tifffile has to do it."""
    if image.format != "TIFF" or not isinstance(image, TiffImageFile):
        notes += [MULTIPAGE_NOTE] * bool(getattr(image, "is_animated", False))
        return [0]
    pages: list[tuple[tuple[int, int], bool]] = []
    unknown = []
    for number in range(MAX_PAGES):
        try:
            image.seek(number)
        except SyntaxError:  # Pillow doesn't know this page's colours
            unknown.append(number)
        except (EOFError, OSError, ValueError, KeyError, TypeError, struct.error):  # no more, or they are damaged
            break
        size = (int(image.tag_v2.get(WIDTH, 0)), int(image.tag_v2.get(LENGTH, 0)))
        pages.append((size, image.mode == "L" or image.mode.startswith(DEEP_GREYS)))
    told: list[str] = []
    chosen = choose_pages(pages, told)
    if not set(chosen).isdisjoint(unknown):
        return []
    image.seek(chosen[0])
    if has_deep_planes(image):
        return []
    notes += told
    return chosen


def read_pages(
    image: Image.Image, pages: Sequence[int], truncated_images: bool, notes: list[str], known: dict[str, Any]
) -> Image.Image:
    """Read pages of an image of Pillow: one, or the colours of one photograph."""
    planes: list[np.ndarray] = []
    tags: dict[int, Any] = dict(image.tag_v2) if isinstance(image, TiffImageFile) else {}
    if greatest_ppm_value(image) > 255:
        tags[MAX_SAMPLE_VALUE] = greatest_ppm_value(image)
    for number in pages:
        if image.tell() != number:
            image.seek(number)
        check_size(image.size)
        page = _read_page(image, truncated_images, notes)
        known["exif_orientation"] = _orientation(image, notes)
        if len(pages) == 1 and isinstance(page, Image.Image) and not page.mode.startswith(DEEP_GREYS):
            return page
        planes.append(np.asarray(page))
    values = np.stack(planes, axis=-1) if len(planes) > 1 else planes[0]
    inverted = tags.get(PHOTOMETRIC) == MINISWHITE and values.dtype != np.uint8  # Pillow inverts 8 bits itself
    return image_of(values, notes, declared_white(tags), inverted)


def _read_page(image: Image.Image, truncated_images: bool, notes: list[str]) -> Image.Image | np.ndarray:
    """Read the current frame; as an array if Pillow would lose some of its bits."""
    if has_deep_planes(image):
        raise ValueError("Pillow can't read TIFF files with several planes of 16 bit; give the path of the file")
    if not isinstance(image, ImageFile) or not image.tile or image.fp is None:
        return image
    if greatest_ppm_value(image) > 255:
        return deep_ppm(image)
    is_deep = image.mode in ("RGB", "RGBA") and raw_mode(image.tile[0])[-4:] in SWAPPED
    return deep_colours(image) if is_deep else _load(image, truncated_images, notes)


def _load(image: ImageFile, truncated_images: bool, notes: list[str]) -> Image.Image:
    """Load the pixels of the current frame; those of a JPEG file that ends early, if wanted."""
    try:
        image.load()
    except OSError as error:
        if image.format not in ("JPEG", "MPO") or "truncated" not in str(error):
            raise
        if not truncated_images:
            raise ValueError(f"{error}; with --truncated_images True it is read as far as it goes") from None
        notes.append(TRUNCATED_NOTE)
        with Image.open(BytesIO(content(image) + END_OF_JPEG)) as ended:
            ended.load()
            return ended
    return image


def _orientation(image: Image.Image, notes: list[str]) -> int:
    """How viewers turn the image, 1–8; 1 where the file doesn't say."""
    try:
        value = image.getexif().get(EXIF_ORIENTATION) or 1
    except Exception:  # Pillow raises SyntaxError, struct.error, TypeError … for malformed EXIF data
        value = None
    if isinstance(value, int) and 1 <= value <= 8:
        return value
    notes.append(ORIENTATION_NOTE)
    return 1
