"""The size of a photograph's pixels."""

from __future__ import annotations

from math import isfinite
from typing import Any

__all__ = ["check_um_per_pixel"]


def check_um_per_pixel(value: Any, name: str = "um_per_pixel") -> float:
    """Check the size of a pixel.

    Args:
        value: a number, or its text.
        name: what it is called in an error.

    Returns:
        The size in µm.

    Raises:
        ValueError: when it is not a positive number.

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
    return size
