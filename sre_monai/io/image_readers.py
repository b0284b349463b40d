"""Readers for MONAI's ``LoadImage``: images of any kind as RGB, masks of any kind as 0 and 1."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import PILReader
from monai.utils import ensure_tuple
from PIL import Image

from sre_monai.io.decode import decode_image, deep_to_bytes
from sre_monai.io.dicom import is_dicom
from sre_monai.io.files import EXIF_ORIENTATION

__all__ = ["IMAGE_EXTENSIONS", "BinaryMaskReader", "RGBReader"]

IMAGE_EXTENSIONS = (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""File name extensions of images, in lower case."""

DEEP_MODES = ("I", "F")  # Pillow's pixels of more than 8 bits; "I;16" and its variants start with "I"


class _DecodingReader(PILReader):
    """A PILReader that decodes files at once and completely, and names the file in every error."""

    def __init__(self, converter: Callable[[Image.Image], Image.Image]) -> None:
        super().__init__(reverse_indexing=False)  # `_decode` does it
        self.convert = converter

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> list[PathLike]:  # type: ignore[override]
        """Keep the names: `LoadImage` would hide an error raised here and try other readers on the damaged file."""
        return list(ensure_tuple(data))

    def _get_meta_dict(self, img: Image.Image) -> dict:
        """Add what the results and the report need."""
        return {
            **super()._get_meta_dict(img),
            "width": img.height,
            "height": img.width,
            "exif_orientation": img.getexif().get(EXIF_ORIENTATION, 1),
            "note": img.info.get("note", ""),
            "laterality": img.info.get("laterality", ""),
            "acquisition_date": img.info.get("acquisition_date", ""),
            **{name: img.info[name] for name in ("um_per_pixel",) if name in img.info},  # only where it is known
        }

    def _get_spatial_shape(self, img: Image.Image) -> np.ndarray:
        return np.asarray((img.height, img.width))

    def get_data(self, img: Sequence[PathLike]) -> tuple[np.ndarray, dict]:
        """Decode and convert the files, and return the array (W, H, …) with its metadata."""
        array, meta = super().get_data([self._decode(name) for name in img])
        return np.require(array, requirements="W"), meta

    def _decode(self, source: PathLike | Image.Image) -> Image.Image:
        """Decode an image, with its axes swapped: Pillow does that five times as fast as NumPy would do it later."""
        name = "photograph" if isinstance(source, Image.Image) else source
        try:
            return decode_image(source, self.convert).transpose(Image.Transpose.TRANSPOSE)
        except FileNotFoundError:
            raise
        except ImportError as error:
            raise ValueError(f"{name}: {error}") from None
        except Exception as error:  # Pillow raises OSError, SyntaxError, EOFError, struct.error … for damaged files
            raise ValueError(
                f"{name} cannot be read as an image ({error}): a complete file in a format such as PNG, JPEG, TIFF "
                "or DICOM is expected; replace the file or leave it out."
            ) from None


class RGBReader(_DecodingReader):
    """Read images as RGB.

    For ``LoadImage(reader=RGBReader())``. Any format and colour mode that Pillow reads, TIFF files that it doesn't
    (floating point, several planes of 16 bit …), NIfTI and DICOM photographs become an array of shape (W, H, 3) with
    values 0–255: grey, palette, CMYK and 1-bit images are converted, an alpha channel is dropped, images of more than
    8 bits are scaled by its own maximum. Of a file with several pages, frames or slices the first is read, and the
    metadata have a ``note`` of it. The pixels are those of ``numpy.asarray(PIL.Image.open(file))``: an EXIF orientation
    is not applied (except to TIFF files, by Pillow itself), but kept in the metadata as ``exif_orientation``. Metadata
    of DICOM photographs are ``laterality`` and ``acquisition_date``, empty where unknown, and ``um_per_pixel`` in µm,
    missing where unknown.

    With ``LoadImage(expanduser=False)``, images of Pillow are read as well as files: the frame that is open.

    Args:
        dicom_only: refuse everything else.

    Raises:
        ValueError: naming the file, when it is damaged, truncated, not an image, not a regular file, larger than 100
            million pixels, or DICOM without the extra ``dicom`` installed.
        FileNotFoundError: when there is no such file.

    Examples:
        >>> from monai.transforms import LoadImage
        >>> LoadImage(reader=RGBReader())("docs/sample/eye_565x584.png").shape
        torch.Size([565, 584, 3])
    """

    def __init__(self, dicom_only: bool = False) -> None:
        super().__init__(converter=_to_rgb)
        self.dicom_only = dicom_only

    def _decode(self, source: PathLike | Image.Image) -> Image.Image:
        if self.dicom_only and (isinstance(source, Image.Image) or (os.path.isfile(source) and not is_dicom(source))):
            raise ValueError(f"{source} is not DICOM, and results as .dcm have to refer to DICOM: use .png or .nii.gz.")
        return super()._decode(source)


class BinaryMaskReader(_DecodingReader):
    """Read masks as 0 and 1.

    For ``LoadImage(reader=BinaryMaskReader())``. Any image becomes an array of shape (W, H): one where the grey value,
    the palette index or any colour channel is above zero, whatever the value used for the foreground (1, 255, …);
    an alpha channel is left out.

    Raises:
        ValueError: naming the file, when it is damaged, truncated, not an image, not a regular file, or larger than
            100 million pixels.
        FileNotFoundError: when there is no such file.

    Examples:
        >>> from monai.transforms import LoadImage
        >>> LoadImage(reader=BinaryMaskReader())("docs/sample/eye_565x584.png").shape
        torch.Size([565, 584])
    """

    def __init__(self) -> None:
        super().__init__(converter=_to_binary)


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any image to 8-bit RGB."""
    if image.mode.startswith(DEEP_MODES):
        deep = deep_to_bytes(np.asarray(image))
        deep.info.update(image.info)
        image = deep
    return image.convert("RGB")


def _to_binary(image: Image.Image) -> Image.Image:
    """Convert any image to an 8-bit one of 0 and 1."""
    values = np.atleast_3d(np.asarray(image))
    opaque = [band != "A" for band in image.getbands()]
    return Image.fromarray((values[..., opaque] > 0).any(axis=-1).astype(np.uint8))
