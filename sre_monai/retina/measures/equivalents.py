"""Equivalents of the central retinal artery and vein, from the calibres of the largest vessels near the disc."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, nan

import numpy as np

from sre_monai.retina.measures.segments import VesselLines
from sre_monai.retina.measures.zones import Disc, Zone

ARTERIES, VEINS = 0.88, 0.95  # branching coefficients of Knudtson et al.
LARGEST = 6


def central_equivalent(calibres: Sequence[float], coefficient: float) -> float:
    """Combine the calibres of vessels into that of the vessel they come from.

    The revised formulas of Knudtson et al. (2003, doi 10.1076/ceyr.27.3.143.16049). Of the six largest, or fewer, the
    largest and the smallest are combined to w = c · √(w₁² + w₂²), the second largest and the second smallest, and so
    on; one that is left in the middle goes on as it is. This is repeated until a single one is left.

    Args:
        calibres: of the vessels, in any unit.
        coefficient: 0.88 for arteries (CRAE), 0.95 for veins (CRVE).

    Returns:
        The equivalent in the same unit, NaN without vessels.

    Examples:
        >>> central_equivalent([3, 4], 1)
        5.0
    """
    left = sorted(calibres)[-LARGEST:]
    if not left:
        return nan
    while len(left) > 1:
        half = len(left) // 2
        pairs = [coefficient * hypot(left[i], left[-1 - i]) for i in range(half)]
        left = sorted(pairs + left[half : len(left) - half])
    return float(left[0])


def crossing_vessels(vessels: VesselLines, zone: Zone, disc: Disc) -> np.ndarray:
    """Choose the vessels of a zone that the equivalents are made of: the largest that cross its middle circle.

    Each vessel crosses it once, as a trunk or as branches, so that none is counted twice.

    Args:
        vessels: pieces of vessels inside the zone.
        zone: the zone.
        disc: the optic disc.

    Returns:
        Indices of up to six pieces, the widest first.
    """
    lines = vessels.lines
    if not len(lines.starts):
        return np.zeros(0, int)
    middle = sum(zone.radii(disc)) / 2
    beyond = np.hypot(*(lines.points - disc.center).T) > middle
    outside = lines.sums(beyond.astype(int))
    mean = vessels.mean_calibres
    crossing = np.flatnonzero((outside > 0) & (outside < lines.counts) & ~np.isnan(mean))
    return crossing[np.argsort(-mean[crossing], kind="stable")[:LARGEST]]
