"""What a table of scores in many poses says about robustness to rotation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sre_monai.evaluation.rotation import UPRIGHT

__all__ = ["mean_by_angle", "summarize_rotation"]

KEYS = ("image", "protocol", "angle", "flip")
FIGURES = ("upright", "mean", "std", "worst", "worst_angle", "symmetry_deviation")


def summarize_rotation(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Summarise how each score depends on the pose.

    Args:
        rows: rows of a :class:`~sre_monai.evaluation.RotationTable`, the upright pose among them. NaN is left out.

    Returns:
        For each protocol and score: ``upright`` (mean over the images at 0°), ``mean``, ``std`` and ``worst`` (mean,
        population standard deviation and lowest of the angles' means), ``worst_angle`` in degrees, and
        ``symmetry_deviation``: the largest change of a single image's score, from upright, under the mirror images and
        the turns by multiples of 90°; 0 for an equivariant network.

    Examples:
        >>> rows = [{"image": "a", "protocol": "published", "angle": a, "flip": False, "dice": 0.8 - a / 900}
        ...         for a in (0.0, 90.0)]
        >>> summarize_rotation(rows)["published"]["dice"]["worst_angle"]
        90.0
    """
    protocols: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        protocols[row["protocol"]].append(row)
    return {
        protocol: {name: _summarize(protocol_rows, name) for name in protocol_rows[0] if name not in KEYS}
        for protocol, protocol_rows in protocols.items()
    }


def mean_by_angle(rows: Iterable[Mapping[str, Any]], name: str) -> dict[float, float]:
    """Average a score over the images at each angle.

    Args:
        rows: rows of a :class:`~sre_monai.evaluation.RotationTable`, all of one protocol.
        name: the score.

    Returns:
        The mean by angle in degrees, without the mirror images; NaN where no image has the score.

    Examples:
        >>> mean_by_angle([{"angle": 10.0, "flip": False, "dice": d} for d in (0.25, 0.75)], "dice")
        {10.0: 0.5}
    """
    scores: dict[float, list[float]] = defaultdict(list)
    for row in rows:
        if not row["flip"]:
            scores[row["angle"]].append(row[name])
    return {
        angle: float("nan") if np.isnan(values).all() else float(np.nanmean(values)) for angle, values in scores.items()
    }


def _summarize(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, float]:
    """Summary of one score of one protocol."""
    curve = mean_by_angle(rows, name)
    angles, means = np.array(list(curve)), np.array(list(curve.values()))
    upright = {row["image"]: row[name] for row in rows if (row["angle"], row["flip"]) == UPRIGHT}
    deviations = [abs(row[name] - upright[row["image"]]) for row in rows if row["angle"] % 90 == 0]
    defined = np.flatnonzero(~np.isnan(means))
    if not defined.size:
        return dict.fromkeys(FIGURES, float("nan"))
    worst = defined[means[defined].argmin()]
    return {
        "upright": curve[UPRIGHT.angle],
        "mean": float(means[defined].mean()),
        "std": float(means[defined].std()),
        "worst": float(means[worst]),
        "worst_angle": float(angles[worst]),
        "symmetry_deviation": float(np.nanmax(deviations)),
    }
