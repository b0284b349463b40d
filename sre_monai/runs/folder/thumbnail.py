"""Thumbnails of a few kilobytes, to embed in a page."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from sre_monai.io.files import EXIF_ORIENTATION

SIDE = 128
JPEG_QUALITY = 70
OVERSAMPLING = 4  # pixels looked at for one of the result, along each axis


def thumbnail(pixels: np.ndarray, exif_orientation: int = 1, side: int = SIDE) -> str:
    """Reduce a picture to a JPEG of about 3 kB.

    Args:
        pixels: uint8 of shape (H, W, 3).
        exif_orientation: value of the EXIF tag that tells viewers how to turn the picture.
        side: the longer side of the result in pixels.

    Returns:
        The file's content in base64, for ``<img src="data:image/jpeg;base64,…">``.

    Examples:
        >>> thumbnail(np.zeros((600, 500, 3), np.uint8))[:4]
        '/9j/'
    """
    step = max(1, max(pixels.shape) // (OVERSAMPLING * side))
    picture = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    picture = picture.reduce(max(1, max(picture.size) // (2 * side)))
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    exif = Image.Exif()
    if exif_orientation != 1:
        exif[EXIF_ORIENTATION] = exif_orientation
    file = BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY, exif=exif)
    return b64encode(file.getvalue()).decode()
