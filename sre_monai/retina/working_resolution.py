"""The working resolution: the scale at which vessels are as wide as those a network was trained on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, convert_to_dst_type, convert_to_numpy, convert_to_tensor, ensure_tuple_rep

from sre_monai.retina.field_of_view import check_size, field_of_view_diameter, get_field_of_view
from sre_monai.transforms.resample import resample, resample_labels

WORKING_DIAMETER = 912.0
"""Diameter of the field of view at which the default weights work, in pixels."""
MODES = ("bilinear", "nearest")


class WorkingResolutiond(MapTransform, InvertibleTransform):
    """Resample photographs so that their field of view has the diameter a network was trained at.

    Linear interpolation after a Gaussian against aliasing (`sre_monai.transforms.resample`), summed in float64, so that
    turning or mirroring the input turns the output to float32 precision. MONAI's ``Invertd`` maps a prediction back to
    the original grid and exact size::

        Invertd(keys="pred", transform=preprocessing, orig_keys="image", nearest_interp=False)

    Args:
        keys: keys of images and masks, shape (C, W, H).
        fov_key: key of the field of view which is measured, see `FieldOfViewd`; name it among ``keys`` to have it
            resampled as well.
        diameter: diameter of the field of view after resampling, in pixels; by default that of the default weights. 540
            is close to DRIVE's own.
        tolerance: relative difference from ``diameter`` up to which data are left as they are.
        enlarge: whether to enlarge a smaller field of view, too; otherwise it is left as it is.
        mode: for each key or for all: ``"bilinear"`` for images, ``"nearest"`` for masks and label maps: the class of
            the greatest weight, for a mask bilinear cut at one half. Picking the nearest pixel has ties, which break
            the symmetry.
        allow_missing_keys: skip keys that are not there, such as labels when predicting.

    Raises:
        ValueError: when an argument is out of range or the field of view is missing, empty or not the image's size.

    Examples:
        >>> x = torch.arange(-100, 100)
        >>> fov = (x[:, None] ** 2 + x**2 < 90**2)[None].float()
        >>> transform = WorkingResolutiond(["image", "fov"], diameter=90, mode=["bilinear", "nearest"])
        >>> data = transform({"image": fov * 255, "fov": fov})
        >>> data["fov"].shape, transform.inverse(data)["fov"].shape
        (torch.Size([1, 99, 99]), torch.Size([1, 200, 200]))
    """

    def __init__(
        self,
        keys: KeysCollection,
        fov_key: str = "fov",
        diameter: float = WORKING_DIAMETER,
        tolerance: float = 0.1,
        enlarge: bool = True,
        mode: str | list[str] | tuple[str, ...] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fov_key = fov_key
        self.diameter = diameter
        self.tolerance = tolerance
        self.enlarge = enlarge
        self.mode = ensure_tuple_rep(mode, len(self.keys))
        if diameter <= 0 or tolerance < 0:
            raise ValueError(
                f"diameter must be positive and tolerance must not be negative, got {diameter}, {tolerance}."
            )
        if not set(self.mode) <= set(MODES):
            raise ValueError(f"mode must be one of {MODES} for each key, got {mode!r}.")

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data at the working resolution."""
        d = dict(data)
        fov: torch.Tensor | None = None
        for key, mode in self.key_iterator(d, self.mode):
            if fov is None:
                fov = get_field_of_view(d, key, self.fov_key)
                size = self._size(fov)
            check_size(data[self.fov_key], d[key])
            x = convert_to_tensor(d[key], track_meta=get_track_meta())
            record = {"affine": x.affine} if isinstance(x, MetaTensor) else {}
            d[key] = self.push_transform(_resample(x, size, mode), orig_size=tuple(x.shape[1:]), extra_info=record)
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data on their original grids."""
        d = dict(data)
        for key, mode in self.key_iterator(d, self.mode):
            # the record counts, whether or not this object is the one that made it
            record = self.pop_transform(d[key], check=False)
            d[key] = _resample(d[key], record[TraceKeys.ORIG_SIZE], mode, smooth=False)
            d[key].affine = record[TraceKeys.EXTRA_INFO]["affine"]
        return d

    def _size(self, fov: torch.Tensor) -> tuple[int, int]:
        """Size (W, H) at the working resolution."""
        scale = self.diameter / field_of_view_diameter(fov)
        if abs(1 / scale - 1) <= self.tolerance or (scale > 1 and not self.enlarge):
            scale = 1.0
        width, height = (max(1, round(n * scale)) for n in fov.shape[1:])
        return width, height


def _resample(x: torch.Tensor, size: tuple[int, int], mode: str, smooth: bool = True) -> torch.Tensor:
    """Resample with the metadata kept; what has the size already stays as it is."""
    if tuple(x.shape[1:]) == tuple(size):
        return x.view_as(x)
    function = resample_labels if mode == "nearest" else resample
    return convert_to_dst_type(function(convert_to_numpy(x), size, smooth), x, dtype=torch.float32)[0]
