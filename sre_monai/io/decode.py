"""Image files of any format as Pillow images: by Pillow, or by another library where it can't."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError

from sre_monai.io.dicom import is_dicom, read_dicom

__all__ = ["MAX_PIXELS", "decode_image", "deep_to_bytes", "image_from_array"]

MAX_PIXELS = 100_000_000
"""Images with more pixels are refused: a few damaged bytes in a header could request any amount of memory."""

BITS_PER_SAMPLE, PLANAR_CONFIGURATION = 258, 284  # tags of TIFF
TIFF_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")  # its object identifier, 1.2.840.113549.1.7.3
NIFTI_EXTENSIONS = (".nii", ".nii.gz")
MULTIPAGE_NOTE = "the first of several pages was read"


def decode_image(
    path: str | os.PathLike[str] | Image.Image, convert: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """Decode the first page of an image file, or the current frame of an image of Pillow.

    Args:
        path: the file, of any format that Pillow, tifffile or nibabel reads, or a DICOM photograph (see
            `sre_monai.io.dicom`; needs the extra ``dicom``); or the image.
        convert: converts the pixels to the desired form, while the file is open.

    Returns:
        The converted image. Its ``info["note"]`` tells when there were further pages, frames or slices. That of DICOM
        photographs has more: see `sre_monai.io.dicom.read_dicom`.

    Raises:
        FileNotFoundError: when there is no such file.
        Exception: of whatever kind, when the file can't be decoded; the message says why.

    Examples:
        >>> decode_image("docs/sample/eye_565x584.png", lambda image: image.convert("L")).size
        (565, 584)
    """
    if isinstance(path, Image.Image):
        return _convert_open(path, convert)
    if not Path(path).is_file():
        if Path(path).exists():
            raise ValueError("it is not a regular file")
        raise FileNotFoundError(f"{path}: there is no such file, or it is a broken link.")
    if str(path).lower().endswith(NIFTI_EXTENSIONS):
        image, several = _read_nifti(path)
        return _note(convert(image), several)
    if is_dicom(path):
        values, known = read_dicom(path, max_pixels=MAX_PIXELS)
        image = convert(_image(values, "DICOM"))
        image.info.update(known)
        return image
    try:
        with Image.open(path) as image:
            _check_size(image.size)
            if not _has_deep_planes(image):
                several = bool(getattr(image, "is_animated", False))
                image.seek(0)
                image.load()
                return _note(convert(image), several)
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"its header asks for more than the {MAX_PIXELS / 1e6:.0f} million pixels allowed: {error}"
        ) from None
    except UnidentifiedImageError:
        if not _begins_as_tiff(path):
            reason = "it is encrypted" if _begins_as_envelope(path) else "its image format is not known"
            raise ValueError(reason) from None
    image, several = _read_tiff(path)
    return _note(convert(image), several)


def image_from_array(values: np.ndarray) -> Image.Image:
    """Make an image of an array.

    Args:
        values: shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): grey, RGB or RGBA, whose last channel is dropped. What
            is not uint8 is scaled by its own maximum.

    Returns:
        The image, grey or RGB.

    Raises:
        ValueError: for an array of another shape, without pixels, or not of numbers.

    Examples:
        >>> image_from_array(np.zeros((3, 4, 3), np.uint8)).size
        (4, 3)
    """
    channels = values.shape[2:]
    if values.size == 0 or values.ndim < 2 or channels not in ((), (1,), (3,), (4,)):
        raise ValueError(f"an array of shape (H, W), (H, W, 3) or (H, W, 4) is expected, got {values.shape}.")
    return _image(values, "array")


def deep_to_bytes(values: np.ndarray) -> Image.Image:
    """Scale an array of any depth by its own maximum to 8 bits.

    Args:
        values: shape (H, W) or (H, W, 3); what is below zero, or not a number, becomes zero.

    Returns:
        The image, grey or RGB.

    Examples:
        >>> np.asarray(deep_to_bytes(np.array([[0, 4095]]))).tolist()
        [[0, 255]]
    """
    scaled = np.nan_to_num(values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64), posinf=0.0)
    scaled *= 255 / max(float(scaled.max()), 1e-12)
    return Image.fromarray(np.rint(scaled.clip(0)).astype(np.uint8))


def _convert_open(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Convert the current frame of an image of Pillow."""
    _check_size(image.size)
    if _has_deep_planes(image):
        raise ValueError("Pillow can't read TIFF files with several planes of 16 bit; give the path of the file")
    image.load()
    return convert(image)


