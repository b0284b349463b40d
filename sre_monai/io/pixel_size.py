"""The size of a photograph's pixels."""

from __future__ import annotations

from math import isfinite
from typing import Any

LEAST, GREATEST = 0.1, 200.0  # µm: of a microscope, and of the smallest pictures in which vessels can be seen
RETINA = 60_000.0  # µm, longer than any way along a human retina


def is_plausible_um_per_pixel(size: float, longer_side: int = 1) -> bool:
    """Whether pixels can have this size on a retina.

    Screens and scanners write their own: 1 mm where none is known, 0.26 mm for 96 dots per inch.

    Args:
        size: in µm.
        longer_side: of the picture, in pixels.

    Returns:
        True from 0.1 to 200 µm, if the picture then has less than 60 mm.

    Examples:
        >>> is_plausible_um_per_pixel(6.5, 2048), is_plausible_um_per_pixel(84.7, 2048), is_plausible_um_per_pixel(1000)
        (True, False, False)
    """
    return LEAST <= size <= GREATEST and size * longer_side < RETINA


def check_um_per_pixel(value: Any, name: str = "um_per_pixel") -> float:
    """Check the size of a pixel.

    Args:
        value: a number, or its text.
        name: what it is called in an error.

    Returns:
        The size in µm.

    Raises:
        ValueError: when it is not a positive number, or no size that pixels of a retina can have.

    Examples:
        >>> check_um_per_pixel("7.5")
        7.5
    """
    try:
        size = float(value)
    except (TypeError, ValueError):
        size = float("nan")
    if isinstance(value, bool) or not isfinite(size) or size <= 0:
        raise ValueError(f"{name} must be a positive number of micrometres, got {value!r}.")
    if not is_plausible_um_per_pixel(size):
        raise ValueError(
            f"{name} must be between {LEAST:g} and {GREATEST:g} micrometres, got {value!r}: in millimetres?"
        )
    return size
