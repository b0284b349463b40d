"""Pixels of any depth as images of 8 bits: white is what the file says, or what the picture holds."""

from __future__ import annotations

import numpy as np
from PIL import Image

DEPTHS = range(8, 33, 2)  # bits that cameras and files have
OUTLIERS = 5e-4  # part of the values above zero that may lie beyond white: hot pixels, not a bright part of the picture


def white_level(values: np.ndarray, declared: int | None = None) -> int:
    """Find the value that stands for white.

    It is what the file declares, if the picture keeps to it; else the least of 1 (floating point only), 255, 1023, 4095
    and so on that the picture keeps to. A few hot pixels don't count, so that one of them does not darken the rest.

    Args:
        values: numbers, of any shape.
        declared: by the file; None where it says nothing.

    Returns:
        The value.

    Raises:
        ValueError: when the values are negative, not numbers, or on a scale that can't be told.

    Examples:
        >>> white_level(np.array([0, 3000]))
        4095
        >>> white_level(np.array([0, 3000]), declared=65535)
        65535
        >>> white_level(np.array([0.0, 0.7]))
        1
    """
    if values.dtype.kind not in "uif":
        raise ValueError(f"values of the type {values.dtype} are not a picture")
    outliers = OUTLIERS * np.count_nonzero(values > 0)
    if values.dtype.kind != "u" and np.count_nonzero(values < 0) > outliers:
        raise ValueError(f"its values begin at {np.nanmin(values):g}: black is expected at 0")
    floating = values.dtype.kind == "f"
    levels = [1] * floating + [2**bits - 1 for bits in DEPTHS]
    for level in [declared, *(level for level in levels if level > declared)] if declared else levels:
        if np.count_nonzero(values > level) <= outliers:
            break
    else:
        raise ValueError(f"its values reach {np.nanmax(values):g}: white is expected at {levels[-1]} at most")
    if floating and level == levels[1] and not np.count_nonzero(values > 2) > outliers:
        raise ValueError(f"its values reach {np.nanmax(values):g}: white is expected at 1, or at 255")
    return level


def white_note(dtype: np.dtype, white: int) -> str:
    """What to tell of the value that was read as white, where it is not the one that the type suggests.

    Args:
        dtype: of the values.
        white: see `white_level`.

    Returns:
        The note, or nothing.

    Examples:
        >>> white_note(np.dtype(np.uint16), 4095)
        '4095 of 65535 was read as white (12 bits)'
    """
    greatest = np.iinfo(dtype).max if dtype.kind == "u" else 65535
    if white == greatest or (dtype.kind != "u" and white in (1, 255)):
        return ""
    return f"{white} of {greatest} was read as white ({white.bit_length()} bits)"


def to_bytes(values: np.ndarray, white: int) -> np.ndarray:
    """Scale to uint8.

    Args:
        values: of any shape; what is below zero, or not a number, becomes zero.
        white: the value that becomes 255, see `white_level`; what is above becomes 255 as well.

    Returns:
        The bytes, of the same shape.

    Examples:
        >>> to_bytes(np.array([0, 819, 4095, 65535], np.uint16), 4095).tolist()
        [0, 51, 255, 255]
    """
    if values.dtype == np.uint8 and white == 255:
        return values
    scaled = np.nan_to_num(values.astype(np.float32 if values.dtype.itemsize < 4 else np.float64), posinf=white)
    scaled *= 255 / white
    return np.rint(scaled.clip(0, 255, out=scaled), out=scaled).astype(np.uint8)


def check_array(values: np.ndarray) -> None:
    """Refuse an array in memory whose scale can't be told: no file says what its values mean.

    Args:
        values: what a caller gives as a photograph.

    Raises:
        ValueError: unless it is uint8 or uint16, or holds finite numbers from 0 to 255 (floating point: or to 1).

    Examples:
        >>> check_array(np.array([[0, 255]]))
        >>> check_array(np.array([[-1.0, 1.0]]))
        Traceback (most recent call last):
        ValueError: an array of uint8, uint16, or numbers in 0–255 or 0–1 is expected, got float64 from -1 to 1: ...
    """
    if values.dtype in (np.uint8, np.uint16):
        return
    if values.dtype.kind not in "uif" or not np.isfinite(values).all():
        raise ValueError(f"an array of finite numbers is expected, got {values.dtype}: convert it, as to uint8.")
    if values.min() < 0 or values.max() > 255:
        raise ValueError(
            "an array of uint8, uint16, or numbers in 0–255 or 0–1 is expected, got "
            f"{values.dtype} from {values.min():g} to {values.max():g}: convert it, as to uint16."
        )


def image_of(values: np.ndarray, notes: list[str], declared: int | None = None, inverted: bool = False) -> Image.Image:
    """Make an image of 8 bits.

    Args:
        values: shape (H, W) or (H, W, C): grey or RGB; a second or fourth channel is alpha.
        notes: gets what is worth telling.
        declared: see `white_level`.
        inverted: whether zero is white.

    Returns:
        The image, grey or RGB, with alpha where the values have it.

    Raises:
        ValueError: for values of another shape, or those that `white_level` refuses.

    Examples:
        >>> image_of(np.zeros((3, 4, 3), np.uint16), []).size
        (4, 3)
    """
    if values.ndim not in (2, 3) or values.shape[2:] not in ((), (1,), (2,), (3,), (4,)):
        raise ValueError(f"pixels of shape {values.shape} are not an image")
    values = values[..., 0] if values.shape[2:] == (1,) else values
    values = values.astype(np.uint8) * 255 if values.dtype == bool else values
    has_alpha = values.shape[2:] in ((2,), (4,))
    colours = values[..., :-1] if has_alpha else values
    white = 255 if values.dtype == np.uint8 else white_level(colours, declared)
    notes += filter(None, [white_note(values.dtype, white)])
    pixels = to_bytes(colours, white)
    pixels = 255 - pixels if inverted else pixels
    if has_alpha:
        pixels = np.concatenate([pixels, 255 * (values[..., -1:] > 0).astype(np.uint8)], axis=-1)
    return Image.fromarray(np.ascontiguousarray(pixels))
