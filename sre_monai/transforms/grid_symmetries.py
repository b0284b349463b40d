"""All symmetries of the pixel grid: 8 of the square, 48 of the cube."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import permutations, product
from typing import NamedTuple, TypeVar

import numpy as np
import torch

GROUPS = ("all", "rotations", "mirrors")

Array = TypeVar("Array", np.ndarray, torch.Tensor)


class GridSymmetry(NamedTuple):
    """A symmetry of a grid: its axes are permuted, then some are mirrored.

    Attributes:
        axes: permutation of the spatial axes; empty for the identity of any grid.
        mirrored: which of the permuted axes are then mirrored.
    """

    axes: tuple[int, ...] = ()
    mirrored: tuple[bool, ...] = ()

    @classmethod
    def mirror(cls, spatial_dims: int, axes: Collection[int]) -> GridSymmetry:
        """Mirror along some axes.

        Args:
            spatial_dims: number of spatial axes.
            axes: those that are mirrored.

        Returns:
            The symmetry.

        Examples:
            >>> str(GridSymmetry.mirror(3, [0, 2]))
            '(-x, y, -z)'
        """
        every = tuple(range(spatial_dims))
        return cls(every, tuple(axis in axes for axis in every))

    @property
    def is_identity(self) -> bool:
        """Whether it leaves everything in its place."""
        return self.axes == tuple(range(len(self.axes))) and not any(self.mirrored)

    @property
    def is_rotation(self) -> bool:
        """Whether it is a rotation, without mirroring."""
        swaps = sum(a > b for i, a in enumerate(self.axes) for b in self.axes[i + 1 :])
        return (swaps + sum(self.mirrored)) % 2 == 0

    def apply(self, x: Array) -> Array:
        """Rotate and mirror an array or a tensor (…, *spatial*), exactly. An array is not copied."""
        first: int = x.ndim - len(self.axes)
        return _flip(_permute(x, [*range(first), *(first + axis for axis in self.axes)]), self._mirrored_axes(first))

    def invert(self, x: Array) -> Array:
        """Undo :meth:`apply`."""
        first: int = x.ndim - len(self.axes)
        source: list[int] = [first + self.axes.index(axis) for axis in range(len(self.axes))]
        return _permute(_flip(x, self._mirrored_axes(first)), [*range(first), *source])

    def invert_points(self, points: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """Map positions in what :meth:`apply` gave back.

        Args:
            points: in pixels, shape (…, number of axes).
            shape: spatial size of the rotated and mirrored array.

        Returns:
            The positions in the array before.

        Examples:
            >>> GridSymmetry((1, 0), (False, True)).invert_points(np.array([[0, 4]]), (2, 5))
            array([[0, 0]])
        """
        before = np.empty_like(points)
        for place, (axis, mirror) in enumerate(zip(self.axes, self.mirrored)):
            before[..., axis] = shape[place] - 1 - points[..., place] if mirror else points[..., place]
        return before

    def _mirrored_axes(self, first: int) -> list[int]:
        return [first + place for place, mirror in enumerate(self.mirrored) if mirror]

    def __str__(self) -> str:
        """Name the axis that comes to each place, with a minus sign where it is mirrored: ``(-y, x)``."""
        names = "xyz" if len(self.axes) <= 3 else "abcdefgh"
        return f"({', '.join('-' * mirror + names[axis] for axis, mirror in zip(self.axes, self.mirrored))})"


def grid_symmetries(spatial_dims: int, group: str = "all") -> list[GridSymmetry]:
    """List the symmetries of the square or the cube.

    Args:
        spatial_dims: number of spatial axes.
        group: ``"all"``; ``"rotations"``, those without mirroring; or ``"mirrors"``, those that leave every axis in
            its place, for grids whose axes differ in spacing.

    Returns:
        8 symmetries in two dimensions and 48 in three, half as many rotations, 4 and 8 mirrors; the identity first.

    Raises:
        ValueError: for an unknown group.

    Examples:
        >>> len(grid_symmetries(2)), len(grid_symmetries(3)), len(grid_symmetries(3, "rotations"))
        (8, 48, 24)
        >>> str(grid_symmetries(2, "rotations")[2])
        '(y, -x)'
    """
    if group not in GROUPS:
        raise ValueError(f"group must be one of {GROUPS}, got {group!r}.")
    every = [
        GridSymmetry(axes, mirrored)
        for axes in permutations(range(spatial_dims))
        for mirrored in product((False, True), repeat=spatial_dims)
    ]
    if group == "rotations":
        return [symmetry for symmetry in every if symmetry.is_rotation]
    if group == "mirrors":
        return [symmetry for symmetry in every if symmetry.axes == tuple(range(spatial_dims))]
    return every


def _permute(x: Array, order: list[int]) -> Array:
    return x.permute(order) if isinstance(x, torch.Tensor) else x.transpose(order)


def _flip(x: Array, axes: list[int]) -> Array:
    return x.flip(axes) if isinstance(x, torch.Tensor) else np.flip(x, tuple(axes))
