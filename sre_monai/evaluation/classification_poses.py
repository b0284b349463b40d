"""The poses in which a classifier is shown each image: turned about an axis, or mirrored."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

import torch
import torch.nn.functional as F

from sre_monai.evaluation.rotation import make_poses
from sre_monai.transforms import rotate, rotate_about

__all__ = ["PADDINGS", "ImagePose", "check_padding", "image_poses", "pose_image"]

AXES = "xyz"
PADDINGS = ("zeros", "reflect")


class ImagePose(NamedTuple):
    """How an image or a volume is shown: turned, or mirrored.

    Attributes:
        axis: ``"x"``, ``"y"`` or ``"z"``, the axis a volume is turned about; ``""`` for an image.
        angle: in degrees.
        flip: the axes it is mirrored along, such as ``"xy"``.
    """

    axis: str = ""
    angle: float = 0.0
    flip: str = ""


def image_poses(spatial_dims: int, angles: Iterable[float]) -> list[ImagePose]:
    """List the poses of an evaluation: every angle about every axis, then every mirror image.

    Args:
        spatial_dims: 2 or 3.
        angles: in degrees; 0 is added where it is missing.

    Returns:
        For images the turns; for volumes those about x, y and z; then mirror images along every set of axes.

    Raises:
        ValueError: when an angle is no finite number.

    Examples:
        >>> [pose.flip for pose in image_poses(2, [90]) if pose.flip]
        ['x', 'y', 'xy']
    """
    turns = [pose.angle for pose in make_poses(angles) if not pose.flip]
    axes = AXES[:spatial_dims]
    flips = ["".join(chosen) for count in range(1, spatial_dims + 1) for chosen in combinations(axes, count)]
    turned = [ImagePose(axis, angle) for axis in (axes if spatial_dims == 3 else [""]) for angle in turns]
    return turned + [ImagePose(flip=flip) for flip in flips]


def pose_image(x: torch.Tensor, pose: ImagePose, mode: str = "nearest", padding: str = "zeros") -> torch.Tensor:
    """Show images or volumes in a pose, as Du et al. do (ISBI 2025, arXiv 2501.09753).

    Turned about the centre on a canvas of the same size. What a turn brings in from outside is zero, mid-grey after
    normalisation to −1 … 1, or with ``"reflect"`` the image continued by reflection. Multiples of 90° and mirror images
    of squares and cubes are exact.

    Args:
        x: (batch, channels, *spatial*) of 2 or 3 spatial axes.
        pose: how to show it.
        mode: interpolation, see :func:`~sre_monai.transforms.rotate`.
        padding: ``"zeros"`` or ``"reflect"``.

    Returns:
        The same shape.

    Raises:
        ValueError: for an unknown mode or padding.

    Examples:
        >>> pose_image(torch.arange(4.0).reshape(1, 1, 2, 2), ImagePose(angle=90)).flatten().tolist()
        [1.0, 3.0, 0.0, 2.0]
    """
    check_padding(padding)
    if pose.flip:
        x = x.flip([2 + AXES.index(axis) for axis in pose.flip])
    if pose.angle % 360 == 0:
        return x
    size = x.shape[2:]
    if padding == "reflect":
        x = F.pad(x, [n // 2 for n in reversed(size) for _ in range(2)], mode="reflect")
    x = rotate_about(x, AXES.index(pose.axis), pose.angle, mode) if pose.axis else rotate(x, pose.angle, mode)
    if padding == "reflect":
        for axis, n in enumerate(size, start=2):
            x = x.narrow(axis, n // 2, n)
    return x


def check_padding(padding: str) -> str:
    """Check the name of a padding.

    Args:
        padding: the name.

    Returns:
        The name.

    Raises:
        ValueError: when it is unknown.

    Examples:
        >>> check_padding("zeros")
        'zeros'
    """
    if padding not in PADDINGS:
        raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, got {padding!r}.")
    return padding
