"""Bifurcations: the angles between branches and the relation of their calibres."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from sre_monai.retina.measures.segments import VesselGraph

NEAR, FAR = 1.0, 3.0  # calibres of the branch: from the branch point to where its direction is taken
FEWEST_POINTS = 4
LEAST_EXPONENT, LARGEST_EXPONENT = 0.5, 20.0
COLUMNS = ("x", "y", "angle_deg", "parent_px", "large_px", "small_px", "coefficient", "exponent")


def bifurcations(graph: VesselGraph) -> pd.DataFrame:
    """Measure the branch points in which three segments meet.

    The widest of the three is the parent. The angle between the other two is that of their directions, from the point
    at one calibre from the branch point to that at three. The branching coefficient is (d₁² + d₂²) / d₀² (Zamir 1976).
    The branching exponent x solves d₀ˣ = d₁ˣ + d₂ˣ; it is 3 by Murray's law (1926, doi 10.1073/pnas.12.3.207).
    Calibres are those of the whole segments. Left out are branch points with a segment that is too short for a
    direction.

    Args:
        graph: the vessels.

    Returns:
        A row per bifurcation: its position ``x`` and ``y``, the columns of the mask and its rows; ``angle_deg``;
        ``parent_px``, ``large_px`` and ``small_px``, the calibres; ``coefficient``; ``exponent``, NaN where there is no
        solution from 0.5 to 20.
    """
    calibres = graph.vessels.mean_calibres
    order = np.argsort(graph.arms.ravel(), kind="stable")
    branches = graph.arms.ravel()[order]
    firsts = np.searchsorted(branches, np.arange(graph.branch_points + 1))
    rows = []
    for branch in np.flatnonzero(np.diff(firsts) == 3):
        arms = order[firsts[branch] : firsts[branch + 1]]
        arms = arms[np.argsort(-calibres[arms // 2], kind="stable")]
        center = graph.branches[branch]
        directions = [_direction(graph, arm // 2, center, calibres[arm // 2]) for arm in arms[1:]]
        first, second = directions
        if len(set(arms // 2)) == 3 and first is not None and second is not None:
            parent, large, small = map(float, calibres[arms // 2])
            cross, dot = first[0] * second[1] - first[1] * second[0], first @ second
            angle = float(np.degrees(np.arctan2(abs(cross), dot)))
            coefficient = (large**2 + small**2) / parent**2
            shape = angle, parent, large, small, coefficient, branching_exponent(parent, large, small)
            rows.append((center[1], center[0], *shape))
    return pd.DataFrame(rows, columns=COLUMNS, dtype=float)


def branching_exponent(parent: float, large: float, small: float) -> float:
    """Solve d₀ˣ = d₁ˣ + d₂ˣ.

    Args:
        parent: calibre d₀.
        large: d₁.
        small: d₂.

    Returns:
        x, NaN where there is none from 0.5 to 20.

    Examples:
        >>> round(branching_exponent(2 ** (1 / 3), 1, 1), 6)
        3.0
    """

    def excess(exponent: float) -> float:
        return (large / parent) ** exponent + (small / parent) ** exponent - 1

    if not excess(LEAST_EXPONENT) > 0 > excess(LARGEST_EXPONENT):
        return float("nan")
    return float(brentq(excess, LEAST_EXPONENT, LARGEST_EXPONENT))


def _direction(graph: VesselGraph, segment: int, center: np.ndarray, calibre: float) -> np.ndarray | None:
    """Direction in which a segment leaves a branch point; None for one that is too short."""
    lines = graph.vessels.lines
    points = lines.points[lines.starts[segment] : lines.ends[segment] + 1]
    if np.hypot(*(points[0] - center)) > np.hypot(*(points[-1] - center)):
        points = points[::-1]
    distance = np.hypot(*(points - center).T)
    begin = int(np.argmax(distance >= NEAR * calibre))
    reached = np.flatnonzero(distance[begin:] >= FAR * calibre)
    end = begin + int(reached[0]) if len(reached) else len(points) - 1
    if distance[begin] < NEAR * calibre or end - begin < FEWEST_POINTS:
        return None
    return points[end] - points[begin]
