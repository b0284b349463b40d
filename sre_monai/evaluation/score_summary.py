"""Summary of the scores of single images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np


def summarize_scores(rows: Iterable[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Summarise the images' scores, leaving out NaN.

    Args:
        rows: a mapping from names to scores per image.

    Returns:
        For every name its ``mean``, ``std`` (of the population, as in MONAI's reports), ``min`` and ``max``; NaN where
        no image has that score.

    Raises:
        ValueError: if there is no row.

    Examples:
        >>> summarize_scores([{"dice": 0.75}, {"dice": 0.25}, {"dice": float("nan")}])
        {'dice': {'mean': 0.5, 'std': 0.25, 'min': 0.25, 'max': 0.75}}
    """
    rows = list(rows)
    if not rows:
        raise ValueError("there are no scores to summarise: rows is empty.")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _summarize(np.array([row.get(name, np.nan) for row in rows])) for name in names}


def _summarize(scores: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and range of the scores that aren't NaN."""
    defined = scores[~np.isnan(scores)]
    if defined.size == 0:
        return dict.fromkeys(("mean", "std", "min", "max"), float("nan"))
    return {name: float(getattr(defined, name)()) for name in ("mean", "std", "min", "max")}
