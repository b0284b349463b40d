"""Readers for MONAI's ``LoadImage``: fundus photographs of any kind as RGB, masks of any kind as 0 and 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import PILReader
from monai.utils import ensure_tuple
from PIL import Image

from sre_monai.files import EXIF_ORIENTATION

__all__ = ["IMAGE_EXTENSIONS", "BinaryMaskReader", "FundusReader"]

IMAGE_EXTENSIONS = (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""File name extensions of photographs, in lower case."""

DEEP_MODES = ("I", "F")  # Pillow's pixels of more than 8 bits; "I;16" and its kin start alike


class _DecodingReader(PILReader):
    """A PILReader that decodes files at once and completely, and names the file in every error."""

    def __init__(self, converter: Callable[[Image.Image], Image.Image]) -> None:
        super().__init__()
        self.convert = converter

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> list[PathLike]:  # type: ignore[override]
        """Keep the names: `LoadImage` would hide an error raised here and try other readers on the damaged file."""
        return list(ensure_tuple(data))

    def _get_meta_dict(self, img: Image.Image) -> dict:
        """Note the EXIF orientation, for results to carry it over."""
        return {**super()._get_meta_dict(img), "exif_orientation": img.getexif().get(EXIF_ORIENTATION, 1)}

    def get_data(self, img: Sequence[PathLike]) -> tuple[np.ndarray, dict]:
        """Decode and convert the files, and return the array (W, H, …) with its metadata."""
        return super().get_data([_decode(name, self.convert) for name in img])


class FundusReader(_DecodingReader):
    """Read fundus photographs as RGB.

    For ``LoadImage(reader=FundusReader())``. Any format and colour mode that Pillow reads becomes an array of shape
    (W, H, 3) with values 0–255: grey, palette, CMYK and 1-bit images are converted, an alpha channel is dropped, grey
    images of more than 8 bits are scaled by their own maximum. Of a file with several pages or frames the first is
    read. The pixels are those of ``numpy.asarray(PIL.Image.open(file))``: an EXIF orientation is not applied (except to
    TIFF files, by Pillow itself).

    Raises:
        ValueError: naming the file, when it is no image, damaged, truncated, or so large that Pillow takes it for a
            decompression bomb.
        FileNotFoundError: when there is no such file.

    Examples:
        >>> from monai.transforms import LoadImage
        >>> LoadImage(reader=FundusReader())("docs/sample/eye_565x584.png").shape
        torch.Size([565, 584, 3])
    """

    def __init__(self) -> None:
        super().__init__(converter=_to_rgb)


class BinaryMaskReader(_DecodingReader):
    """Read vessel labels and fields of view as 0 and 1.

    For ``LoadImage(reader=BinaryMaskReader())``. Any image becomes an array of shape (W, H): one where the grey value,
    the palette index or any colour channel is above zero, whatever the value used for the foreground (1, 255, …);
    an alpha channel is left out.

    Raises:
        ValueError: naming the file, when it is no image, damaged, truncated, or so large that Pillow takes it for a
            decompression bomb.
        FileNotFoundError: when there is no such file.

    Examples:
        >>> from monai.transforms import LoadImage
        >>> LoadImage(reader=BinaryMaskReader())("docs/sample/eye_565x584.png").shape
        torch.Size([565, 584])
    """

    def __init__(self) -> None:
        super().__init__(converter=_to_binary)


def _decode(name: PathLike, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Open, decode and convert one file."""
    try:
        with Image.open(name) as image:
            image.load()
            return convert(image)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, EOFError, struct.error … for damaged files
        raise ValueError(
            f"{name} cannot be read as an image ({error}): a complete file in a format such as PNG, JPEG or TIFF is "
            "expected; replace the file or leave it out."
        ) from None


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert any image to 8-bit RGB."""
    if image.mode.startswith(DEEP_MODES):
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray(np.rint(255 * values.clip(0) / max(values.max(), 1e-12)).astype(np.uint8))
    return image.convert("RGB")


def _to_binary(image: Image.Image) -> Image.Image:
    """Convert any image to an 8-bit one of 0 and 1."""
    values = np.atleast_3d(np.asarray(image))
    opaque = [band != "A" for band in image.getbands()]
    return Image.fromarray((values[..., opaque] > 0).any(axis=-1).astype(np.uint8))
