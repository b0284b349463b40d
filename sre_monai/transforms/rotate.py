"""Rotation of images and volumes by any angle, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.nn import functional as F

MODES = ("nearest", "bilinear", "bicubic")


def rotate(
    x: torch.Tensor, angle: float, mode: str = "bilinear", expand: bool = False, axis: int | None = None
) -> torch.Tensor:
    """Rotate an image about its centre, or a volume about one of its axes.

    A positive angle rotates the first spatial axis towards the second, as ``torch.rot90(x, 1, (-2, -1))`` does:
    clockwise on the screen for MONAI's (W, H) order. Multiples of 90° are that very operation, without interpolation,
    where its result fits the canvas: for squares, for enlarged canvases and for 180°. A volume is rotated in every
    plane across the axis, the remaining axes in their order.

    Args:
        x: tensor of shape (…, W, H) or (…, X, Y, Z), any dtype and device.
        angle: in degrees.
        mode: interpolation: ``"nearest"`` (for labels), ``"bilinear"`` or ``"bicubic"`` (which may overshoot).
        expand: enlarge the canvas so that nothing is cut. Each axis keeps its parity, so that the centres of input and
            output coincide on the pixel grid (except at odd multiples of 90°, where the axes are swapped).
        axis: of a volume, the axis to rotate about: 0 for x, 1 for y, 2 for z.

    Returns:
        Tensor of the same dtype and of the same shape or larger; zero where the input does not reach.

    Raises:
        ValueError: when the mode or the axis is unknown or there are too few axes.

    Examples:
        >>> rotate(torch.ones(3, 10, 20), 30, expand=True).shape
        torch.Size([3, 20, 24])
        >>> x = torch.rand(1, 8, 8, 8)
        >>> bool((rotate(x, 90, axis=1) == x.rot90(1, (1, 3))).all())
        True
    """
    if axis is not None:
        return rotate(_across(x, axis), angle, mode, expand).movedim(-3, axis - 3)
    size = _size(x)
    return _rotate_onto(x, angle, _expanded(size, angle) if expand else size, mode)


def rotate_back(
    y: torch.Tensor, angle: float, size: Sequence[int], mode: str = "bilinear", axis: int | None = None
) -> torch.Tensor:
    """Undo `rotate`: rotate by the opposite angle onto a canvas of the original size.

    Args:
        y: rotated tensor of shape (…, W', H') or (…, X', Y', Z'), enlarged or not.
        angle: the angle it was rotated by, in degrees.
        size: the original (W, H) or (X, Y, Z).
        mode: interpolation, see `rotate`.
        axis: of a volume, the axis it was rotated about.

    Returns:
        Tensor of shape (…, W, H) or (…, X, Y, Z).

    Raises:
        ValueError: when the mode or the axis is unknown or there are too few axes.

    Examples:
        >>> x = torch.rand(1, 5, 8)
        >>> bool((rotate_back(rotate(x, 90, expand=True), 90, (5, 8)) == x).all())
        True
    """
    if axis is not None:
        plane = [n for place, n in enumerate(size) if place != axis]
        return rotate_back(_across(y, axis), angle, plane, mode).movedim(-3, axis - 3)
    return _rotate_onto(y, -angle, (size[0], size[1]), mode)


def _across(x: torch.Tensor, axis: int) -> torch.Tensor:
    """Move an axis of a volume in front of the other two."""
    if axis not in (0, 1, 2) or x.ndim < 3:
        raise ValueError(f"A tensor of shape (…, X, Y, Z) and axis 0, 1 or 2 are expected, got {x.ndim} axes, {axis}.")
    return x.movedim(axis - 3, -3)


def _size(x: torch.Tensor) -> tuple[int, int]:
    """Size (W, H) of a tensor."""
    if x.ndim < 2:
        raise ValueError(f"A tensor of shape (…, W, H) is expected, got {tuple(x.shape)}.")
    return x.shape[-2], x.shape[-1]


def _expanded(size: tuple[int, int], angle: float) -> tuple[int, int]:
    """Smallest canvas of the same parity that holds the rotated image."""
    if angle % 90 == 0:
        return size if angle % 180 == 0 else (size[1], size[0])
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    first = math.ceil(size[0] * cos + size[1] * sin)
    second = math.ceil(size[0] * sin + size[1] * cos)
    return first + (first - size[0]) % 2, second + (second - size[1]) % 2


def _rotate_onto(x: torch.Tensor, angle: float, size: tuple[int, int], mode: str) -> torch.Tensor:
    """Rotate onto a canvas of the given size, centre on centre."""
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}, got {mode!r}.")
    planes = x.reshape(1, -1, *_size(x))
    if angle % 90 == 0:
        exact = torch.rot90(x, int(angle // 90) % 4, (-2, -1))
        if _size(exact) == size:
            return exact
    dtype = x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32
    planes = planes.to(dtype)
    grid = _sampling_grid(planes, angle, size)
    rotated = F.grid_sample(planes, grid, mode=mode, padding_mode="zeros", align_corners=False)
    rotated = rotated.reshape(*x.shape[:-2], *size)
    return rotated.to(x.dtype) if x.is_floating_point() else _to_integer(rotated, x.dtype)


def _sampling_grid(x: torch.Tensor, angle: float, size: tuple[int, int]) -> torch.Tensor:
    """Where in `x` each pixel of the rotated canvas comes from, in the coordinates of `grid_sample`."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    axes = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in size]
    first, second = torch.meshgrid(*axes, indexing="ij")
    source = torch.stack((cos * second - sin * first, cos * first + sin * second), dim=-1)  # last axis comes first
    scale = torch.tensor([2 / x.shape[-1], 2 / x.shape[-2]], dtype=torch.float64)
    return (source * scale)[None].to(x)


def _to_integer(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Round to an integer type within its range; booleans are cut at one half."""
    if dtype == torch.bool:
        return x > 0.5
    limits = torch.iinfo(dtype)
    return x.round().clamp(limits.min, limits.max).to(dtype)
