"""Fractal dimensions of vessels by box counting."""

from __future__ import annotations

from math import fsum
from typing import NamedTuple

import numpy as np

from sre_monai.retina.measures.box_sums import box_grid, sum_table

BOXES = (4, 8, 16, 32, 64)  # along the longer side of the field of view
FEWEST_SIZES = 3
CORNERS = ((False, False), (False, True), (True, False), (True, True))


class FractalDimensions(NamedTuple):
    """Generalised dimensions.

    Attributes:
        d0: capacity (box-counting) dimension.
        d1: information dimension.
        d2: correlation dimension.
    """

    d0: float
    d1: float
    d2: float


def fractal_dimensions(mask: np.ndarray) -> FractalDimensions:
    """Estimate the generalised dimensions D0, D1 and D2 by box counting.

    Hentschel and Procaccia 1983, doi 10.1016/0167-2789(83)90235-X. The image is divided into boxes. With the fraction p
    of the vessel pixels in each box, Dq is the slope of the Rényi entropy of order q against −log(side of a box), by
    least squares. The sides are 1/4, 1/8, 1/16, 1/32 and 1/64 of the image's longer side, rounded up to whole pixels:
    photographs of any size are measured on the same scale. For each size the entropy is the mean over four grids that
    begin at the four corners, so that no corner is preferred.

    Args:
        mask: bool of shape (W, H), cropped to the field of view.

    Returns:
        The dimensions, NaN for a mask without vessels or too small for three sizes of boxes.

    Examples:
        >>> [round(dimension, 6) for dimension in fractal_dimensions(np.ones((256, 256), bool))]
        [2.0, 2.0, 2.0]
    """
    return fractal_dimensions_of_sums(sum_table(mask))


def fractal_dimensions_of_sums(table: np.ndarray) -> FractalDimensions:
    """Estimate the dimensions of a mask whose :func:`~sre_monai.retina.measures.box_sums.sum_table` is known."""
    sides = sorted({-(-(max(table.shape) - 1) // boxes) for boxes in BOXES})
    if len(sides) < FEWEST_SIZES or not table[-1, -1]:
        return FractalDimensions(np.nan, np.nan, np.nan)
    entropies = np.array([_mean_entropies(table, side) for side in sides])
    slopes = np.polyfit(-np.log(sides), entropies, 1)[0]
    return FractalDimensions(*map(float, slopes))


def box_entropies(masses: np.ndarray) -> tuple[float, float, float]:
    """Rényi entropies of order 0, 1 and 2 of how pixels are spread over boxes.

    Args:
        masses: number of pixels in each box, not all zero.

    Returns:
        log N, −Σ p log p and −log Σ p², over the N boxes that are not empty.

    Examples:
        >>> [round(entropy, 4) for entropy in box_entropies(np.array([0, 3, 3, 3, 3]))]
        [1.3863, 1.3863, 1.3863]
    """
    values, counts = np.unique(masses[masses > 0], return_counts=True)  # summed in this order, however the boxes lie
    share = values / (values * counts).sum()
    return (
        float(np.log(counts.sum())),
        float(-(counts * share * np.log(share)).sum()),
        float(-np.log((counts * share**2).sum())),
    )


def _mean_entropies(table: np.ndarray, side: int) -> list[float]:
    """Mean entropies of the grids that begin at the four corners."""
    grids = [box_entropies(box_grid(table, side, corner)) for corner in CORNERS]
    return [fsum(entropies) / len(grids) for entropies in zip(*grids)]
