"""Crop the dark border around the field of view."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, convert_to_dst_type, convert_to_numpy, convert_to_tensor

from sre_monai.retina.field_of_view import check_size, field_of_view_diameter, get_field_of_view


class CropToFieldOfViewd(MapTransform, InvertibleTransform):
    """Crop photographs to the bounding box of their field of view with a margin, so that a large border costs nothing.

    The crop is equivariant: the box has no preferred corner. MONAI's ``Invertd`` puts a prediction back in its place,
    with zeros around. (`monai.transforms.CropForeground` has margins in pixels only, whatever the size of the disc.)

    Args:
        keys: keys of images and masks, shape (C, W, H).
        fov_key: key of the field of view, see `FieldOfViewd`; name it among ``keys`` to have it cropped as well.
        margin: width of the margin as a fraction of the field of view's diameter. Photographs with less dark around
            stay as they are.
        allow_missing_keys: skip keys that are not there.

    Raises:
        ValueError: when the margin is negative, or the field of view is missing, empty or not the image's size.

    Examples:
        >>> fov = torch.zeros(1, 50, 40)
        >>> fov[:, 20:30, 10:20] = 1
        >>> CropToFieldOfViewd(["image", "fov"])({"image": torch.ones(3, 50, 40), "fov": fov})["image"].shape
        torch.Size([3, 12, 12])
    """

    def __init__(
        self, keys: KeysCollection, fov_key: str = "fov", margin: float = 0.1, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        if margin < 0:
            raise ValueError(f"margin must not be negative, got {margin}.")
        self.fov_key = fov_key
        self.margin = margin

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with cropped images."""
        d = dict(data)
        fov: torch.Tensor | None = None
        for key in self.key_iterator(d):
            if fov is None:
                fov = get_field_of_view(d, key, self.fov_key)
                box = self._box(fov)
            check_size(data[self.fov_key], d[key])
            x = convert_to_tensor(d[key], track_meta=get_track_meta())
            cropped = x[_slices(box)]
            if cropped.shape != x.shape:
                cropped = cropped.clone()  # a view would keep the whole in memory
            record = {"box": box} | ({"affine": x.affine} if isinstance(x, MetaTensor) else {})
            d[key] = self.push_transform(cropped, orig_size=tuple(x.shape[1:]), extra_info=record)
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the cropped part in its place, and zeros around."""
        d = dict(data)
        for key in self.key_iterator(d):
            record = self.pop_transform(d[key], check=False)
            x, extra = d[key], record[TraceKeys.EXTRA_INFO]
            if tuple(x.shape[1:]) != tuple(record[TraceKeys.ORIG_SIZE]):
                whole = torch.zeros(len(x), *record[TraceKeys.ORIG_SIZE], dtype=x.dtype, device=x.device)
                whole[_slices(extra["box"])] = convert_to_tensor(x)
                d[key] = convert_to_dst_type(whole, x)[0]
            d[key].affine = extra["affine"]
        return d

    def _box(self, fov: torch.Tensor) -> list[tuple[int, int]]:
        """First and last+1 pixel along each axis."""
        margin = round(self.margin * field_of_view_diameter(fov))
        box = []
        for axis, n in enumerate(fov.shape[1:]):
            inside = np.flatnonzero(convert_to_numpy(fov[0]).any(axis=1 - axis))
            box.append((max(0, int(inside[0]) - margin), min(n, int(inside[-1]) + 1 + margin)))
        return box


def _slices(box: Sequence[tuple[int, int]]) -> tuple[slice, ...]:
    """Slices of a box in all channels."""
    return (slice(None), *(slice(first, last) for first, last in box))
