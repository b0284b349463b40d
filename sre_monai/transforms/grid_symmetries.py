"""All symmetries of the pixel grid: 8 of the square, 48 of the cube."""

from __future__ import annotations

from collections.abc import Collection
from itertools import permutations, product
from typing import NamedTuple

import torch

__all__ = ["GROUPS", "GridSymmetry", "grid_symmetries"]

GROUPS = ("all", "rotations", "mirrors")


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

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        """Rotate and mirror a tensor (…, *spatial*), exactly."""
        first = x.ndim - len(self.axes)
        moved = x.permute(*range(first), *(first + axis for axis in self.axes))
        return moved.flip([first + place for place, mirror in enumerate(self.mirrored) if mirror])

    def invert(self, x: torch.Tensor) -> torch.Tensor:
        """Undo :meth:`apply`."""
        first = x.ndim - len(self.axes)
        upright = x.flip([first + place for place, mirror in enumerate(self.mirrored) if mirror])
        return upright.permute(*range(first), *(first + self.axes.index(axis) for axis in range(len(self.axes))))

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
