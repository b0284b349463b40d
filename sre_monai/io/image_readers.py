"""Readers for MONAI's ``LoadImage``: images of any kind as RGB, masks of any kind as 0 and 1."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import PILReader
from monai.utils import ensure_tuple
from PIL import Image

from sre_monai.io.decode import decode_image
from sre_monai.io.dicom import is_dicom

IMAGE_EXTENSIONS = (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""File name extensions of images, in lower case."""

KNOWN = ("note", "exif_orientation", "laterality", "acquisition_date", "um_per_pixel")
# Of a mask; one that was smoothed or saved as JPEG has more values, and greater ones
MOST_VALUES, GREATEST_CLASS = 4, 31


class _DecodingReader(PILReader):
    """A PILReader that decodes files at once and completely, and names the file in every error."""

    def __init__(self, converter: Callable[[Image.Image], Image.Image], truncated_images: bool = False) -> None:
        super().__init__(reverse_indexing=False)  # `_decode` does it
        self.convert = converter
        self.truncated_images = truncated_images

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> list[PathLike]:  # type: ignore[override]
        """Keep the names: `LoadImage` would hide an error raised here and try other readers on the damaged file."""
        return list(ensure_tuple(data))

    def _get_meta_dict(self, img: Image.Image) -> dict:
        """Add what the results and the report need; the size of a pixel only where it is known."""
        return {
            **super()._get_meta_dict(img),
            "width": img.height,
            "height": img.width,
            "laterality": "",
            "acquisition_date": "",
            **{name: img.info[name] for name in KNOWN if name in img.info},
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
            image = decode_image(source, self.convert, self.truncated_images)
            return image.transpose(Image.Transpose.TRANSPOSE)
        except FileNotFoundError:
            raise
        except ImportError as error:
            raise ValueError(f"{name}: {error}") from None
        except Exception as error:  # Pillow raises OSError, SyntaxError, EOFError, struct.error … for damaged files
            raise ValueError(
                f"{name} cannot be read as an image ({shorten(str(error), 300)}): a complete file in a format such as "
                "PNG, JPEG, TIFF or DICOM is expected; replace the file or leave it out."
            ) from None


class RGBReader(_DecodingReader):
    """Read images as RGB.

    For ``LoadImage(reader=RGBReader())``. Any format and colour mode that Pillow reads, TIFF files that it doesn't
    (floating point, several planes of 16 bit …), NIfTI and DICOM photographs become an array of shape (W, H, 3) with
    values 0–255: grey, palette, CMYK and 1-bit images are converted, wholly transparent pixels are black, images of
    more than 8 bits are scaled by the depth that they have (see `sre_monai.io.depth.white_level`). Of a TIFF file with
    several pages the largest is read, or three grey ones as red, green and blue; of other files with several frames or
    slices the first. The metadata have a ``note`` of all this. The pixels are those of
    ``numpy.asarray(PIL.Image.open(file))``: an EXIF orientation
    is not applied (except to TIFF files, by Pillow itself), but kept in the metadata as ``exif_orientation``. Metadata
    of DICOM photographs are ``laterality`` and ``acquisition_date``, empty where unknown, and ``um_per_pixel`` in µm,
    missing where unknown.

    With ``LoadImage(expanduser=False)``, images of Pillow are read as well as files: the frame that is open.

    Args:
        dicom_only: refuse everything else.
        truncated_images: read JPEG files that end early as far as they go.

    Raises:
        ValueError: naming the file, when it is damaged, truncated, not an image, not a regular file, larger than 100
            million pixels, or DICOM without the extra ``dicom`` installed.
        FileNotFoundError: when there is no such file.

    Examples:
        >>> from monai.transforms import LoadImage
        >>> LoadImage(reader=RGBReader())("docs/sample/eye_565x584.png").shape
        torch.Size([565, 584, 3])
    """

    def __init__(self, dicom_only: bool = False, truncated_images: bool = False) -> None:
        super().__init__(_to_rgb, truncated_images)
        self.dicom_only = dicom_only

    def _decode(self, source: PathLike | Image.Image) -> Image.Image:
        if self.dicom_only and (isinstance(source, Image.Image) or (os.path.isfile(source) and not is_dicom(source))):
            raise ValueError(f"{source} is not DICOM, and results as .dcm have to refer to DICOM: use .png or .nii.gz.")
        return super()._decode(source)


class BinaryMaskReader(_DecodingReader):
    """Read masks as 0 and 1.

    For ``LoadImage(reader=BinaryMaskReader())``. Any image becomes an array of shape (W, H): one where the grey value
    or any colour channel is above zero, whatever the value used for the foreground (1, 255, …). An image with more than
    four values up to beyond 31 is a mask that was smoothed or saved as JPEG: it is one from half of its greatest value
    on. Of a palette all but the darkest colour counts. An alpha channel is left out.

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
    """Convert any image to RGB, black where it is wholly transparent, unless all of it is."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("LA" if image.mode == "La" else image.mode).convert("RGBA")
    alpha, rgb = image.getchannel("A"), image.convert("RGB")
    if alpha.getbbox():
        rgb.paste((0, 0, 0), mask=alpha.point([255] + 255 * [0]))
    return rgb


def _to_binary(image: Image.Image) -> Image.Image:
    """Convert any image to one of 0 and 1."""
    if image.mode in ("P", "PA"):
        indices, first = np.unique(np.asarray(image.getchannel("P")), return_index=True)
        image, grey = image.getchannel("P"), image.convert("L")
        if len(indices) <= GREATEST_CLASS:
            background = indices[np.asarray(grey).ravel()[first].argmin()]
            return Image.fromarray((np.asarray(image) != background).astype(np.uint8))
        image = grey
    bands = [np.asarray(image.getchannel(band), np.uint8) for band in image.getbands() if band not in "Aa"]
    values = np.maximum.reduce(bands)
    greatest = int(values.max(initial=0))
    is_smooth = greatest > GREATEST_CLASS and np.count_nonzero(np.bincount(values.ravel())) > MOST_VALUES
    return Image.fromarray((values >= greatest / 2 if is_smooth else values > 0).astype(np.uint8))
