"""Resampling to a common spacing on a grid about the volume's centre."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, cast

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.transforms import InvertibleTransform, MapTransform
from monai.transforms.utils import scale_affine
from monai.utils import TraceKeys, convert_to_dst_type, convert_to_numpy, ensure_tuple_rep

from sre_monai.transforms.resample import resample, resample_labels

MODES = ("bilinear", "nearest")


class CentredSpacingd(MapTransform, InvertibleTransform):
    """Resample volumes to a spacing, on a grid with the same centre.

    MONAI's ``Spacingd`` begins at the first voxel, so that the grid of a mirrored volume is another one. Here the first
    and the last voxel are treated alike: turning or mirroring the array turns or mirrors the result, to float32
    precision. Linear interpolation after a Gaussian against aliasing, see ``sre_monai.transforms.resample``. Axes
    keep their directions and their order; those whose spacing is close enough are left as they are. MONAI's ``Invertd``
    maps a prediction back to the original grid and exact size.

    Args:
        keys: keys of volumes and label maps, MetaTensors of shape (C, X, Y, Z).
        spacing: of all axes, in mm. The number of voxels is rounded, so that it is kept to half a voxel over the whole
            axis.
        tolerance: relative difference from ``spacing`` up to which an axis is left as it is.
        mode: for each key or for all: ``"bilinear"`` for volumes, ``"nearest"`` for label maps: the class of the
            greatest weight.
        allow_missing_keys: skip keys that are not there, such as labels when predicting.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        >>> volume = MetaTensor(torch.rand(1, 20, 21, 22), affine=torch.diag(torch.tensor([0.5, 1.0, 2.0, 1.0])))
        >>> transform = CentredSpacingd("image")
        >>> data = transform({"image": volume})
        >>> data["image"].shape, transform.inverse(data)["image"].shape
        (torch.Size([1, 10, 21, 44]), torch.Size([1, 20, 21, 22]))
    """

    def __init__(
        self,
        keys: KeysCollection,
        spacing: float = 1.0,
        tolerance: float = 0.1,
        mode: str | list[str] | tuple[str, ...] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if spacing <= 0 or tolerance < 0:
            raise ValueError(
                f"spacing must be positive and tolerance must not be negative, got {spacing}, {tolerance}."
            )
        self.spacing = spacing
        self.tolerance = tolerance
        self.mode = ensure_tuple_rep(mode, len(self.keys))
        if not set(self.mode) <= set(MODES):
            raise ValueError(f"mode must be one of {MODES} for each key, got {mode!r}.")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data at the spacing."""
        d = dict(data)
        for key, mode in self.key_iterator(d, self.mode):
            x = d[key]
            old, new = tuple(x.shape[1:]), self._size(x)
            resampled = _resample(x, new, mode)
            if new != old:
                resampled.affine = x.affine @ torch.as_tensor(scale_affine(old, new), dtype=x.affine.dtype)
            d[key] = self.push_transform(resampled, orig_size=old, extra_info={"affine": x.affine})
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data on their original grids."""
        d = dict(data)
        for key, mode in self.key_iterator(d, self.mode):
            record = self.pop_transform(d[key], check=False)
            d[key] = _resample(d[key], tuple(record[TraceKeys.ORIG_SIZE]), mode, smooth=False)
            d[key].affine = record[TraceKeys.EXTRA_INFO]["affine"]
        return d

    def _size(self, x: MetaTensor) -> tuple[int, ...]:
        """Number of voxels along each axis at the spacing."""
        scales = np.asarray(affine_to_spacing(x.affine, dtype=np.float64)) / self.spacing
        scales[np.abs(scales - 1) <= self.tolerance] = 1
        return tuple(max(1, round(n * float(scale))) for n, scale in zip(x.shape[1:], scales, strict=True))


def _resample(x: MetaTensor, size: tuple[int, ...], mode: str, smooth: bool = True) -> MetaTensor:
    """Resample with the metadata kept; what has the size already stays as it is."""
    if tuple(x.shape[1:]) == size:
        return cast(MetaTensor, x.view_as(x))
    function = resample_labels if mode == "nearest" else resample
    return convert_to_dst_type(function(convert_to_numpy(x), size, smooth), x, dtype=torch.float32)[0]
