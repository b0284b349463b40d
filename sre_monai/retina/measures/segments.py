"""Vessel segments: the lines of a skeleton between its branch points and end points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from skan import Skeleton

from sre_monai.retina.measures.calibre import calibre
from sre_monai.retina.measures.centre_line import CentreLines, smooth_centre_lines
from sre_monai.retina.measures.cross_section import measure_across
from sre_monai.retina.measures.orientation import canonical_orientation
from sre_monai.retina.measures.pruning import branching, fill_holes, prune_spurs
from sre_monai.retina.measures.thinning import thin
from sre_monai.retina.measures.turning import turning

COLUMNS = (
    *("start_x", "start_y", "end_x", "end_y"),
    *("length_px", "chord_px", "tortuosity", "curvature", "calibre_mean_px", "calibre_sd_px"),
)


class VesselLines(NamedTuple):
    """Centre lines with the pixel and the calibre at each point.

    Attributes:
        lines: the smoothed lines, N points in all.
        pixels: of the thinned mask, shape (N, 2).
        calibres: diameters in pixels, NaN where they are not measured, shape (N,).
    """

    lines: CentreLines
    pixels: np.ndarray
    calibres: np.ndarray

    def inside(self, region: np.ndarray) -> VesselLines:
        """Cut the lines at the border of a region.

        Args:
            region: bool of the mask's shape.

        Returns:
            The pieces inside of two points or more; a line that leaves the region and comes back is several.
        """
        within = region[tuple(self.pixels.T)]
        begins = np.zeros(len(within), bool)
        begins[self.lines.starts] = True
        begins[1:] |= within[1:] != within[:-1]
        piece = np.cumsum(begins) - 1
        within &= np.bincount(piece)[piece] > 1 if len(piece) else within
        starts = np.flatnonzero(np.diff(piece[within], prepend=-1))
        return VesselLines(CentreLines(self.lines.points[within], starts), self.pixels[within], self.calibres[within])

    @property
    def is_measured(self) -> np.ndarray:
        """Where the calibre is measured, bool of shape (N,)."""
        return ~np.isnan(self.calibres)

    @property
    def mean_calibres(self) -> np.ndarray:
        """Mean calibre of each line, weighted by length, NaN where it is not measured, shape (n,)."""
        weights = np.where(self.is_measured, self.lines.weights, 0)
        with np.errstate(invalid="ignore"):
            return self.lines.sums(weights * np.nan_to_num(self.calibres)) / self.lines.sums(weights)

    def tortuosity(self, limit: float) -> np.ndarray:
        """Length over chord of each line, up to a limit; NaN for closed loops, shape (n,)."""
        chord = self.lines.chord
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(chord > 0, np.minimum(self.lines.length / chord, limit), np.nan)


class VesselGraph(NamedTuple):
    """The vessels as a graph.

    Attributes:
        segments: a row per segment: ``start_x``, ``start_y``, ``end_x`` and ``end_y``, its ends in pixels, x to the
            right and y downwards;
            ``length_px`` along the smoothed centre line; ``chord_px``, the distance between the ends; ``tortuosity``,
            length over chord up to a limit, NaN for a closed loop; ``curvature``, the total angle through which it
            turns, in radians; ``calibre_mean_px`` and ``calibre_sd_px``.
        branch_points: number of places where segments meet.
        end_points: number of free ends.
        vessels: the segments' centre lines, in the mask's pixels.
        branches: positions of the branch points, shape (branch_points, 2).
        ends: positions of the free ends, shape (end_points, 2).
        arms: for each segment the branch points in which it starts and ends, −1 for none, shape (segments, 2).
    """

    segments: pd.DataFrame
    branch_points: int
    end_points: int
    vessels: VesselLines
    branches: np.ndarray
    ends: np.ndarray
    arms: np.ndarray


def vessel_graph(
    mask: np.ndarray, least_spur: float = 0.0, largest_hole: float = 0.0, tortuosity_limit: float = np.inf
) -> VesselGraph:
    """Divide the vessels of a mask into segments.

    The graph of the skeleton is skan's (Nunez-Iglesias et al. 2018, doi 10.7717/peerj.4312). Neighbouring branch pixels
    are one branch point, and the steps between them are no segments. A skeleton of a single pixel has no length and is
    left out. The graph is made in the mask's :func:`~sre_monai.retina.canonical_orientation`, so that turned and
    mirrored masks have the same segments in the same order.

    Args:
        mask: bool of shape (H, W).
        least_spur: length of a side branch that is kept, in calibres of its vessel; by default all are.
        largest_hole: area of a hole that is filled, in pixels; by default none is.
        tortuosity_limit: the greatest tortuosity of a segment, even if its ends almost meet.

    Returns:
        The graph.

    Examples:
        >>> mask = np.zeros((21, 21), bool)
        >>> mask[10, 2:19] = mask[2:10, 10] = True
        >>> graph = vessel_graph(mask)
        >>> len(graph.segments), graph.branch_points, graph.end_points
        (3, 1, 3)
    """
    mask = fill_holes(mask, largest_hole)
    orientation = canonical_orientation(mask)
    turned = np.ascontiguousarray(orientation.apply(mask))
    points = np.argwhere(thin(turned))
    diameters = np.zeros(turned.shape, np.float32)
    diameters[tuple(points.T)] = calibre(turned, points)
    diameters = prune_spurs(diameters, least_spur)
    if not diameters.any():
        return _nothing()
    skeleton = Skeleton(diameters, keep_images=False)
    start, end, branch_of, branch_points, is_segment = branching(skeleton)
    kept = np.flatnonzero(is_segment)
    paths = [skeleton.path_coordinates(path) for path in kept]
    pixels = np.concatenate(paths)
    lines, calibres = measure_across(turned, paths, diameters[tuple(pixels.T)])
    vessels = VesselLines(lines, pixels, calibres)
    branches = _centres(skeleton.coordinates[branch_of >= 0], branch_of[branch_of >= 0], branch_points)
    ends = skeleton.coordinates[skeleton.degrees == 1]

    def back(points: np.ndarray) -> np.ndarray:
        return orientation.invert_points(points, turned.shape)

    return VesselGraph(
        _table(vessels, tortuosity_limit, back(pixels)),
        branch_points,
        len(ends),
        VesselLines(CentreLines(back(lines.points), lines.starts), back(pixels), calibres),
        back(branches),
        back(ends),
        np.stack([branch_of[start[kept]], branch_of[end[kept]]], axis=1),
    )


def _table(vessels: VesselLines, tortuosity_limit: float, pixels: np.ndarray) -> pd.DataFrame:
    """A row per segment; its ends are taken from the pixels in the mask's own orientation."""
    lines = vessels.lines
    mean = vessels.mean_calibres
    weights = np.where(vessels.is_measured, lines.weights, 0)
    squares = weights * np.nan_to_num(vessels.calibres - np.repeat(mean, lines.counts)) ** 2
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(lines.sums(squares) / lines.sums(weights))
    start_y, start_x, end_y, end_x = np.concatenate([pixels[lines.starts], pixels[lines.ends]], axis=1).T
    turn = turning(lines, vessels.is_measured).total
    shape = lines.length, lines.chord, vessels.tortuosity(tortuosity_limit), turn
    values = (start_x, start_y, end_x, end_y, *shape, mean, deviation)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _centres(points: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    """Mean position of each group of points."""
    sums = [np.bincount(groups, axis, minlength=count) for axis in points.T]
    return np.stack(sums, axis=1) / np.bincount(groups, minlength=count)[:, None]


def _nothing() -> VesselGraph:
    """The graph of a mask without vessels."""
    nowhere = np.zeros((0, 2), int)
    vessels = VesselLines(smooth_centre_lines([]), nowhere, np.zeros(0))
    table = pd.DataFrame(columns=COLUMNS, dtype=float)
    return VesselGraph(table, 0, 0, vessels, nowhere.astype(float), nowhere, nowhere)
