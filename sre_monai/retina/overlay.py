"""Segmentations drawn over the photograph.

Maps come in MONAI's order, channel first as PILReader reads them, (C, W, H), and are drawn in it; finished pictures go
out in PIL's, (H, W, 3).
"""

from __future__ import annotations

import numpy as np
import torch
from monai.utils import convert_to_numpy

from sre_monai.retina.erosion import erode_square
from sre_monai.visualize.picture import to_bytes, to_picture

# The palette of Okabe and Ito (Color Universal Design, 2008) keeps its colours apart in all common colour blindness.
BLUISH_GREEN = (0, 158, 115)
ORANGE = (230, 159, 0)
SKY_BLUE = (86, 180, 233)
CYAN = (0, 229, 255)
WHITE = (255, 255, 255)

TINT_OPACITY = 0.55
OUTLINE_OPACITY = 0.8
OUTLINES_PER_IMAGE = 400  # the field of view's outline is the image's shorter side divided by this wide


def vessel_overlay(
    image: np.ndarray | torch.Tensor,
    mask: np.ndarray | torch.Tensor,
    fov: np.ndarray | torch.Tensor | None = None,
) -> np.ndarray:
    """Draw a vessel mask over its photograph.

    The vessels get a cyan tint through which the photograph still shows, the field of view a thin white outline.

    Args:
        image: photograph (3, W, H) or (1, W, H), intensities 0–255.
        mask: vessels (1, W, H), above zero on a vessel.
        fov: field of view (1, W, H), above zero inside; without it nothing is outlined.

    Returns:
        The picture, uint8 of shape (H, W, 3), as ``PIL.Image.fromarray`` takes it.

    Raises:
        ValueError: if a shape isn't as above or the intensities aren't 0–255.

    Examples:
        >>> vessel_overlay(np.full((3, 40, 30), 200), np.eye(40, 30)[None]).shape
        (30, 40, 3)
    """
    return to_picture(draw_vessels(to_bytes(image), mask, fov))


def draw_vessels(
    image: np.ndarray, mask: np.ndarray | torch.Tensor, fov: np.ndarray | torch.Tensor | None = None
) -> np.ndarray:
    """Draw a vessel mask as `vessel_overlay` does, in place and in MONAI's order of axes.

    Args:
        image: photograph, uint8 of shape (3, W, H).
        mask: vessels (1, W, H), above zero on a vessel.
        fov: field of view (1, W, H), above zero inside; without it nothing is outlined.

    Returns:
        The image.

    Raises:
        ValueError: if a shape isn't as above.

    Examples:
        >>> draw_vessels(np.full((3, 40, 30), 200, np.uint8), np.eye(40, 30)[None]).shape
        (3, 40, 30)
    """
    _paint(image, _region(mask, image, "mask"), CYAN, TINT_OPACITY)
    return _outline(image, fov)


def error_overlay(
    image: np.ndarray | torch.Tensor,
    prediction: np.ndarray | torch.Tensor,
    label: np.ndarray | torch.Tensor,
    fov: np.ndarray | torch.Tensor | None = None,
) -> np.ndarray:
    """Draw where a vessel mask agrees with its label and where it errs, over a dark grey version of the photograph.

    - **bluish green**: vessel in both (true positive)
    - **orange**: vessel in the prediction only (false positive)
    - **sky blue**: vessel in the label only (false negative)

    The colours are three of Okabe and Ito's palette (Color Universal Design, 2008), told apart with any common colour
    blindness.

    Args:
        image: photograph (3, W, H) or (1, W, H), intensities 0–255.
        prediction: predicted vessels (1, W, H), above zero on a vessel.
        label: reference vessels (1, W, H), above zero on a vessel.
        fov: field of view (1, W, H), above zero inside; nothing outside of it is coloured. Without it the whole image
            is.

    Returns:
        The picture, uint8 of shape (H, W, 3).

    Raises:
        ValueError: if a shape isn't as above or the intensities aren't 0–255.

    Examples:
        >>> mask = np.ones((1, 2, 2))
        >>> error_overlay(np.zeros((3, 2, 2)), mask, mask)[0, 0].tolist()
        [0, 158, 115]
    """
    planes = to_bytes(image)
    planes[:] = np.rint(0.6 * planes.mean(axis=0))
    predicted, expected = _region(prediction, planes, "prediction"), _region(label, planes, "label")
    inside = True if fov is None else _region(fov, planes, "fov")
    _paint(planes, predicted & expected & inside, BLUISH_GREEN)
    _paint(planes, predicted & ~expected & inside, ORANGE)
    _paint(planes, ~predicted & expected & inside, SKY_BLUE)
    return to_picture(_outline(planes, fov))


def _region(mask: np.ndarray | torch.Tensor, image: np.ndarray, name: str) -> np.ndarray:
    """Take a mask of an image's size as boolean (W, H)."""
    values = convert_to_numpy(mask)
    if values.shape != (1, *image.shape[1:]):
        raise ValueError(f"{name} must be {(1, *image.shape[1:])} like the image, got {values.shape}.")
    return values[0].astype(bool, copy=False)


def _paint(image: np.ndarray, region: np.ndarray, color: tuple[int, int, int], opacity: float = 1.0) -> None:
    """Mix a colour into a region, in place; by a lookup table of the 256 values."""
    before = np.arange(256)[:, None]
    after = np.rint(before + opacity * (np.array(color) - before)).astype(np.uint8)
    inside = np.flatnonzero(region)
    for channel, table in zip(image.reshape(3, -1), after.T):
        channel[inside] = table[channel[inside]]


def _outline(image: np.ndarray, fov: np.ndarray | torch.Tensor | None) -> np.ndarray:
    """Outline the field of view."""
    if fov is not None:
        inside = _region(fov, image, "fov")
        width = max(1, round(min(inside.shape) / OUTLINES_PER_IMAGE))
        # a pixel is on the outline when a pixel outside is less than `width` away along an axis or diagonal
        _paint(image, inside & ~erode_square(inside, width), WHITE, OUTLINE_OPACITY)
    return image
