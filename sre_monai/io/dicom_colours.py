"""Colours of DICOM photographs that are labelled as RGB but stored as YCbCr, or the other way round.

The header and the pixels often disagree: JPEG streams without a marker, data that were converted but not labelled
again. A fundus photograph tells by itself. Black is (0, 0, 0) in RGB and (0, 128, 128) in YCbCr: its dark border would
be cyan if YCbCr were taken for RGB, and green if RGB were converted as if it were YCbCr. Without a border, the retina
tells: it is red, but YCbCr taken for RGB has more blue than red.
"""

from __future__ import annotations

import numpy as np

DARK = 32  # of 255, of the first channel
LEAST_DARK = 1e-3  # part of the pixels
TOLERANCE = 20  # of 255
GREEN_OF_BLACK = 135  # what (0, 0, 0) becomes if it is converted from YCbCr


def looks_like_ybr(values: np.ndarray) -> bool:
    """Whether pixels that are labelled as RGB are YCbCr.

    Args:
        values: uint8 of shape (H, W, 3).

    Returns:
        True where the picture makes sense only as YCbCr.

    Examples:
        >>> looks_like_ybr(np.full((9, 9, 3), (0, 128, 128), np.uint8))
        True
        >>> looks_like_ybr(np.zeros((9, 9, 3), np.uint8))
        False
    """
    dark = _median_of_dark(values)
    if dark is not None:
        return bool(np.abs(dark[1:] - 128).max() <= TOLERANCE)
    first, second, third = np.median(values.reshape(-1, 3), axis=0)
    return bool(third > first and third > 128 > second)


def looks_converted_twice(values: np.ndarray) -> bool:
    """Whether pixels that were converted from YCbCr had been RGB before.

    Args:
        values: uint8 of shape (H, W, 3), after the conversion.

    Returns:
        True where black has become green.

    Examples:
        >>> looks_converted_twice(np.full((9, 9, 3), (0, 135, 0), np.uint8))
        True
    """
    dark = _median_of_dark(values)
    return dark is not None and bool(abs(dark[1] - GREEN_OF_BLACK) <= TOLERANCE and dark[2] <= TOLERANCE)


def _median_of_dark(values: np.ndarray) -> np.ndarray | None:
    """Median colour where the first channel is dark; None if that is hardly anywhere."""
    dark = values[values[..., 0] < DARK]
    return np.median(dark, axis=0) if len(dark) >= LEAST_DARK * values[..., 0].size else None
