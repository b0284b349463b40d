"""Thinning of vessel masks to their centre lines."""

from __future__ import annotations

import numba
import numpy as np

from sre_monai.retina.measures.orientation import canonical_orientation

# a pixel's neighbours in their order around it; those at even places share a side with it
NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))


def thin(mask: np.ndarray) -> np.ndarray:
    """Thin a mask to lines of one pixel, which turn and mirror exactly as the mask does.

    This is the thinning of Guo and Hall (1989, doi 10.1145/62065.62074) in the mask's
    :func:`~sre_monai.retina.canonical_orientation`. Where a vessel is an even number of pixels wide, every thinning
    to one pixel has to choose a side. In a fixed orientation the choice changes when the mask is turned, and with it
    lengths and branch points; here it follows the mask.

    scikit-image's ``thin`` visits every pixel of the image in every pass. Here only the pixels are visited whose
    neighbours have changed, so that a large mask is thinned in a fraction of the time.

    Args:
        mask: bool of shape (W, H).

    Returns:
        The skeleton, bool of the same shape. For a mask that has a symmetry of its own, it may lack this symmetry.

    Examples:
        >>> thin(np.ones((3, 7), bool)).astype(int)
        array([[0, 0, 0, 0, 0, 0, 0],
               [0, 1, 1, 1, 1, 1, 0],
               [0, 0, 0, 0, 0, 0, 0]])
    """
    orientation = canonical_orientation(mask)
    padded = np.pad(orientation.apply(mask), 1).astype(np.uint8, order="C")
    offsets = np.array([row * padded.shape[1] + column for row, column in NEIGHBOURS])
    _remove_borders(padded.reshape(-1), np.flatnonzero(padded), offsets, REMOVABLE)
    return np.ascontiguousarray(orientation.invert(padded[1:-1, 1:-1] > 0))


def _removable() -> np.ndarray:
    """Tabulate for both alternating steps which pixels are removed, by the bits of their eight neighbours."""
    codes = np.arange(256)
    x1, x2, x3, x4, x5, x6, x7, x8 = (codes >> place & 1 == 1 for place in range(8))
    sides = np.stack([~x1 & (x2 | x3), ~x3 & (x4 | x5), ~x5 & (x6 | x7), ~x7 & (x8 | x1)]).sum(0)
    pairs = np.stack([x1 | x2, x3 | x4, x5 | x6, x7 | x8]).sum(0)
    shifted = np.stack([x2 | x3, x4 | x5, x6 | x7, x8 | x1]).sum(0)
    fewest = np.minimum(pairs, shifted)
    simple = (sides == 1) & (fewest >= 2) & (fewest <= 3)
    return np.stack([simple & ~((x2 | x3 | ~x8) & x1), simple & ~((x6 | x7 | ~x4) & x5)])


REMOVABLE = _removable()


@numba.njit(cache=True, nogil=True)
def _remove_borders(image: np.ndarray, pixels: np.ndarray, offsets: np.ndarray, removable: np.ndarray) -> None:
    """Remove pixels in turns of two steps, in place, until none is left to remove.

    Args:
        image: 0 and 1, flat, with a border of zeros.
        pixels: indices of its ones; overwritten.
        offsets: from an index to its neighbours'.
        removable: table of shape (2, 256).
    """
    changed = np.zeros(image.size, np.int32)  # the step in which the neighbourhood last changed
    removed = np.empty(pixels.size, pixels.dtype)
    step, count, quiet = 0, pixels.size, 0
    while quiet < 2:
        step += 1
        kept, gone = 0, 0
        for place in range(count):
            pixel = pixels[place]
            if changed[pixel] >= step - 2:  # otherwise both steps have left it as it is
                code = 0
                for bit in range(8):
                    code |= image[pixel + offsets[bit]] << bit
                if removable[step % 2 ^ 1, code]:
                    removed[gone] = pixel
                    gone += 1
                    continue
            pixels[kept] = pixel
            kept += 1
        for pixel in removed[:gone]:
            image[pixel] = 0
            for bit in range(8):
                changed[pixel + offsets[bit]] = step
        count = kept
        quiet = 0 if gone else quiet + 1
