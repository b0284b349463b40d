"""Lacunarity: how unevenly vessels fill the field of view."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np

from sre_monai.retina.erosion import erode_square
from sre_monai.retina.measures.box_sums import gliding_boxes, sum_table

BOXES = 16  # across the field of view


def lacunarity(mask: np.ndarray, fov: np.ndarray) -> float:
    """Measure the lacunarity by a gliding box (Allain and Cloitre 1991, doi 10.1103/PhysRevA.44.3552).

    A box is moved to every position at which it is inside the field of view, and its vessel pixels M are counted. The
    lacunarity is the mean of M² over the square of the mean of M: 1 where all boxes hold as many. It depends on the
    size of the box: its side is 1/16 of the diameter of a disc with the field of view's area, rounded to an odd number.

    Args:
        mask: bool of shape (W, H).
        fov: bool of the same shape.

    Returns:
        The lacunarity, at least 1. NaN without vessels, or where no box fits.

    Examples:
        >>> everywhere = np.ones((64, 64), bool)
        >>> lacunarity(everywhere, everywhere)
        1.0
    """
    return lacunarity_of_sums(sum_table(mask), fov)


def lacunarity_of_sums(table: np.ndarray, fov: np.ndarray) -> float:
    """Measure the lacunarity of a mask whose :func:`~sre_monai.retina.measures.box_sums.sum_table` is known."""
    radius = round(sqrt(fov.sum() / pi) / BOXES)
    side = 2 * radius + 1
    if side > min(fov.shape):
        return float("nan")
    fits = erode_square(fov, radius)[radius : len(fov) - radius, radius : fov.shape[1] - radius]
    counts = np.bincount(gliding_boxes(table, side)[fits])
    present = np.flatnonzero(counts)  # as Python's numbers: the squares of a large mask exceed 64 bits
    masses = list(zip(present.tolist(), counts[present].tolist(), strict=True))
    total = sum(count * mass for mass, count in masses)
    if not total:
        return float("nan")
    return int(counts.sum()) * sum(count * mass**2 for mass, count in masses) / total**2
