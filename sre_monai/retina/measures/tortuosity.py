"""How tortuous vessels are: by length over chord, by curvature and by inflections."""

from __future__ import annotations

import numpy as np

from sre_monai.retina.measures.centre_line import CentreLines
from sre_monai.retina.measures.segments import VesselLines
from sre_monai.retina.measures.turning import turning


def tortuosities(vessels: VesselLines, limit: float) -> dict[str, float]:
    """Measure the tortuosity of vessels.

    Args:
        vessels: the vessels.
        limit: the greatest length over chord of one of them.

    Returns:
        ``tortuosity``, ``tortuosity_median``, ``curvature_per_px``, ``inflections_per_px`` and
        ``tortuosity_density_per_px``, as docs/measures.md defines them; NaN without vessels.
    """
    lines = vessels.lines
    length, ratio = lines.length, vessels.tortuosity(limit)
    total, is_open = float(length.sum()), ~np.isnan(ratio)
    chord = float((length[is_open] / ratio[is_open]).sum())
    turn = turning(lines, vessels.is_measured)
    density = length * tortuosity_density(lines, turn.is_inflection, limit)
    values = (turn.total.sum(), turn.is_inflection.sum(), density.sum())
    curvature, inflections, mean_density = (float(value) / total if total else np.nan for value in values)
    return {
        "tortuosity": float(length[is_open].sum()) / chord if chord else np.nan,
        "tortuosity_median": float(np.median(ratio[is_open])) if is_open.any() else np.nan,
        "curvature_per_px": curvature,
        "inflections_per_px": inflections,
        "tortuosity_density_per_px": mean_density,
    }


def tortuosity_density(lines: CentreLines, is_inflection: np.ndarray, limit: float) -> np.ndarray:
    """Measure the tortuosity density of lines (Grisan et al. 2008, doi 10.1109/TMI.2007.904657).

    A line of length L is divided at its inflections into n parts. Its density is (n − 1) / L times the sum over the
    parts of length over chord, less one. A line without an inflection has none.

    Args:
        lines: the lines.
        is_inflection: whether a line turns the other way from a point on, bool of shape (N,).
        limit: the greatest length over chord of a part.

    Returns:
        The density of each line, in 1/px, shape (n,).
    """
    if not len(lines.starts):
        return np.zeros(0)
    first = is_inflection.copy()
    first[lines.starts] = True
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(lines.points) - 1)  # a part ends where the next begins
    line = np.searchsorted(lines.starts, starts, side="right") - 1
    ends = np.minimum(ends, lines.ends[line])
    along = np.append(0, np.cumsum(lines.steps))
    chord = np.hypot(*(lines.points[ends] - lines.points[starts]).T)
    length = along[ends] - along[starts]
    excess = np.divide(length, chord, out=np.ones_like(length), where=limit * chord > length) - 1
    excess[(chord > 0) & (limit * chord <= length)] = limit - 1
    parts = np.bincount(line, minlength=len(lines.starts))
    return (parts - 1) * np.bincount(line, excess, minlength=len(parts)) / np.maximum(lines.length, 1)
