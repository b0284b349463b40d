"""Summary of robustness to rotation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from sre_monai.io.tables import align_columns

KEYS = ("image", "protocol", "angle", "flip")


def mean_by_angle(rows: Iterable[Mapping[str, Any]], score: str) -> dict[float, float]:
    """Average a score over the images at each angle.

    Args:
        rows: of one protocol, with ``angle`` in degrees, ``flip`` (empty or False unless flipped) and the score.
        score: its column.

    Returns:
        The mean by angle in degrees, without flips; NaN where no image has the score.

    Examples:
        >>> mean_by_angle([{"angle": 10.0, "flip": False, "dice": d} for d in (0.25, 0.75)], "dice")
        {10.0: 0.5}
    """
    scores: dict[float, list[float]] = defaultdict(list)
    for row in rows:
        if not row["flip"]:
            scores[row["angle"]].append(row[score])
    return {
        angle: float("nan") if np.isnan(values).all() else float(np.nanmean(values)) for angle, values in scores.items()
    }


def summarize_curve(curve: Mapping[float, float]) -> dict[str, float]:
    """Summarise how a score depends on the angle.

    Args:
        curve: the score by angle in degrees, 0 among them. NaN is left out.

    Returns:
        ``upright`` (at 0°), ``mean``, ``std`` (of the population), ``worst`` (the lowest) and ``worst_angle`` in
        degrees; all NaN where no angle has the score.

    Examples:
        >>> summarize_curve({0.0: 0.75, 90.0: 0.25})
        {'upright': 0.75, 'mean': 0.5, 'std': 0.25, 'worst': 0.25, 'worst_angle': 90.0}
    """
    defined = {angle: score for angle, score in curve.items() if not np.isnan(score)}
    if not defined:
        return dict.fromkeys(("upright", "mean", "std", "worst", "worst_angle"), float("nan"))
    scores = np.array(list(defined.values()))
    worst = min(defined, key=lambda angle: defined[angle])
    return {
        "upright": curve[0.0],
        "mean": float(scores.mean()),
        "std": float(scores.std()),
        "worst": defined[worst],
        "worst_angle": float(worst),
    }


def summarize_rotation(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Summarise how each score of single images depends on the pose.

    Args:
        rows: a row for each image and pose, with ``image``, ``angle``, ``flip`` and the scores of one protocol, the
            upright pose among them. NaN is left out.

    Returns:
        For each score the result of :func:`summarize_curve` on its mean by angle, and ``symmetry_deviation``:
        the largest change of a single image's score, relative to upright, under flips and rotations by multiples of
        90°; 0 for an equivariant network.

    Examples:
        >>> rows = [{"image": "a", "angle": a, "flip": False, "dice": 0.8 - a / 900} for a in (0.0, 90.0)]
        >>> summarize_rotation(rows)["dice"]["worst_angle"]
        90.0
    """
    rows = list(rows)
    return {
        name: {**summarize_curve(mean_by_angle(rows, name)), "symmetry_deviation": _symmetry_deviation(rows, name)}
        for name in dict.fromkeys(name for row in rows for name in row if name not in KEYS)
    }


def _symmetry_deviation(rows: list[Mapping[str, Any]], name: str) -> float:
    """Largest change of an image's score under the symmetries of the square."""
    upright = {row["image"]: row[name] for row in rows if row["angle"] == 0 and not row["flip"]}
    changes = [abs(row[name] - upright[row["image"]]) for row in rows if row["angle"] % 90 == 0]
    return float("nan") if np.isnan(changes).all() else float(np.nanmax(changes))


def format_scores(summaries: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Format summaries of scores as a table.

    Args:
        summaries: by protocol or axis and score, from :func:`summarize_curve` or :func:`summarize_rotation`.

    Returns:
        A line for each score.

    Examples:
        >>> print(format_scores({"image": {"auc": {"mean": 0.75, "worst_angle": 90.0}}}))
                     mean  worst_angle
        image auc  0.7500          90°
    """
    cells = {f"{group} {name}": scores[name] for group, scores in summaries.items() for name in scores}
    columns = list(next(iter(cells.values())))
    rows = [
        [line, *(f"{row[name]:.0f}°" if name == "worst_angle" else f"{row[name]:.4f}" for name in columns)]
        for line, row in cells.items()
    ]
    return align_columns([["", *columns], *rows])
