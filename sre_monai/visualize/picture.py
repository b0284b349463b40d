"""From MONAI's order of axes, (C, W, H), to that of pictures, (H, W, C). Pillow swaps axes faster than NumPy."""

from __future__ import annotations

import numpy as np
import torch
from monai.utils import convert_to_numpy
from PIL import Image


def to_bytes(image: np.ndarray | torch.Tensor) -> np.ndarray:
    """Copy an image as bytes of three channels, in MONAI's order.

    Args:
        image: (3, W, H) or (1, W, H), intensities 0–255.

    Returns:
        A new array, uint8 of shape (3, W, H).

    Raises:
        ValueError: if the shape isn't as above or the intensities aren't 0–255.

    Examples:
        >>> to_bytes(np.full((1, 40, 30), 199.6))[:, 0, 0].tolist()
        [200, 200, 200]
    """
    pixels = convert_to_numpy(image)
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3):
        raise ValueError(f"image must be (3, W, H) or (1, W, H), got {pixels.shape}.")
    if pixels.dtype != np.uint8:
        if pixels.min() < 0 or pixels.max() > 255 or (pixels.dtype.kind == "f" and 0 < pixels.max() <= 1):
            raise ValueError(
                f"image must hold intensities 0–255, got {pixels.min():g} to {pixels.max():g}: rescale it."
            )
        pixels = np.rint(pixels)
    result = np.empty((3, *pixels.shape[1:]), np.uint8)
    np.copyto(result, pixels, casting="unsafe")
    return result


def to_picture(planes: np.ndarray) -> np.ndarray:
    """Bring an image into PIL's order.

    Args:
        planes: uint8 of shape (3, W, H), see `to_bytes`.

    Returns:
        A new array, uint8 of shape (H, W, 3), as ``PIL.Image.fromarray`` takes it.

    Examples:
        >>> to_picture(np.zeros((3, 40, 30), np.uint8)).shape
        (30, 40, 3)
    """
    channels = [Image.fromarray(plane) for plane in planes]
    return np.array(Image.merge("RGB", channels).transpose(Image.Transpose.TRANSPOSE))


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
