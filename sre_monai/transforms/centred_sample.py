"""A sample of an image's pixels that turns with the image."""

from __future__ import annotations

import numpy as np


def centred_sample(image: np.ndarray, least_side: int) -> np.ndarray:
    """Take every third pixel along both axes, or every fifth and so on, symmetrically about the centre.

    Steps are odd: only then has a side of any length pixels at equal distances on both sides of its centre.

    Args:
        image: shape (C, W, H).
        least_side: number of pixels that the shorter side keeps, if it has as many. The step is as large as that
            allows.

    Returns:
        A view of shape (C, w, h).

    Examples:
        >>> centred_sample(np.tile(np.arange(8), (1, 9, 1)), least_side=2)[0, 0].tolist()
        [2, 5]
        >>> centred_sample(np.tile(np.arange(9), (1, 9, 1)), least_side=3)[0, 0].tolist()
        [1, 4, 7]
    """
    step = max(1, min(image.shape[1:]) // least_side)
    step -= 1 - step % 2
    across, along = (slice((n - 1 + step * (1 - n % 2)) // 2 % step, None, step) for n in image.shape[1:])
    return image[:, across, along]
