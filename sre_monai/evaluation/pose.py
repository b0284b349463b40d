"""Poses: the orientations in which an image or a volume is presented to a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch

from sre_monai.transforms import GridSymmetry, rotate, rotate_back

AXES = "xyz"


class Pose(NamedTuple):
    """A symmetry of the pixel grid, then a rotation by any angle.

    Attributes:
        angle: in degrees, see :func:`~sre_monai.transforms.rotate`.
        symmetry: one of the 8 symmetries of the square or the 48 of the cube, applied first.
        axis: for volumes, the rotation axis: 0, 1 or 2.

    Examples:
        >>> Pose(90).apply(torch.tensor([[1, 2], [3, 4]]))
        tensor([[2, 4],
                [1, 3]])
    """

    angle: float = 0.0
    symmetry: GridSymmetry = GridSymmetry()
    axis: int | None = None

    @property
    def is_upright(self) -> bool:
        """Whether it leaves the image unchanged."""
        return self.angle % 360 == 0 and self.symmetry.is_identity

    @property
    def is_exact(self) -> bool:
        """Whether nothing is interpolated, on a canvas that the rotated image fits."""
        return self.angle % 90 == 0

    @property
    def mirrored(self) -> str:
        """Names of the flipped axes, such as ``"xy"``."""
        return "".join(name for name, mirrored in zip(AXES, self.symmetry.mirrored) if mirrored)

    def apply(self, x: torch.Tensor, mode: str = "bilinear", expand: bool = False) -> torch.Tensor:
        """Apply the pose to an image.

        Args:
            x: (…, W, H), or (…, X, Y, Z) where the pose has an axis.
            mode: interpolation, see :func:`~sre_monai.transforms.rotate`.
            expand: enlarge the canvas so that nothing is cropped.

        Returns:
            The same shape or larger, zero where the image does not reach.
        """
        return rotate(self.symmetry.apply(x), self.angle, mode, expand, self.axis)

    def invert(self, y: torch.Tensor, size: Sequence[int], mode: str = "bilinear") -> torch.Tensor:
        """Undo :meth:`apply`.

        Args:
            y: the posed image.
            size: the upright image's spatial size.
            mode: interpolation.

        Returns:
            The upright image, of that size.
        """
        moved = [size[axis] for axis in self.symmetry.axes] or size
        return self.symmetry.invert(rotate_back(y, self.angle, moved, mode, self.axis))


def rotations(angles: Iterable[float]) -> list[Pose]:
    """List the poses of a rotation, the upright one first.

    Args:
        angles: in degrees; 0, the reference, is added if missing.

    Returns:
        The poses, their angles ascending within 0–360°.

    Raises:
        ValueError: when an angle is not a finite number.

    Examples:
        >>> [pose.angle for pose in rotations([45, -90])]
        [0.0, 45.0, 270.0]
    """
    try:
        ascending = sorted({0.0, *(float(angle) % 360 for angle in angles)})
    except (TypeError, ValueError):
        raise ValueError(f"angles must be a list of numbers in degrees, such as [0, 10, 20], got {angles!r}.") from None
    if not all(0 <= angle < 360 for angle in ascending):
        raise ValueError(f"angles must be finite, got {angles!r}.")
    return [Pose(angle) for angle in ascending]
