"""The threshold that makes a mask of probabilities."""

from __future__ import annotations

from numbers import Real

DEFAULT_THRESHOLD = 0.5


def check_threshold(threshold: float) -> float:
    """Check that a probability threshold is valid.

    Args:
        threshold: pixels at or above it are in the mask.

    Returns:
        The threshold.

    Raises:
        ValueError: when it is not a number in 0–1.

    Examples:
        >>> check_threshold(0.4)
        0.4
    """
    if not isinstance(threshold, Real) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a number in 0–1, got {threshold!r}.")
    return threshold
