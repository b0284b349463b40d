"""A worst-case folder: good photographs in every format and files damaged in thirty ways.

    python -m tests.bundles.hostile FOLDER

The same files each time.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import tifffile
from PIL import Image

from sre_monai.retina import synthetic_fundus

GOOD_COUNT, BAD_COUNT = 100, 210
MALFORMED_ORIENTATION = b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x0112, 2, 3, b"up\0\0", 0)
SMALL = (112, 104)


def make_hostile_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Write the files and return the names of good and bad ones, relative to the folder."""
    rng = np.random.default_rng(0)
    photographs = [synthetic_fundus((SMALL[0] + n, SMALL[1]), seed=n).image for n in range(5)]
    good = [_write_good(folder, n, photographs[n % 5]) for n in range(GOOD_COUNT)]
    bad = [_write_bad(folder, n, photographs[n % 5], rng) for n in range(BAD_COUNT)]
    return good, bad


def encoded(pixels: np.ndarray, kind: str, **options) -> bytes:
    """An image file's bytes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def _palette(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).quantize(200).save(path)


def _pages(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, save_all=True, append_images=[Image.new("L", (9, 9))])


def _nifti(pixels: np.ndarray, path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(pixels.transpose(1, 0, 2).astype(np.float32), np.eye(4)), path)


def _converted(mode: str, **options) -> Callable[[np.ndarray, Path], None]:
    return lambda pixels, path: Image.fromarray(pixels).convert(mode).save(path, **options)


def _tiff(dtype: type, factor: float) -> Callable[[np.ndarray, Path], None]:
    return lambda pixels, path: tifffile.imwrite(path, (pixels * float(factor)).astype(dtype), photometric="rgb")


def _white_is_zero(pixels: np.ndarray, path: Path) -> None:
    tifffile.imwrite(path, 65535 - pixels[..., 1] * np.uint16(257), photometric="miniswhite")


def _planes(pixels: np.ndarray, path: Path) -> None:
    """A preview, then red, green and blue."""
    with tifffile.TiffWriter(path) as file:
        file.write(np.ascontiguousarray(pixels[::4, ::4]), photometric="rgb")
        for plane in np.moveaxis(pixels, -1, 0):
            file.write(plane, photometric="minisblack")


def _transparent(pixels: np.ndarray, path: Path) -> None:
    """White outside, under alpha 0."""
    outside = pixels.max(axis=-1, keepdims=True) < 20
    channels = np.concatenate([np.where(outside, 255, pixels), 255 * ~outside], axis=-1)
    Image.fromarray(channels.astype(np.uint8)).save(path)


# folder and name, how it is written
GOOD: tuple[tuple[str, Callable[[np.ndarray, Path], None]], ...] = (
    ("{n}.jpg", _converted("RGB", quality=95)),
    ("upper case/{n}.JPG", _converted("RGB", format="JPEG", quality=95)),
    ("{n}.png", _converted("RGB")),
    ("left eye/ältere Aufnahmen/Auge {n}.png", _converted("RGBA")),
    ("{n}_grey.png", _converted("L")),
    ("{n}_palette.png", _palette),
    ("右眼/{n}.bmp", _converted("RGB")),
    ("{n}.gif", _palette),
    ("{n}.ppm", _converted("RGB")),
    ("{n}_cmyk.jpg", _converted("CMYK", quality=95)),
    ("{n}_lzw.tif", _converted("RGB", compression="tiff_lzw")),
    ("{n}_16bit.tiff", _tiff(np.uint16, 257)),
    ("{n}_float.tif", _tiff(np.float32, 1 / 255)),
    ("{n}_pages.tif", _pages),
    ("{n}.nii.gz", _nifti),
    ("no extension/{n}", _converted("RGB", format="PNG")),
    ("same stem/{n}.jpg.png", _converted("RGB")),
    ("wrong extension/{n}.bmp", _converted("RGB", format="JPEG", quality=95)),
    ("= {n}, 'a' \"b\" <i>&.png", _converted("RGB")),
    ("{n}_progressive.jpg", _converted("RGB", quality=95, progressive=True)),
    ("{n}_12bit.tif", _tiff(np.uint16, 16)),
    ("{n}_white_is_zero.tif", _white_is_zero),
    ("{n}_planes.tif", _planes),
    ("{n}_transparent.png", _transparent),
    ("{n}_{long}.jpg", _converted("RGB", quality=95, exif=MALFORMED_ORIENTATION)),
)


def _write_good(folder: Path, number: int, pixels: np.ndarray) -> str:
    name, write = GOOD[number % len(GOOD)]
    file = name.format(n=number, long="x" * 247)
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    write(pixels, folder / file)
    return file


def _png_of_size(width: int, height: int) -> bytes:
    """A PNG file whose header announces more data than follow."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def _cut(kind: str) -> Callable[[np.ndarray, np.random.Generator], bytes]:
    """Truncated at a random point."""

    def damage(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
        content = encoded(pixels, kind)
        return content[: int(rng.uniform(0.05, 0.9) * len(content))]

    return damage


def _zeroed(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
    """PNG with zeros in a part of its data: the checksum is wrong."""
    content = bytearray(encoded(pixels, "PNG"))
    start = int(rng.integers(100, len(content) // 2))
    content[start : start + 400] = bytes(400)
    return bytes(content)


def _flipped(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
    """PNG with a byte changed in its data."""
    content = bytearray(encoded(pixels, "PNG"))
    content[int(rng.integers(60, len(content) - 60))] ^= 0xFF
    return bytes(content)


def _plain(shade: int) -> Callable[[np.ndarray, np.random.Generator], bytes]:
    return lambda pixels, rng: encoded(np.full_like(pixels, shade), "PNG")


def _specks(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
    """Bright points on black: no retina."""
    return encoded(np.where(rng.random(pixels.shape[:2]) > 0.9, 200, 0).astype(np.uint8), "PNG")


def _bytes(content: bytes) -> Callable[[np.ndarray, np.random.Generator], bytes]:
    return lambda pixels, rng: content


def _tiff_tag(offset_of_data: bool) -> Callable[[np.ndarray, np.random.Generator], bytes]:
    """TIFF whose directory or strips lie beyond the end of the file."""

    def damage(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
        content = bytearray(encoded(pixels, "TIFF"))
        at = struct.unpack_from("<I", content, 4)[0]
        if not offset_of_data:
            struct.pack_into("<I", content, 4, 10 * len(content))
            return bytes(content)
        for entry in range(struct.unpack_from("<H", content, at)[0]):
            place = at + 2 + 12 * entry
            if (
                struct.unpack_from("<H", content, place)[0] == 273
                and struct.unpack_from("<I", content, place + 4)[0] == 1
            ):
                struct.pack_into("<I", content, place + 8, 10 * len(content))
        return bytes(content)

    return damage


def _negative(pixels: np.ndarray, rng: np.random.Generator) -> bytes:
    """Normalised to -1 to 1: black is not at zero."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, (pixels / 127.5 - 1).astype(np.float32), photometric="rgb")
    return stream.getvalue()


DAMAGE: dict[str, Callable[[np.ndarray, np.random.Generator], bytes]] = {
    "empty.jpg": _bytes(b""),
    "one byte.png": _bytes(b"\x89"),
    "zeros.tif": _bytes(bytes(5000)),
    "noise.jpg": lambda pixels, rng: rng.bytes(5000),
    "text.png": _bytes(b"no photograph"),
    "page.jpg": _bytes(b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
    "archive.png": _bytes(b"PK\x03\x04" + bytes(300)),
    "negative.tif": _negative,
    "cut.png": _cut("PNG"),
    "cut.jpg": _cut("JPEG"),
    "cut.tif": _cut("TIFF"),
    "cut.bmp": _cut("BMP"),
    "cut.gif": _cut("GIF"),
    "cut.ppm": _cut("PPM"),
    "cut.webp": _cut("WEBP"),
    "zeroed.png": _zeroed,
    "flipped.png": _flipped,
    "header only.png": lambda pixels, rng: encoded(pixels, "PNG")[:33],
    "header only.jpg": lambda pixels, rng: encoded(pixels, "JPEG")[:200],
    "huge.png": _bytes(_png_of_size(60000, 60000)),
    "long.png": _bytes(_png_of_size(2_000_000_000, 1)),
    "no pixels.png": _bytes(_png_of_size(0, 5)),
    "huge.bmp": _bytes(
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 50000, 50000, 1, 24, 0, 0, 0, 0, 0, 0)
    ),
    "huge.ppm": _bytes(b"P6 40000 40000 255\n" + bytes(99)),
    "lost directory.tif": _tiff_tag(offset_of_data=False),
    "lost strips.tif": _tiff_tag(offset_of_data=True),
    "black.png": _plain(0),
    "white.png": _plain(255),
    "specks.png": _specks,
    "broken.nii.gz": _bytes(b"\x1f\x8b\x08\0" + bytes(50)),
}


def _write_bad(folder: Path, number: int, pixels: np.ndarray, rng: np.random.Generator) -> str:
    kinds = list(DAMAGE)
    kind = kinds[number % len(kinds)]
    file = f"damaged {number % 4}/{number} {kind}"
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(DAMAGE[kind](pixels, rng))
    return file


def add_special_files(folder: Path) -> list[str]:
    """Broken and circular links, a named pipe, an undecodable name; returns those that are listed in the report."""
    (folder / "dangling.png").symlink_to(folder / "nowhere.png")
    (folder / "circle").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.jpg")
    (folder / os.fsdecode(b"no text \xff\xfe.png")).write_bytes(b"x")
    return ["dangling.png", "pipe.jpg", "no text \\xff\\xfe.png"]


def add_other_files(folder: Path) -> list[str]:
    """What systems and people leave in folders, and the results of an earlier run; returns the former."""
    others = ["Thumbs.db", "left eye/desktop.ini", "readme.txt", "DICOMDIR", "left eye/list.csv"]
    for name in others:
        (folder / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    earlier = folder / "earlier results"
    (earlier / ".journal").mkdir(parents=True)
    outputs = {"1_mask.png": 1, "1_overlay.png": 1}
    record = {"file": "1.jpg", "status": "done", "fingerprint": "", "outputs": outputs}
    (earlier / ".journal" / "process_0.jsonl").write_text(json.dumps(record) + "\n")
    for name in (*outputs, "report.csv", "report.html", "log.txt"):
        (earlier / name).write_bytes(b"x")
    return others


if __name__ == "__main__":
    print(*map(len, make_hostile_folder(Path(sys.argv[1]))), len(add_special_files(Path(sys.argv[1]))))
