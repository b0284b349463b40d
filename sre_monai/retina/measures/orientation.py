"""The orientation in which a mask is measured, so that turned and mirrored copies give the same measures."""

from __future__ import annotations

import numpy as np

from sre_monai.transforms.grid_symmetries import GridSymmetry, grid_symmetries

Orientation = GridSymmetry  # the former name
SYMMETRIES = grid_symmetries(2)


def canonical_orientation(image: np.ndarray) -> GridSymmetry:
    """Choose an orientation by the image itself, so that turned and mirrored copies become identical.

    Of the eight orientations it is the last in the order of their width, then of their sums along the axes, then of
    their pixels. Whatever is computed in this orientation does not depend on how the image was turned.

    Args:
        image: whole numbers or bool, shape (W, H).

    Returns:
        The symmetry that brings the image into this orientation. For an image with a symmetry of its own there are
        several; any of them is returned.

    Examples:
        >>> image = np.arange(6).reshape(2, 3) == 4
        >>> turned = [image, image.T, image[::-1], np.rot90(image)]
        >>> [canonical_orientation(copy).apply(copy).argmax().item() for copy in turned]
        [2, 2, 2, 2]
    """
    sums = image.sum(axis=1, dtype=np.int64), image.sum(axis=0, dtype=np.int64)
    keys = {symmetry: _profiles(sums, symmetry) for symmetry in SYMMETRIES}
    last = max(keys.values())
    equal = [symmetry for symmetry, key in keys.items() if key == last]
    return equal[0] if len(equal) == 1 else max(equal, key=lambda symmetry: symmetry.apply(image).tobytes())


def _profiles(sums: tuple[np.ndarray, np.ndarray], symmetry: GridSymmetry) -> tuple[int, list[int], list[int]]:
    """Width of the turned image, and its sums along each axis."""
    first, second = (sums[axis][::-1] if mirror else sums[axis] for axis, mirror in zip(*symmetry))
    return len(first), first.tolist(), second.tolist()
