"""Erosion by squares and by discs, exact and in whole rows: for large masks much faster than filters and distances."""

from __future__ import annotations

import numpy as np


def erode_square(mask: np.ndarray, radius: int) -> np.ndarray:
    """Keep the pixels whose neighbours are all inside, up to a distance along axes and diagonals.

    Args:
        mask: bool of shape (H, W). Beyond its border is outside.
        radius: the distance in pixels.

    Returns:
        The smaller mask, as ``scipy.ndimage.minimum_filter(mask, 2 * radius + 1, mode="constant")`` gives it.

    Examples:
        >>> erode_square(np.ones((3, 5), bool), 1).astype(int).tolist()
        [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    core = np.pad(mask, radius)
    for _ in range(2):  # along each axis, by windows that double
        length = 1
        while length < 2 * radius + 1:
            step = min(length, 2 * radius + 1 - length)
            core = core[step:] & core[:-step]
            length += step
        core = core.T
    return core


def erode_disc(mask: np.ndarray, radius: float) -> np.ndarray:
    """Keep the pixels that have none outside within a distance.

    Args:
        mask: bool of shape (H, W). Beyond its border is inside.
        radius: the distance in pixels.

    Returns:
        The smaller mask, as ``skimage.morphology.isotropic_erosion(mask, radius)`` gives it.

    Examples:
        >>> erode_disc(np.arange(7) > np.zeros((2, 1)), 2).astype(int).tolist()
        [[0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 1, 1]]
    """
    reach = int(radius)
    across = np.arange(reach + 1)
    widths = [int((np.hypot(across, offset) <= radius).sum()) - 1 for offset in across]
    height, width = mask.shape
    padded = np.pad(mask, reach, constant_values=True)
    core = np.ones_like(mask)
    eroded = padded  # along the rows, by one pixel more each time
    for half_width in range(reach + 1):
        if half_width:
            eroded = np.pad(eroded[:, :-2] & eroded[:, 1:-1] & eroded[:, 2:], ((0, 0), (1, 1)), constant_values=True)
        for offset in (offset for offset, reached in enumerate(widths) if reached == half_width):
            for start in {reach - offset, reach + offset}:
                core &= eroded[start : start + height, reach : reach + width]
    return core
