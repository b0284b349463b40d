"""From MONAI's order of axes, (C, W, H), to that of pictures, (H, W, C). Pillow swaps axes faster than NumPy."""

from __future__ import annotations

import numpy as np
import torch
from monai.utils import convert_to_numpy
from PIL import Image

__all__ = ["plane_to_picture", "to_picture"]


def to_picture(image: np.ndarray | torch.Tensor) -> np.ndarray:
    """Bring a photograph into PIL's order.

    Args:
        image: photograph (3, W, H) or (1, W, H), intensities 0–255.

    Returns:
        A new array, uint8 of shape (H, W, 3), as ``PIL.Image.fromarray`` takes it.

    Raises:
        ValueError: if the shape isn't as above or the intensities aren't 0–255.

    Examples:
        >>> to_picture(np.full((1, 40, 30), 200)).shape
        (30, 40, 3)
    """
    pixels = convert_to_numpy(image)
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3):
        raise ValueError(f"image must be (3, W, H) or (1, W, H), got {pixels.shape}.")
    if pixels.dtype != np.uint8:
        if pixels.min() < 0 or pixels.max() > 255 or (pixels.dtype.kind == "f" and 0 < pixels.max() <= 1):
            raise ValueError(
                f"image must hold intensities 0–255, got {pixels.min():g} to {pixels.max():g}: rescale it."
            )
        pixels = np.rint(pixels).astype(np.uint8)
    planes = [Image.fromarray(plane) for plane in np.broadcast_to(pixels, (3, *pixels.shape[1:]))]
    return np.array(Image.merge("RGB", planes).transpose(Image.Transpose.TRANSPOSE))


def plane_to_picture(plane: np.ndarray) -> np.ndarray:
    """Bring one plane into PIL's order.

    Args:
        plane: bool or uint8 of shape (W, H).

    Returns:
        A new array of the same type, shape (H, W).

    Examples:
        >>> plane_to_picture(np.array([[True, False]])).tolist()
        [[True], [False]]
    """
    picture = Image.fromarray(np.ascontiguousarray(plane).view(np.uint8)).transpose(Image.Transpose.TRANSPOSE)
    return np.array(picture).view(plane.dtype)