def _note(image: Image.Image, several: bool) -> Image.Image:
    if several:
        image.info["note"] = MULTIPAGE_NOTE
    return image


def _check_size(size: tuple[int, ...]) -> None:
    if np.prod(size, dtype=float) > MAX_PIXELS:
        raise ValueError(f"{size[0]}×{size[1]} pixels are more than the {MAX_PIXELS / 1e6:.0f} million pixels allowed")


def _begins_as_tiff(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as stream:
        return stream.read(4) in TIFF_BEGINNINGS


def _begins_as_envelope(path: str | os.PathLike[str]) -> bool:
    """Whether this is an encrypted message (CMS, RFC 5652), as DICOM's secure files are."""
    with open(path, "rb") as stream:
        return ENVELOPED_DATA in stream.read(32)


def _has_deep_planes(image: Image.Image) -> bool:
    """Whether this is a TIFF of more than 8 bits with a plane for each channel, which Pillow reads as noise."""
    tags = getattr(image, "tag_v2", {})
    return tags.get(PLANAR_CONFIGURATION) == 2 and max(np.atleast_1d(tags.get(BITS_PER_SAMPLE, 8))) > 8


def _read_tiff(path: str | os.PathLike[str]) -> tuple[Image.Image, bool]:
    """Read the first page of a TIFF file that Pillow doesn't know."""
    with tifffile.TiffFile(path) as file:
        if not file.pages:
            raise ValueError("it has no pages: the file is damaged or incomplete")
        page = file.pages.first
        _check_size((page.imagewidth, page.imagelength))
        several = len(file.pages) > 1
        values = np.asarray(page.asarray())
        if page.axes.startswith("S"):  # one plane per channel
            values = np.moveaxis(values, 0, -1)
    return _image(values, page.axes), several


def _read_nifti(path: str | os.PathLike[str]) -> tuple[Image.Image, bool]:
    """Read a NIfTI file: (W, H) grey, (W, H, 3) or (W, H, 1, 3) colours, RGB voxels; the first slice of several."""
    file: Any = nibabel.load(path)
    shape = file.shape
    if len(shape) < 2:
        raise ValueError(f"an array of shape {shape} is not an image")
    _check_size(shape[:2])
    colours = shape[-1] in (3, 4) and len(shape) > 2 and (len(shape) == 3 or shape[2] == 1)
    leading = len(shape) - (1 if colours else 0) - 2
    several = any(n > 1 for n in shape[2 : 2 + leading])
    values = np.asanyarray(file.dataobj[(slice(None), slice(None)) + (0,) * leading])
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    return _image(values.swapaxes(0, 1), "nifti"), several


def _image(values: np.ndarray, what: str) -> Image.Image:
    """Make a grey or RGB image of an array (H, W[, channels]), dropping an alpha channel."""
    if values.ndim == 3:
        values = values[..., :3] if values.shape[-1] >= 3 else values[..., 0]
    if values.ndim not in (2, 3) or values.dtype.kind not in "uifb":
        raise ValueError(f"pixels of shape {values.shape} and type {values.dtype} ({what}) are not an image")
    values = np.ascontiguousarray(values)
    return Image.fromarray(values) if values.dtype == np.uint8 else deep_to_bytes(values)
