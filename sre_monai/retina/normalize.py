"""Intensity normalisation by the retina alone, without the dark border around it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_numpy, convert_to_tensor
from PIL import Image

from sre_monai.retina.field_of_view import get_field_of_view


class NormalizeInsideFieldOfViewd(MapTransform):
    """Give every channel zero mean and unit standard deviation inside the field of view, and zero outside.

    The border becomes the retina's mean, so that there is no step at the rim. Global statistics have no
    direction; they are taken in float64, where the order of the pixels is lost in rounding to float32.

    Args:
        keys: keys of the images, shape (C, W, H). The result is float32 and keeps the metadata.
        fov_key: key of the field of view, non-zero inside; see `FieldOfViewd`.
        allow_missing_keys: skip images that are not there.

    Raises:
        ValueError: when the field of view is missing, empty or not the image's size.

    Examples:
        >>> image, fov = torch.tensor([[[1.0, 3.0, 9.0]]]), torch.tensor([[[1, 1, 0]]])
        >>> NormalizeInsideFieldOfViewd("image")({"image": image, "fov": fov})["image"]
        tensor([[[-1.,  1.,  0.]]])
    """

    def __init__(self, keys: KeysCollection, fov_key: str = "fov", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fov_key = fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with normalised images."""
        d = dict(data)
        for key in self.key_iterator(d):
            image = convert_to_tensor(d[key])
            fov = get_field_of_view(d, key, self.fov_key).to(image.device)
            d[key] = convert_to_dst_type(_normalize(image, fov), d[key], dtype=torch.float32)[0]
        return d


def _normalize(image: torch.Tensor, fov: torch.Tensor) -> torch.Tensor:
    """Normalise each channel; a constant one becomes zero."""
    if image.dtype == torch.uint8:
        return _normalize_bytes(image, fov)
    inside = image[:, fov[0]].double()
    mean = inside.mean(dim=1)[:, None, None]
    std = inside.std(dim=1, correction=0)[:, None, None]
    varies = (inside.amax(dim=1) > inside.amin(dim=1))[:, None, None]
    return torch.where(fov & varies, (image - mean) / std, 0.0)


def _normalize_bytes(image: torch.Tensor, fov: torch.Tensor) -> torch.Tensor:
    """The same by counting: of bytes there are only 256. Pillow counts faster than NumPy."""
    values, inside = np.arange(256.0), convert_to_numpy(fov[0])
    result = np.zeros(image.shape, np.float32)
    for channel, out in zip(convert_to_numpy(image), result):
        count = np.array(Image.fromarray(channel).histogram(Image.fromarray(inside.view(np.uint8))))
        mean = (count * values).sum() / count.sum()
        std = np.sqrt((count * (values - mean) ** 2).sum() / count.sum())
        if std > 0:
            np.take(((values - mean) / std).astype(np.float32), channel, out=out, mode="clip")
            out *= inside
    return torch.from_numpy(result).to(image.device)
