"""TIFF files that Pillow doesn't know, by tifffile, and what its pages and tags mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, ImageOps

from sre_monai.io.depth import image_of
from sre_monai.io.files import EXIF_ORIENTATION

MAX_PIXELS = 100_000_000
"""Images with more pixels are refused: a few damaged bytes in a header could request any amount of memory."""

BITS_PER_SAMPLE, MAX_SAMPLE_VALUE, PLANAR_CONFIGURATION = 258, 281, 284  # tags
MINISWHITE, MINISBLACK, RGB = 0, 1, 2  # photometric interpretations
ALPHA = (1, 2)  # among the extra samples

MULTIPAGE_NOTE = "the first of several pages was read"
LARGEST_NOTE = "the largest of several pages was read"
PLANES_NOTE = "its three grey pages were read as red, green and blue"


def check_size(size: tuple[int, ...]) -> None:
    """Refuse an image of too many pixels."""
    if np.prod(size, dtype=float) > MAX_PIXELS:
        raise ValueError(f"{size[0]}×{size[1]} pixels are more than the {MAX_PIXELS / 1e6:.0f} million pixels allowed")


def choose_pages(pages: Sequence[tuple[tuple[int, int], bool]], notes: list[str]) -> list[int]:
    """Choose the largest page: previews come first, too. Three of that size, all of them grey, are colours.

    Args:
        pages: size of each, and whether it is grey.
        notes: gets what is worth telling.
    """
    largest = max((size for size, _ in pages), key=np.prod)
    same = [number for number, (size, _) in enumerate(pages) if size == largest]
    if len(same) == 3 and all(pages[number][1] for number in same):
        notes.append(PLANES_NOTE)
        return same
    if len(pages) > 1:
        notes.append(LARGEST_NOTE if same[0] else MULTIPAGE_NOTE)
    return same[:1]


def declared_white(tags: dict[int, Any]) -> int | None:
    """The value of white by the tags of a TIFF file, if it is not just the greatest that 16 or 32 bits hold."""
    for tag, as_white in ((MAX_SAMPLE_VALUE, int), (BITS_PER_SAMPLE, lambda bits: 2**bits - 1)):
        values = np.atleast_1d(tags.get(tag, 0))
        white = as_white(int(values.max())) if values.dtype.kind in "ui" else 0
        if 255 < white < 65535:
            return white
    return None


def has_deep_planes(image: Image.Image) -> bool:
    """Whether this is a TIFF of more than 8 bits with a plane for each channel, which Pillow reads as noise."""
    tags = getattr(image, "tag_v2", {})
    return tags.get(PLANAR_CONFIGURATION) == 2 and max(np.atleast_1d(tags.get(BITS_PER_SAMPLE, 8))) > 8


def read_tiff(path: Path, notes: list[str]) -> Image.Image:
    """Read a TIFF file that Pillow doesn't know, turned as Pillow turns TIFF files."""
    with tifffile.TiffFile(path) as file:
        pages: list[Any] = list(file.pages)
        if not pages:
            raise ValueError("it has no pages: the file is damaged or incomplete")
        chosen = choose_pages([((p.imagewidth, p.imagelength), p.samplesperpixel == 1) for p in pages], notes)
        page = pages[chosen[0]]
        check_size((page.imagewidth, page.imagelength))
        if page.photometric not in (MINISWHITE, MINISBLACK, RGB):
            raise ValueError(f"its colours are stored as {page.photometric.name}, which is not supported at this depth")
        values = np.dstack([_channels(pages[number]) for number in chosen])
        tags = {tag.code: tag.value for tag in page.tags if tag.code in (BITS_PER_SAMPLE, MAX_SAMPLE_VALUE)}
        image = image_of(values, notes, declared_white(tags), page.photometric == MINISWHITE)
        orientation = page.tags.valueof(EXIF_ORIENTATION)
    if isinstance(orientation, int):
        image.getexif()[EXIF_ORIENTATION] = orientation
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _channels(page: tifffile.TiffPage) -> np.ndarray:
    """Grey or RGB of a page with its alpha, if it has one, as (H, W, C)."""
    values = np.asarray(page.asarray())
    if page.axes.startswith("S"):  # one plane per channel
        values = np.moveaxis(values, 0, -1)
    if values.ndim != 3:
        return values
    first_extra = values.shape[-1] - len(page.extrasamples)
    alpha = [first_extra + n for n, kind in enumerate(page.extrasamples) if kind in ALPHA][:1]
    return values[..., [*range(3 if values.shape[-1] - len(alpha) >= 3 else 1), *alpha]]
