"""Numbers of vessel pixels in boxes of any size, from one table of sums."""

from __future__ import annotations

import numba
import numpy as np


def sum_table(mask: np.ndarray) -> np.ndarray:
    """Sum a mask over all rectangles that begin in its corner (a summed-area table).

    Args:
        mask: bool of shape (W, H), at most 2³¹ pixels.

    Returns:
        int32 of shape (W + 1, H + 1): the entry (x, y) is the sum of ``mask[:x, :y]``.
    """
    table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    _add_up(np.ascontiguousarray(mask), table)
    return table


@numba.njit(cache=True, nogil=True)
def _add_up(mask: np.ndarray, table: np.ndarray) -> None:
    """Fill the table in one pass, in a quarter of the time of two cumulative sums."""
    for x in range(mask.shape[0]):
        line = 0
        for y in range(mask.shape[1]):
            line += mask[x, y]
            table[x + 1, y + 1] = table[x, y + 1] + line


def box_grid(table: np.ndarray, side: int, from_end: tuple[bool, bool]) -> np.ndarray:
    """Count the pixels in the boxes of a grid.

    Args:
        table: of :func:`sum_table`.
        side: of a box, in pixels; boxes at the far border may be smaller.
        from_end: for each axis, whether the grid begins at its end.

    Returns:
        Pixels of each box, shape (⌈W / side⌉, ⌈H / side⌉).

    Examples:
        >>> box_grid(sum_table(np.ones((3, 4), bool)), 2, (False, True))
        array([[4, 4],
               [2, 2]], dtype=int32)
    """
    first, second = (_edges(length - 1, side, end) for length, end in zip(table.shape, from_end))
    return np.diff(np.diff(table[first][:, second], axis=0), axis=1)


def gliding_boxes(table: np.ndarray, side: int) -> np.ndarray:
    """Count the pixels in a box at every position.

    Args:
        table: of :func:`sum_table`.
        side: of the box, in pixels.

    Returns:
        Pixels in the box, shape (W − side + 1, H − side + 1).

    Examples:
        >>> gliding_boxes(sum_table(np.eye(3, dtype=bool)), 2)
        array([[2, 1],
               [1, 2]], dtype=int32)
    """
    sums = table[side:] - table[:-side]
    return sums[:, side:] - sums[:, :-side]


def _edges(length: int, side: int, from_end: bool) -> np.ndarray:
    """Where the boxes along an axis begin and end."""
    edges = np.append(np.arange(0, length, side), length)
    return length - edges[::-1] if from_end else edges
