"""Local contrast normalisation inside the field of view, against uneven illumination."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import convert_to_dst_type, convert_to_tensor
from scipy.ndimage import gaussian_filter

from sre_monai.retina.field_of_view import get_field_of_view
from sre_monai.transforms.resample import resample

CELLS = 64  # across the longer side of the field of view: mean and spread are smooth, a coarse grid holds them
FLOOR = 0.1  # of the average local spread: so that noise in uniform regions is not amplified


class LocalContrastNormalizationd(MapTransform):
    r"""Give every channel zero mean and unit standard deviation about each pixel, and zero outside the field of view.

    :math:`(x - \mu) / (\sigma + 0.1\,\bar\sigma)`, where :math:`\mu` and :math:`\sigma` are taken under a Gaussian
    window inside the field of view and :math:`\bar\sigma` is the mean of :math:`\sigma`. Photographs of other cameras,
    too dark or unevenly lit, come to look alike: what is left is how a pixel differs from its surroundings. The window
    is a fraction of the field of view's size, so the result doesn't depend on the resolution, and it is round, so it
    doesn't depend on the direction (unlike CLAHE, whose tiles are bound to the grid's corner).

    Args:
        keys: keys of the images, shape (C, W, H). The result is float32 and keeps the metadata.
        window: standard deviation of the window as a fraction of the longer side of the field of view.
        fov_key: key of the field of view, non-zero inside; see `FieldOfViewd`.
        allow_missing_keys: skip images that are not there.

    Raises:
        ValueError: when the window is not between 0 and 1, or the field of view is missing, empty or not the image's
            size.

    Examples:
        >>> ramp = torch.arange(64.0).expand(1, 64, 64)
        >>> even = LocalContrastNormalizationd("image")({"image": ramp, "fov": torch.ones_like(ramp)})["image"]
        >>> bool(even[0, 32, 32].abs() < 0.2)
        True

    References:
        Jarrett et al., "What is the best multi-stage architecture for object recognition?", ICCV 2009,
        https://doi.org/10.1109/ICCV.2009.5459469.
    """

    def __init__(
        self, keys: KeysCollection, window: float = 0.04, fov_key: str = "fov", allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if not 0 < window < 1:
            raise ValueError(f"window must be a part of the field of view between 0 and 1, got {window!r}.")
        self.window, self.fov_key = window, fov_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with normalised images."""
        d = dict(data)
        for key in self.key_iterator(d):
            image = convert_to_tensor(d[key], track_meta=False)
            fov = convert_to_tensor(get_field_of_view(d, key, self.fov_key), track_meta=False).to(image.device)
            d[key] = convert_to_dst_type(_normalize(image, fov, self.window), d[key], dtype=torch.float32)[0]
        return d


def _normalize(image: torch.Tensor, fov: torch.Tensor, window: float) -> torch.Tensor:
    """Normalise; sums are taken in float64, where the order of the pixels is lost in rounding to float32."""
    extent = max(int(fov[0].any(dim=axis).sum()) for axis in (0, 1))
    cell = max(1.0, extent / CELLS)
    width, height = image.shape[1:]
    grid = (max(1, round(width / cell)), max(1, round(height / cell)))
    inside = fov.double()

    def window_mean(x: torch.Tensor) -> np.ndarray:
        coarse = F.adaptive_avg_pool2d(x, grid).cpu().numpy()
        return gaussian_filter(coarse, window * extent / cell, axes=(1, 2), mode="constant")

    def enlarge(coarse: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(resample(coarse, (width, height), smooth=False)).to(image.device)

    def mean_inside(x: torch.Tensor) -> torch.Tensor:
        return (x * inside).sum(dim=(1, 2), keepdim=True) / inside.sum()

    x = (image - mean_inside(image)) * inside  # about zero, squares lose no digits
    weight = window_mean(inside).clip(np.finfo(np.float32).tiny)
    mean = window_mean(x) / weight
    spread = enlarge(np.sqrt((window_mean(x**2) / weight - mean**2).clip(0)))
    typical = mean_inside(spread).float()
    return torch.where(fov & (typical > 0), (x.float() - enlarge(mean)) / (spread + FLOOR * typical), 0.0)
