"""JPEG compression as an augmentation: cameras and archives compress images."""

from __future__ import annotations

import io
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import convert_to_dst_type, convert_to_numpy
from PIL import Image


def compress_jpeg(image: torch.Tensor, quality: int) -> torch.Tensor:
    """Compress an image as JPEG does and decode it again.

    Its range is mapped to the 256 values of a JPEG file and back. Colour is stored at half the resolution, as usual.

    Args:
        image: shape (1, W, H) for grey or (3, W, H) for RGB, any range of values.
        quality: 1 (worst) to 95 (best), as Pillow defines it.

    Returns:
        The same shape, type and range, with the artefacts.

    Raises:
        ValueError: when the quality or the number of channels is another.

    Examples:
        >>> compress_jpeg(torch.randn(3, 32, 24), quality=50).shape
        torch.Size([3, 32, 24])
    """
    if not 1 <= quality <= 95:
        raise ValueError(f"quality must be between 1 and 95, got {quality}.")
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(f"image must have shape (1 or 3, W, H), got {tuple(image.shape)}.")
    pixels = convert_to_numpy(image).astype(np.float64)
    lowest = pixels.min()
    step = (pixels.max() - lowest) / 255
    if step == 0:
        return image
    levels = np.rint((pixels - lowest) / step).astype(np.uint8).T  # (H, W, channels), as Pillow has it
    file = io.BytesIO()
    Image.fromarray(levels.squeeze(2) if levels.shape[2] == 1 else levels).save(file, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(file)).reshape(levels.shape).T
    return convert_to_dst_type(decoded * step + lowest, image)[0]  # type: ignore[no-any-return]


class RandJPEGd(RandomizableTransform, MapTransform):
    """Compress images at random as JPEG does, with its blocks and blurred colour.

    Args:
        keys: keys of the images, shape (1, W, H) or (3, W, H), any range of values.
        quality: lowest and highest quality to draw from, 1 (worst) to 95 (best).
        prob: probability of compressing.
        allow_missing_keys: skip images that are not there.

    Raises:
        ValueError: when the qualities are not ascending within 1–95.

    Examples:
        >>> RandJPEGd("image", prob=1.0)({"image": torch.randn(3, 32, 24)})["image"].shape
        torch.Size([3, 32, 24])
    """

    def __init__(
        self,
        keys: KeysCollection,
        quality: tuple[int, int] = (30, 90),
        prob: float = 0.1,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, prob)
        lowest, highest = quality
        if not 1 <= lowest <= highest <= 95:
            raise ValueError(f"quality must be two ascending numbers between 1 and 95, got {tuple(quality)}.")
        self.quality = (lowest, highest)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data, with all images compressed at one quality or none."""
        d = dict(data)
        self.randomize(None)
        if self._do_transform:
            lowest, highest = self.quality
            quality = int(self.R.randint(lowest, highest + 1))
            for key in self.key_iterator(d):
                d[key] = compress_jpeg(d[key], quality)
        return d
