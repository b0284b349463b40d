"""Vessel segments: the lines of a skeleton between its branch points and end points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components
from skan import Skeleton, summarize

from sre_monai.retina.measures.calibre import calibre
from sre_monai.retina.measures.centre_line import smooth_centre_lines
from sre_monai.retina.measures.orientation import canonical_orientation
from sre_monai.retina.measures.thinning import thin

__all__ = ["VesselGraph", "vessel_graph"]

COLUMNS = (
    *("start_x", "start_y", "end_x", "end_y"),
    *("length_px", "chord_px", "tortuosity", "curvature", "calibre_mean_px", "calibre_sd_px"),
)

LONGEST_STEP = 3  # pixels of a path that leaves a branch point and returns to it at once


class VesselGraph(NamedTuple):
    """The vessels as a graph.

    Attributes:
        segments: a row per segment: ``start_x``, ``start_y``, ``end_x`` and ``end_y``, its ends in pixels, x to the
            right and y downwards;
            ``length_px`` along the smoothed centre line; ``chord_px``, the distance between the ends; ``tortuosity``,
            length over chord, NaN for a closed loop; ``curvature``, the total angle through which it turns, in
            radians; ``calibre_mean_px`` and ``calibre_sd_px``.
        branch_points: number of places where segments meet.
        end_points: number of free ends.
        calibres: diameters at the pixels of the segments, in pixels, ascending.
    """

    segments: pd.DataFrame
    branch_points: int
    end_points: int
    calibres: np.ndarray


def vessel_graph(mask: np.ndarray) -> VesselGraph:
    """Divide the vessels of a mask into segments.

    The graph of the skeleton is skan's (Nunez-Iglesias et al. 2018, doi 10.7717/peerj.4312). Neighbouring branch pixels
    are one branch point, and the steps between them are no segments. A skeleton of a single pixel has no length and is
    left out. The graph is made in the mask's :func:`~sre_monai.retina.canonical_orientation`, so that turned and
    mirrored masks have the same segments in the same order.

    Args:
        mask: bool of shape (H, W).

    Returns:
        The graph.

    Examples:
        >>> mask = np.zeros((21, 21), bool)
        >>> mask[10, 2:19] = mask[2:10, 10] = True
        >>> graph = vessel_graph(mask)
        >>> len(graph.segments), graph.branch_points, graph.end_points
        (3, 1, 3)
    """
    orientation = canonical_orientation(mask)
    turned = np.ascontiguousarray(orientation.apply(mask))
    centre_line = thin(turned)
    points = np.argwhere(centre_line)
    alone = _has_no_neighbour(centre_line, points)
    centre_line[tuple(points[alone].T)] = False
    points = points[~alone]
    if not len(points):
        return VesselGraph(pd.DataFrame(columns=COLUMNS, dtype=float), 0, 0, np.zeros(0))
    diameters = np.zeros(turned.shape, np.float32)
    diameters[centre_line] = calibre(turned, points)
    skeleton = Skeleton(diameters, keep_images=False)
    is_branch = skeleton.degrees > 2
    branch_points, branch_point = connected_components(skeleton.graph[is_branch][:, is_branch], directed=False)
    branch_of = np.full(len(points), -1)
    branch_of[is_branch] = branch_point

    table = summarize(skeleton, separator="_")
    start, end = table["node_id_src"].to_numpy(), table["node_id_dst"].to_numpy()
    short = np.diff(skeleton.paths.indptr) <= LONGEST_STEP
    within_branch_point = short & (branch_of[start] >= 0) & (branch_of[start] == branch_of[end])
    kept = np.flatnonzero(~within_branch_point)
    lines = smooth_centre_lines([skeleton.path_coordinates(path) for path in kept])
    table = table.iloc[kept]
    ends = [orientation.invert_points(skeleton.coordinates[nodes[kept]], turned.shape) for nodes in (start, end)]
    chord = table["euclidean_distance"].to_numpy()
    with np.errstate(divide="ignore"):
        tortuosity = np.where(chord > 0, lines.length / chord, np.nan)
    calibres = table["mean_pixel_value"].to_numpy(), table["stdev_pixel_value"].to_numpy()
    start_y, start_x, end_y, end_x = np.concatenate(ends, axis=1).T
    values = (start_x, start_y, end_x, end_y, lines.length, chord, tortuosity, lines.curvature, *calibres)
    return VesselGraph(
        pd.DataFrame(dict(zip(COLUMNS, values, strict=True))),
        int(branch_points),
        int((skeleton.degrees == 1).sum()),
        np.sort(skeleton.pixel_values),
    )


def _has_no_neighbour(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which of an image's pixels touch no other, not even diagonally."""
    padded = np.pad(image, 1)
    around = [padded[points[:, 0] + x, points[:, 1] + y] for x in range(3) for y in range(3)]
    return np.sum(around, axis=0) == 1
