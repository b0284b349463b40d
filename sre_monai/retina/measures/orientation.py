"""The orientation in which a mask is measured, so that turned and mirrored copies give the same measures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Orientation", "canonical_orientation"]


class Orientation(NamedTuple):
    """One of the eight ways to turn and mirror an image: its axes are swapped or not, then it is turned.

    Attributes:
        transposed: whether the axes are swapped.
        quarter_turns: how often it is then turned by 90°, as ``numpy.rot90`` does.
    """

    transposed: bool = False
    quarter_turns: int = 0

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Turn and mirror an image of shape (W, H), without copying it."""
        return np.rot90(image.T if self.transposed else image, self.quarter_turns)

    def invert(self, image: np.ndarray) -> np.ndarray:
        """Undo :meth:`apply`."""
        upright = np.rot90(image, -self.quarter_turns)
        return upright.T if self.transposed else upright

    def invert_points(self, points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Map positions in the turned image back.

        Args:
            points: positions in pixels, shape (…, 2).
            shape: of the turned image.

        Returns:
            The positions in the image before it was turned.
        """
        first, second = points[..., 0], points[..., 1]
        rows, columns = shape
        for _ in range(self.quarter_turns):
            first, second = second, rows - 1 - first
            rows, columns = columns, rows
        return np.stack((second, first) if self.transposed else (first, second), axis=-1)


ORIENTATIONS = tuple(Orientation(transposed, turns) for transposed in (False, True) for turns in range(4))


def canonical_orientation(image: np.ndarray) -> Orientation:
    """Choose an orientation by the image itself, so that turned and mirrored copies become identical.

    Of the eight orientations it is the last in the order of their width, then of their sums along the axes, then of
    their pixels. Whatever is computed in this orientation does not depend on how the image was turned.

    Args:
        image: whole numbers or bool, shape (W, H).

    Returns:
        The orientation. An image with a symmetry of its own looks the same in several; any of them is returned.

    Examples:
        >>> image = np.arange(6).reshape(2, 3) == 4
        >>> turned = [image, image.T, image[::-1], np.rot90(image)]
        >>> [canonical_orientation(copy).apply(copy).argmax().item() for copy in turned]
        [2, 2, 2, 2]
    """
    sums = image.sum(axis=1, dtype=np.int64), image.sum(axis=0, dtype=np.int64)
    keys = {orientation: _profiles(*sums, orientation) for orientation in ORIENTATIONS}
    last = max(keys.values())
    equal = [orientation for orientation, key in keys.items() if key == last]
    return equal[0] if len(equal) == 1 else max(equal, key=lambda orientation: orientation.apply(image).tobytes())


def _profiles(rows: np.ndarray, columns: np.ndarray, orientation: Orientation) -> tuple[int, list[int], list[int]]:
    """Width of the turned image, and its sums along each axis."""
    if orientation.transposed:
        rows, columns = columns, rows
    for _ in range(orientation.quarter_turns):
        rows, columns = columns[::-1], rows
    return len(rows), rows.tolist(), columns.tolist()
