"""The working resolution: the scale at which vessels are as wide as those a network was trained on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Resize
from monai.utils import convert_to_dst_type, convert_to_numpy, ensure_tuple_rep
from scipy.ndimage import gaussian_filter

from sre_monai.transforms.field_of_view import field_of_view_diameter, get_field_of_view

__all__ = ["WorkingResolutiond"]

MODES = ("bilinear", "nearest")
HALF = 0.5 - 1e-6  # of a class's weight; ties fall to the mask in every orientation, whatever their rounding


class WorkingResolutiond(MapTransform, InvertibleTransform):
    """Resample photographs so that their field of view has the diameter a network was trained at.

    `monai.transforms.Resize` does the resampling, after a Gaussian against aliasing and in float64, so that turning or
    mirroring the input turns the output to float32 precision. MONAI's ``Invertd`` maps a prediction back to the
    original grid and exact size::

        Invertd(keys="pred", transform=preprocessing, orig_keys="image", nearest_interp=False)

    Args:
        keys: keys of images and masks, shape (C, W, H).
        fov_key: key of the field of view which is measured, see `FieldOfViewd`; name it among ``keys`` to have it
            resampled as well.
        diameter: diameter of the field of view after resampling, in pixels. 540 is close to DRIVE's own.
        tolerance: relative difference from ``diameter`` up to which data are left as they are.
        mode: for each key or for all: ``"bilinear"`` for images, ``"nearest"`` for binary masks: the class nearest by
            weight, that is bilinear cut at one half. Picking the nearest pixel has ties, which break the symmetry.
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
        diameter: float = 540.0,
        tolerance: float = 0.1,
        mode: str | list[str] | tuple[str, ...] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.fov_key = fov_key
        self.diameter = diameter
        self.tolerance = tolerance
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
        for key, mode in self.key_iterator(d, self.mode):
            # `data`, not `d`: the field of view itself may be resampled already
            size = self._size(get_field_of_view(data, key, self.fov_key))
            resize = Resize(size, mode="bilinear", align_corners=False, dtype=torch.float64)
            d[key] = _cut(resize(_smooth(d[key], size)), mode)
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data on their original grids."""
        d = dict(data)
        for key, mode in self.key_iterator(d, self.mode):
            # Resize keeps its own record; it is undone whether or not this object is the one that applied it
            record = self.pop_transform(d[key], check=False)
            d[key] = _cut(Resize(-1).inverse_transform(d[key], record), mode)
        return d

    def _size(self, fov: torch.Tensor) -> tuple[int, ...]:
        """Size (W, H) at the working resolution."""
        scale = self.diameter / field_of_view_diameter(fov)
        if abs(1 / scale - 1) <= self.tolerance:
            return tuple(fov.shape[1:])
        return tuple(max(1, round(n * scale)) for n in fov.shape[1:])


def _smooth(x: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    """Low-pass filter before downsampling: Resize's own anti-aliasing is float32 and darkens the image's edges."""
    sigma = [max(0.0, (n / m - 1) / 2) for n, m in zip(x.shape[1:], size, strict=True)]
    smooth = gaussian_filter(convert_to_numpy(x).astype("float64"), (0.0, *sigma), mode="nearest")
    return convert_to_dst_type(smooth, x, dtype=torch.float64)[0]


def _cut(x: torch.Tensor, mode: str) -> torch.Tensor:
    """Make a mask binary again."""
    return (x > HALF).to(x.dtype) if mode == "nearest" else x
