"""The largest disc in a vessel around a point of its centre line."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree


def calibre(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Measure the diameter of the vessels at points of their centre line.

    The diameter is that of the largest disc in the vessel: twice the distance from its centre to the nearest pixel
    outside, less one, since the vessel ends half a pixel before that pixel's centre. The disc's centre is the point
    itself or half a pixel beside it, on the side away from the nearest pixel outside: the centre of a vessel an even
    number of pixels wide lies between two pixels. A bar along an axis gets its exact width, one
    at another angle up to 0.9 pixels less: the corners of the pixels on its outline reach into the vessel. It decides
    which side branches are spurs; the calibre that is reported is measured across the vessel.

    The distances are those of ``scipy.ndimage.distance_transform_edt``. A k-d tree of the pixels along the outside of
    the vessels gives them at the points alone, in a tenth of the time for a large mask.

    Args:
        mask: bool of shape (W, H). Beyond the image is outside.
        points: pixels inside the mask, shape (n, 2).

    Returns:
        Diameters in pixels, float64 of shape (n,).

    Examples:
        >>> mask = np.zeros((9, 30), bool)
        >>> mask[2:6] = True
        >>> calibre(mask, np.array([[3, 10], [4, 20]]))
        array([4., 4.])
    """
    if not len(points):
        return np.zeros(0)
    outline = _outline(mask)
    tree = KDTree(outline)
    distance, nearest = tree.query(points)
    away = points - outline[nearest]
    direction = np.rint(away / distance[:, None])
    beside, _ = tree.query(points + direction / 2)
    return 2 * np.maximum(distance, beside) - 1


def _outline(mask: np.ndarray) -> np.ndarray:
    """Pixels outside that share a side with one inside; one of them is the nearest of any point inside."""
    padded = np.pad(mask, 2)
    inside = padded[1:-1, 1:-1]
    touching = padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    return np.argwhere(touching & ~inside) - 1
