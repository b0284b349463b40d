"""Turning volumes about any axis, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch.nn import functional as F

from sre_monai.transforms import GridSymmetry

EXACT = 1e-9


class Turn(NamedTuple):
    """A rotation of a volume about its centre, or a mirror image.

    Multiples of 90° about the grid's axes, and mirror images, permute the voxels; all other turns interpolate linearly.

    Attributes:
        axis: direction of the axis, in the order of the volume's axes; of any length.
        angle: in degrees.
        mirrored: which axes of the volume are mirrored before it is turned.

    Examples:
        >>> x = torch.rand(1, 5, 6, 7)
        >>> bool((Turn((0, 0, 1), 90).apply(x) == x.rot90(1, (1, 2))).all())
        True
    """

    axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
    angle: float = 0.0
    mirrored: tuple[bool, bool, bool] = (False, False, False)

    @property
    def matrix(self) -> np.ndarray:
        """Orthogonal matrix (3, 3) that maps places in the volume, from its centre, to where they come to lie."""
        direction = np.asarray(self.axis, dtype=np.float64)
        turned = Rotation.from_rotvec(math.radians(self.angle) * direction / np.linalg.norm(direction)).as_matrix()
        return turned @ np.diag(np.where(self.mirrored, -1.0, 1.0))

    @property
    def symmetry(self) -> GridSymmetry | None:
        """The symmetry of the grid that this is; None where voxels have to be interpolated."""
        matrix = self.matrix
        if not np.allclose(matrix, np.rint(matrix), atol=EXACT):
            return None
        axes = tuple(int(axis) for axis in np.abs(matrix).argmax(axis=1))
        return GridSymmetry(axes, tuple(bool(matrix[place, axis] < 0) for place, axis in enumerate(axes)))

    @property
    def is_upright(self) -> bool:
        """Whether it leaves the volume as it is."""
        return self.symmetry is not None and self.symmetry.is_identity

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        """Turn a volume, on a grid large enough for all of it.

        Args:
            x: (C, X, Y, Z), floating point.

        Returns:
            (C, X', Y', Z'), zero where the volume does not reach. Each axis that is interpolated keeps its parity.
        """
        if self.symmetry is not None:
            return self.symmetry.apply(x)
        return _sample(x, self.matrix, _expanded(x.shape[1:], self.matrix))

    def invert(self, y: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
        """Undo :meth:`apply`.

        Args:
            y: the turned volume.
            size: (X, Y, Z) of the original.

        Returns:
            (C, X, Y, Z).
        """
        if self.symmetry is not None:
            return self.symmetry.invert(y)
        return _sample(y, self.matrix.T, size)


def random_axes(count: int, seed: int = 0) -> list[tuple[float, float, float]]:
    """Draw directions, uniformly over the sphere.

    Args:
        count: how many.
        seed: of the random generator.

    Returns:
        Unit vectors.

    Examples:
        >>> [round(sum(part**2 for part in axis), 6) for axis in random_axes(2)]
        [1.0, 1.0]
    """
    vectors = np.random.default_rng(seed).normal(size=(count, 3))
    return [tuple((vector / np.linalg.norm(vector)).tolist()) for vector in vectors]


def _expanded(size: Iterable[int], matrix: np.ndarray) -> list[int]:
    """The smallest grid of the same parity that holds the turned volume."""
    size = np.array(list(size))
    needed = np.ceil(np.abs(matrix) @ size - EXACT).astype(int)
    return [int(n) for n in needed + (needed - size) % 2]


def _sample(x: torch.Tensor, matrix: np.ndarray, size: Sequence[int]) -> torch.Tensor:
    """Interpolate on a new grid with the same centre: a place p of it shows what was at the inverse of matrix · p."""
    old = np.array(x.shape[1:])
    scale = np.diag(1 / old) @ matrix.T @ np.diag(size)  # from −1 … 1 to −1 … 1, edge to edge
    theta = torch.as_tensor(np.hstack([scale[::-1, ::-1].copy(), np.zeros((3, 1))]), dtype=x.dtype, device=x.device)
    grid = F.affine_grid(theta[None], [1, 1, *size], align_corners=False)
    return F.grid_sample(x[None], grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0]
