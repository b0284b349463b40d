"""Image files of any format as Pillow images of 8 bits: by Pillow, or by another library where it can't."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from PIL import Image, UnidentifiedImageError

from sre_monai.io.deep_tiff import MAX_PIXELS, MULTIPAGE_NOTE, check_size, read_tiff
from sre_monai.io.depth import check_array, image_of
from sre_monai.io.dicom import is_dicom, read_dicom
from sre_monai.io.pages import pages_of, read_pages

TIFF_BEGINNINGS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")  # its object identifier, 1.2.840.113549.1.7.3
NIFTI_EXTENSIONS = (".nii", ".nii.gz")


def decode_image(
    source: str | os.PathLike[str] | Image.Image,
    convert: Callable[[Image.Image], Image.Image],
    truncated_images: bool = False,
) -> Image.Image:
    """Decode an image file, or the current frame of an image of Pillow.

    Of a TIFF file with several pages the largest is read, or three grey ones as red, green and blue; of other files
    with several frames or slices the first.

    Args:
        source: the file, of any format that Pillow, tifffile or nibabel reads, or a DICOM photograph (see
            `sre_monai.io.dicom`; needs the extra ``dicom``); or the image.
        convert: converts the pixels to the desired form. They have 8 bits: those of more are scaled, see
            `sre_monai.io.depth.white_level`.
        truncated_images: whether to read a JPEG file that ends early as far as it goes.

    Returns:
        The converted image. In its ``info`` are ``note``, what a reader of the result should know of the file,
        ``exif_orientation``, 1–8, and what DICOM photographs tell of themselves, see `sre_monai.io.dicom.read_dicom`.

    Raises:
        FileNotFoundError: when there is no such file.
        Exception: of whatever kind, when the file can't be decoded; the message says why.

    Examples:
        >>> decode_image("docs/sample/eye_565x584.png", lambda image: image.convert("L")).size
        (565, 584)
    """
    notes: list[str] = []
    known: dict[Any, Any] = {"exif_orientation": 1}
    if isinstance(source, Image.Image):
        image = read_pages(source, [source.tell()], truncated_images, notes, known)
        notes += [str(image.info["note"])] if image.format is None and "note" in image.info else []  # of an array
    else:
        image = _read_file(Path(source), truncated_images, notes, known)
    converted = convert(image)
    converted.info = {**known, "note": "; ".join(notes)}  # nothing that the file calls by these names
    return converted


def image_from_array(values: np.ndarray) -> Image.Image:
    """Make an image of an array.

    Args:
        values: shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): grey, RGB or RGBA. uint8; uint16, scaled by the depth
            that the values have (see `sre_monai.io.depth.white_level`); or of another type in 0–255, or in 0–1 if
            floating point.

    Returns:
        The image, of 8 bits.

    Raises:
        ValueError: for an array of another shape, without pixels, or of other values.

    Examples:
        >>> image_from_array(np.zeros((3, 4, 3), np.uint8)).size
        (4, 3)
    """
    if values.size == 0 or values.ndim < 2 or values.shape[2:] not in ((), (1,), (3,), (4,)):
        raise ValueError(f"an array of shape (H, W), (H, W, 3) or (H, W, 4) is expected, got {values.shape}.")
    check_array(values)
    notes: list[str] = []
    image = image_of(values, notes)
    image.info["note"] = "; ".join(notes)
    return image


def _read_file(path: Path, truncated_images: bool, notes: list[str], known: dict[str, Any]) -> Image.Image:
    """Read a file, and add to the notes and to what is known of it."""
    if not path.is_file():
        if path.exists():
            raise ValueError("it is not a regular file")
        raise FileNotFoundError(f"{path}: there is no such file, or it is a broken link.")
    if path.name.lower().endswith(NIFTI_EXTENSIONS):
        return _read_nifti(path, notes)
    if is_dicom(path):
        values, told = read_dicom(path, max_pixels=MAX_PIXELS)
        notes += filter(None, [told["note"]])
        known |= told
        return Image.fromarray(values)
    try:
        with Image.open(path) as image:
            check_size(image.size)
            pages = pages_of(image, notes)
            if pages:
                return read_pages(image, pages, truncated_images, notes, known)
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"its header asks for more than the {MAX_PIXELS / 1e6:.0f} million pixels allowed: {error}"
        ) from None
    except UnidentifiedImageError:
        if not _begins_as_tiff(path):
            reason = "it is encrypted" if _begins_as_envelope(path) else "its image format is not known"
            raise ValueError(reason) from None
    return read_tiff(path, notes)


def _begins_as_tiff(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as stream:
        return stream.read(4) in TIFF_BEGINNINGS


def _begins_as_envelope(path: str | os.PathLike[str]) -> bool:
    """Whether this is an encrypted message (CMS, RFC 5652), as DICOM's secure files are."""
    with open(path, "rb") as stream:
        return ENVELOPED_DATA in stream.read(32)


def _read_nifti(path: Path, notes: list[str]) -> Image.Image:
    """Read a NIfTI file: (W, H) grey, (W, H, 3) or (W, H, 1, 3) colours, RGB voxels; the first slice of several."""
    file: Any = nibabel.load(path)
    shape = file.shape
    if len(shape) < 2:
        raise ValueError(f"an array of shape {shape} is not an image")
    check_size(shape[:2])
    colours = shape[-1] in (3, 4) and len(shape) > 2 and (len(shape) == 3 or shape[2] == 1)
    leading = len(shape) - (1 if colours else 0) - 2
    notes += [MULTIPAGE_NOTE] * any(n > 1 for n in shape[2 : 2 + leading])
    values = np.asanyarray(file.dataobj[(slice(None), slice(None)) + (0,) * leading])
    if values.dtype.names:
        values = np.stack([values[name] for name in values.dtype.names[:3]], axis=-1)
    return image_of(values.swapaxes(0, 1), notes)
