"""How much centre lines turn, and where they turn the other way."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from sre_monai.retina.measures.centre_line import CentreLines

LEAST_TURN = 0.2  # rad: less is of the pixels' steps, not of the vessel
FEWEST_POINTS = 5


class Turning(NamedTuple):
    """How lines turn.

    Attributes:
        total: angle through which each line turns, all turns counted as positive, in radians, shape (n,).
        is_inflection: whether the line turns the other way from a point on, bool of shape (N,).
    """

    total: np.ndarray
    is_inflection: np.ndarray


def turning(lines: CentreLines, inside: np.ndarray) -> Turning:
    """Measure the total curvature of lines, and find their inflections.

    The direction of a line of pixels is never still: adding up all its changes gives straight lines a curvature. Here
    only turns of 0.2 rad or more count: between two inflections, the direction changes by the difference of its extremes.
    A line that turns less altogether has the angle between the chords of its halves, twice: that of an arc. Where not
    all points count, the rest of the line is taken to turn as much per pixel.

    Args:
        lines: smoothed lines.
        inside: points that count, bool of shape (N,); near the end of a vessel a thinned line runs into a corner. A
            line with fewer than five such points counts as a whole.

    Returns:
        Total turn and inflections.

    Examples:
        >>> angles = np.linspace(0, np.pi, 100)
        >>> arc = CentreLines(30 * np.stack([np.cos(angles), np.sin(angles)], 1), np.array([0]))
        >>> round(float(turning(arc, np.ones(100, bool)).total[0]), 1)
        3.1
    """  # noqa: E501
    total, is_inflection = np.zeros(len(lines.starts)), np.zeros(len(lines.points), np.bool_)
    few = lines.sums(inside.astype(int)) < FEWEST_POINTS
    inside = inside | np.repeat(few, lines.counts)
    _turn(lines.points, lines.directions, lines.starts, lines.ends, inside, total, is_inflection)
    total *= lines.length / np.maximum(lines.sums(np.where(inside, lines.weights, 0)), np.finfo(float).tiny)
    return Turning(total, is_inflection)


@numba.njit(cache=True, nogil=True)
def _angle(first: np.ndarray, second: np.ndarray) -> float:
    """From one direction to another, −π to π."""
    return np.arctan2(first[0] * second[1] - first[1] * second[0], first[0] * second[0] + first[1] * second[1])


@numba.njit(cache=True, nogil=True)
def _turn(
    points: np.ndarray,
    directions: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    inside: np.ndarray,
    total: np.ndarray,
    is_inflection: np.ndarray,
) -> None:
    """Follow the direction along each line from extreme to extreme."""
    for line in range(len(starts)):
        first, last = starts[line], ends[line]
        while not inside[first]:
            first += 1
        while not inside[last]:
            last -= 1
        angle, sign = 0.0, 0
        low, high, base, extreme, at = 0.0, 0.0, 0.0, 0.0, first
        for place in range(first + 1, last + 1):
            angle += _angle(directions[place - 1], directions[place])
            if sign == 0:
                low, high = min(low, angle), max(high, angle)
                if high - low >= LEAST_TURN:
                    sign = 1 if angle == high else -1
                    base, extreme, at = low if sign > 0 else high, angle, place
            elif sign * (angle - extreme) >= 0:
                extreme, at = angle, place
            elif sign * (extreme - angle) >= LEAST_TURN:
                total[line] += abs(extreme - base)
                is_inflection[at] = True
                base, extreme, at, sign = extreme, angle, place, -sign
        middle = (first + last) // 2
        if sign:
            total[line] += abs(extreme - base)
        elif first < middle:
            total[line] = 2 * abs(_angle(points[middle] - points[first], points[last] - points[middle]))
