"""Vessel segments: the lines of a skeleton between its branch points and end points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from skan import Skeleton, summarize

from sre_monai.retina.measures.calibre import calibre
from sre_monai.retina.measures.centre_line import smooth_centre_lines
from sre_monai.retina.measures.orientation import canonical_orientation
from sre_monai.retina.measures.pruning import branching, fill_holes, prune_spurs
from sre_monai.retina.measures.thinning import thin

COLUMNS = (
    *("start_x", "start_y", "end_x", "end_y"),
    *("length_px", "chord_px", "tortuosity", "curvature", "calibre_mean_px", "calibre_sd_px"),
)


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
        calibres: diameters at the pixels of the segments, in pixels, ascending.
    """

    segments: pd.DataFrame
    branch_points: int
    end_points: int
    calibres: np.ndarray


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
        return VesselGraph(pd.DataFrame(columns=COLUMNS, dtype=float), 0, 0, np.zeros(0))
    skeleton = Skeleton(diameters, keep_images=False)
    start, end, _, branch_points, is_segment = branching(skeleton)
    kept = np.flatnonzero(is_segment)
    table = summarize(skeleton, separator="_").iloc[kept]
    lines = smooth_centre_lines([skeleton.path_coordinates(path) for path in kept])
    ends = [orientation.invert_points(skeleton.coordinates[nodes[kept]], turned.shape) for nodes in (start, end)]
    chord = table["euclidean_distance"].to_numpy()
    with np.errstate(divide="ignore"):
        tortuosity = np.where(chord > 0, np.minimum(lines.length / chord, tortuosity_limit), np.nan)
    calibres = table["mean_pixel_value"].to_numpy(), table["stdev_pixel_value"].to_numpy()
    start_y, start_x, end_y, end_x = np.concatenate(ends, axis=1).T
    values = (start_x, start_y, end_x, end_y, lines.length, chord, tortuosity, lines.curvature, *calibres)
    return VesselGraph(
        pd.DataFrame(dict(zip(COLUMNS, values, strict=True))),
        branch_points,
        int((skeleton.degrees == 1).sum()),
        np.sort(skeleton.pixel_values),
    )
