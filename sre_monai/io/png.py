"""A fast writer of PNG files."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from sre_monai.io.files import EXIF_ORIENTATION, written_atomically

try:
    from isal import isal_zlib as zlib  # Intel's deflate: four times as fast as zlib, for the same size
except ImportError:  # the extra `fast` is not installed
    import zlib  # type: ignore[no-redef]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 3: 2}  # grey and RGB, by the number of channels
FILTER_UP = 2  # each byte minus the one above: one subtraction, and good for photographs, masks and drawings alike
LEVEL = 1
STRIP = 1 << 22  # bytes filtered at a time


def save_png(path: str | os.PathLike[str], pixels: np.ndarray, exif_orientation: int = 1) -> None:
    """Write an image, atomically.

    Pillow tries all five of PNG's filters on every row, which takes longer than reading and segmenting a
    photograph. Here every row gets the same filter. The files are a few per cent larger.

    Args:
        path: the file to make; an existing one is replaced, missing folders are made.
        pixels: (H, W) of uint8 or uint16, or (H, W, 3) of uint8.
        exif_orientation: value of the EXIF tag that tells viewers how to turn the picture; 1 is as stored.

    Raises:
        ValueError: for pixels of another shape or type.

    Examples:
        >>> save_png("black.png", np.zeros((8, 8, 3), np.uint8))

    References:
        Portable Network Graphics (PNG) Specification, third edition, https://www.w3.org/TR/png-3.
    """
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = {"uint8": 8, "uint16": 16}.get(str(pixels.dtype), 0)
    if pixels.ndim not in (2, 3) or channels not in COLOUR_TYPES or not bits or not pixels.size:
        raise ValueError(
            f"A picture (H, W) or (H, W, 3) of uint8 or uint16 is expected, got {pixels.shape} of {pixels.dtype}."
        )
    height, width = pixels.shape[:2]
    with written_atomically(path) as unfinished, unfinished.open("wb") as stream:
        stream.write(SIGNATURE)
        stream.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, COLOUR_TYPES[channels], 0, 0, 0)))
        if exif_orientation != 1:
            exif = Image.Exif()
            exif[EXIF_ORIENTATION] = exif_orientation
            stream.write(_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
        for data in _compressed(pixels.reshape(height, -1)):
            stream.write(_chunk(b"IDAT", data))
        stream.write(_chunk(b"IEND", b""))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))


def _compressed(rows: np.ndarray) -> Iterator[bytes]:
    """Filter and compress, some rows at a time."""
    compressor = zlib.compressobj(LEVEL)
    above = np.zeros(rows.shape[1] * rows.itemsize, np.uint8)
    step = max(1, STRIP // len(above))
    for start in range(0, len(rows), step):
        strip = np.ascontiguousarray(rows[start : start + step], rows.dtype.newbyteorder(">")).view(np.uint8)
        filtered = np.empty((len(strip), 1 + len(above)), np.uint8)
        filtered[:, 0] = FILTER_UP
        np.subtract(strip[0], above, out=filtered[0, 1:])
        np.subtract(strip[1:], strip[:-1], out=filtered[1:, 1:])
        above = strip[-1]
        yield compressor.compress(filtered)
    yield compressor.flush()
