"""Zones around the optic disc in which vessels are measured."""

from __future__ import annotations

from math import pi, sqrt
from typing import NamedTuple

import numpy as np
from scipy import ndimage


class Disc(NamedTuple):
    """The optic disc as a circle.

    Attributes:
        center: of its area, in pixels, as the axes of its mask.
        diameter: of a circle with its area, in pixels.
    """

    center: tuple[float, float]
    diameter: float


class Zone(NamedTuple):
    """A ring around the disc.

    Attributes:
        name: begins the names of what is measured in it.
        inner: its distance from the disc's margin, in disc diameters.
        outer: where it ends, likewise.
    """

    name: str
    inner: float
    outer: float

    def radii(self, disc: Disc) -> tuple[float, float]:
        """Inner and outer radius in pixels."""
        return (0.5 + self.inner) * disc.diameter, (0.5 + self.outer) * disc.diameter


ZONES = (Zone("zone_b", 0.5, 1.0), Zone("zone_c", 0.5, 2.0))
"""The zones of the ARIC study (Hubbard et al. 1999, doi 10.1016/S0161-6420(99)90525-0), and zone C of SIVA."""


def find_disc(mask: np.ndarray) -> Disc | None:
    """Describe a mask of the optic disc by a circle.

    Args:
        mask: bool of shape (W, H). Its largest connected part is the disc.

    Returns:
        The circle with its centre and area; None where the mask is empty.

    Examples:
        >>> x, y = np.mgrid[:100, :80]
        >>> disc = find_disc(np.hypot(x - 60, y - 30) <= 20)
        >>> disc.center, round(disc.diameter)
        ((60.0, 30.0), 40)
    """
    regions, count = ndimage.label(mask)
    if not count:
        return None
    areas = np.bincount(regions.ravel())[1:]
    points = np.argwhere(regions == 1 + areas.argmax())
    x, y = points.mean(axis=0)
    return Disc((float(x), float(y)), 2 * sqrt(areas.max() / pi))


def distance_from(disc: Disc, shape: tuple[int, ...]) -> np.ndarray:
    """Distance of each pixel from the disc's centre, in pixels, float32 of the shape."""
    x, y = (np.arange(size) - center for size, center in zip(shape, disc.center))
    return np.hypot(x[:, None], y[None]).astype(np.float32)


def zone_mask(zone: Zone, disc: Disc, distance: np.ndarray, fov: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the part of a zone that lies inside the field of view.

    Args:
        zone: the zone.
        disc: the optic disc.
        distance: of :func:`distance_from`.
        fov: bool of the same shape.

    Returns:
        The part, bool, and its share of the whole zone, 0–1.
    """
    inner, outer = zone.radii(disc)
    inside = (distance >= inner) & (distance <= outer) & fov
    return inside, min(1.0, float(inside.sum() / (pi * (outer**2 - inner**2))))
