"""The calibre of vessels, measured across them: right at every angle."""

from __future__ import annotations

import numba
import numpy as np

from sre_monai.retina.measures.centre_line import CentreLines, smooth_centre_lines

STEP = 0.25  # px, along a cross-section
WINDOW = 3  # points either way over which neighbouring cross-sections are averaged
REACH, MARGIN = 0.75, 2.0  # a cross-section ends within this many inscribed diameters, and px, of its centre
MOST_SHIFT = 2.0  # px, from the thinned line to the middle of the vessel
CORNER, NEAR_END = 0.75, 3.0  # diameters, and px: from the corner that a thinned line runs into at a square end


def measure_across(mask: np.ndarray, paths: list[np.ndarray], discs: np.ndarray) -> tuple[CentreLines, np.ndarray]:
    """Find the middle of vessels and their calibres along thinned lines.

    At each point of the smoothed line, the mask is summed up along the normal, in both directions to where it ends.
    Bilinear interpolation makes inside and outside equal, so that the sum is the width of the vessel at every angle,
    not that of the largest disc between the corners of pixels. The line is moved to the middle of the two sums and
    smoothed, and the calibres are measured there. Each is the mean over seven neighbouring cross-sections: the area of
    a piece of the vessel over its length.

    Not measured are points nearer to an end of a line than three quarters of a diameter and 3 pixels, where another
    vessel begins or the vessel ends, and those whose cross-section goes on into another vessel. A line without any
    other point has the values of these points, or else its discs' diameters.

    Args:
        mask: bool of shape (W, H).
        paths: pixels of the thinned lines, each of shape (n, 2).
        discs: diameter of the :func:`~sre_monai.retina.calibre` at all their pixels, shape (N,).

    Returns:
        The lines in the middle of the vessels, and the calibre at each point, NaN where it is not measured, shape (N,).

    Examples:
        >>> x, y = np.mgrid[:80, :80]
        >>> mask = abs(x - y / 3 - 25.2) < 5 * 10**0.5 / 3  # 10 pixels wide
        >>> path = np.stack([25 + np.arange(80) // 3, np.arange(80)], 1)
        >>> lines, calibres = measure_across(mask, [path], np.full(80, 9.5))
        >>> round(float(np.nanmean(calibres)))
        10
    """
    lines = smooth_centre_lines(paths)
    reach = REACH * discs + MARGIN
    sides, normals = _sides(mask, lines, reach)
    shift = np.clip((sides[:, 0] - sides[:, 1]) / 2, -MOST_SHIFT, MOST_SHIFT)
    shift[(sides < 0).any(1)] = 0
    shift[np.concatenate((lines.starts, lines.ends))] = 0
    moved = lines.points + shift[:, None] * normals
    lines = smooth_centre_lines(np.split(moved, lines.starts[1:]))
    sides, _ = _sides(mask, lines, reach)
    widths = np.where((sides < 0).any(1), np.nan, sides.sum(1))
    return lines, _chosen(lines, widths, discs)


def _sides(mask: np.ndarray, lines: CentreLines, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Extent of the mask on both sides of each point, −1 where it has no end within reach; and the normals."""
    directions = lines.directions
    normals = directions[:, ::-1] * (-1.0, 1.0)
    sides = np.empty((2, len(normals), 2))
    for half, along in zip(sides, (-0.25, 0.25)):  # at 45° the points alone would all lie alike between the pixels
        beside = lines.points + along * lines.weights[:, None] * directions
        _sum_up(np.pad(mask, 1), beside + 1, normals, reach, half)
    sides = np.where((sides < 0).any(0), -1.0, sides.mean(0))
    return sides, normals


def _chosen(lines: CentreLines, widths: np.ndarray, discs: np.ndarray) -> np.ndarray:
    """The mean of neighbouring widths at the points that are measured, NaN at the others."""
    core = widths.copy()
    for ends in (lines.starts, lines.ends):
        distance = np.hypot(*(lines.points - np.repeat(lines.points[ends], lines.counts, axis=0)).T)
        diameter = np.maximum(discs[ends], lines.sums(discs) / lines.counts)
        core[distance < np.repeat(CORNER * diameter + NEAR_END, lines.counts)] = np.nan
    for further in (widths, discs.astype(float)):
        nothing = lines.sums(~np.isnan(core)) == 0
        core = np.where(np.repeat(nothing, lines.counts), further, core)
    averaged = np.empty_like(core)
    _average(core, lines.starts, lines.ends, averaged)
    return averaged


@numba.njit(cache=True, nogil=True)
def _sum_up(mask: np.ndarray, points: np.ndarray, normals: np.ndarray, reach: np.ndarray, sides: np.ndarray) -> None:
    """Sum the interpolated mask from each point along its normal, one way and the other."""
    for place in range(len(points)):
        for side in range(2):
            dx, dy = (1 - 2 * side) * normals[place, 0], (1 - 2 * side) * normals[place, 1]
            total, before, distance = 0.0, 2.0, STEP / 2
            while distance < reach[place]:
                x, y = points[place, 0] + distance * dx, points[place, 1] + distance * dy
                i, j = int(np.floor(x)), int(np.floor(y))
                if i < 0 or j < 0 or i + 1 >= mask.shape[0] or j + 1 >= mask.shape[1]:
                    value = 0.0
                else:
                    u, v = x - i, y - j
                    near = (1 - v) * mask[i, j] + v * mask[i, j + 1]
                    value = (1 - u) * near + u * ((1 - v) * mask[i + 1, j] + v * mask[i + 1, j + 1])
                if value == 0 or (before < 0.5 and value > before):  # outside, or on the way into the next vessel
                    break
                total += value * STEP
                before = value
                distance += STEP
            sides[place, side] = total if distance < reach[place] else -1.0


@numba.njit(cache=True, nogil=True)
def _average(values: np.ndarray, starts: np.ndarray, ends: np.ndarray, averaged: np.ndarray) -> None:
    """Average each value with its neighbours on the line; NaN stays, and does not count."""
    for first, last in zip(starts, ends):
        for place in range(first, last + 1):
            total, count = 0.0, 0
            for other in range(max(first, place - WINDOW), min(last, place + WINDOW) + 1):
                if not np.isnan(values[other]):
                    total += values[other]
                    count += 1
            averaged[place] = np.nan if np.isnan(values[place]) else total / count
