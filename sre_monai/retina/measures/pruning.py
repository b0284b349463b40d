"""Holes and side branches that are no vessels but the roughness of a mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from skan import Skeleton

from sre_monai.retina.measures.thinning import thin

LONGEST_STEP = 3  # pixels of a path that leaves a branch point and returns to it at once
NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


class Branching(NamedTuple):
    """How the paths of a skeleton meet.

    Attributes:
        start: pixel in which each path starts, an index into the skeleton's.
        end: pixel in which it ends.
        branch_of: number of the branch point of each pixel, −1 for those of none. Neighbouring branch pixels are one.
        branch_points: how many there are.
        is_segment: which paths are segments, not steps within a branch point.
    """

    start: np.ndarray
    end: np.ndarray
    branch_of: np.ndarray
    branch_points: int
    is_segment: np.ndarray


def branching(skeleton: Skeleton) -> Branching:
    """Find the branch points of a skeleton, and which of its paths are segments between them."""
    is_branch = skeleton.degrees > 2
    count, branch_point = connected_components(skeleton.graph[is_branch][:, is_branch], directed=False)
    branch_of = np.full(len(is_branch), -1)
    branch_of[is_branch] = branch_point
    starts, pixels = skeleton.paths.indptr, skeleton.paths.indices
    start, end = pixels[starts[:-1]], pixels[starts[1:] - 1]
    within = (np.diff(starts) <= LONGEST_STEP) & (branch_of[start] >= 0) & (branch_of[start] == branch_of[end])
    return Branching(start, end, branch_of, int(count), ~within)


def fill_holes(mask: np.ndarray, largest: float) -> np.ndarray:
    """Fill the holes of a mask up to an area.

    Args:
        mask: bool of shape (W, H). Beyond the image is outside.
        largest: area in pixels; larger holes stay as they are.

    Returns:
        The mask without these holes.

    Examples:
        >>> fill_holes(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]) > 0, 1).astype(int).tolist()
        [[1, 1, 1], [1, 1, 1], [1, 1, 1]]
    """
    regions, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    is_hole = np.bincount(regions.ravel()) <= largest
    is_hole[[0, regions[0, 0]]] = False  # the vessels, and the outside
    return mask | is_hole[regions[1:-1, 1:-1]]


def prune_spurs(calibres: np.ndarray, least: float) -> np.ndarray:
    """Remove from centre lines the side branches that are shorter than the vessel they leave is wide.

    A spur runs from a branch point to a free end. Where several meet, the two longest arms stay, so that no line
    becomes shorter at its end. Removed as well are pixels beside a line that make it look like a branch point, and
    single ones, which have no length.

    Args:
        calibres: diameters at the pixels of the centre lines, 0 elsewhere, shape (W, H).
        least: length of a spur that is kept, in diameters of the largest disc in the vessels that covers its base; 0
            removes single pixels only.

    Returns:
        The diameters at the pixels that are left, 0 elsewhere.
    """
    calibres = _without_single_pixels(calibres)
    while least and calibres.any():
        skeleton = Skeleton(calibres, keep_images=False)
        pixels = _superfluous_pixels(skeleton, least)
        if not pixels:
            break
        kept = calibres > 0
        kept[tuple(skeleton.coordinates[pixels].T)] = False
        calibres = _without_single_pixels(np.where(thin(kept), calibres, 0))
    return calibres


def _without_single_pixels(calibres: np.ndarray) -> np.ndarray:
    """Remove pixels that touch no other, not even diagonally."""
    line = (calibres > 0).astype(np.uint8)
    return np.where(ndimage.convolve(line, NEIGHBOURHOOD, mode="constant") > 1, calibres, 0)


def _superfluous_pixels(skeleton: Skeleton, least: float) -> list[int]:
    """Pixels of steps within branch points, and of the shortest spurs of each, as long as two arms are left."""
    start, end, branch_of, branch_points, is_segment = branching(skeleton)
    at_ends = np.concatenate([branch_of[start[is_segment]], branch_of[end[is_segment]]])
    arms = np.bincount(at_ends[at_ends >= 0], minlength=branch_points)
    pixels = [pixel for step in np.flatnonzero(~is_segment) for pixel in skeleton.path(step)[1:-1]]
    is_tip = skeleton.degrees[start] == 1
    base, tip = np.where(is_tip, end, start), np.where(is_tip, start, end)
    lengths = skeleton.path_lengths()
    spurs = np.flatnonzero((skeleton.degrees[tip] == 1) & (branch_of[base] >= 0))
    spurs = spurs[lengths[spurs] < least * _local_calibres(skeleton, base[spurs])]
    for spur in spurs[np.argsort(lengths[spurs], kind="stable")]:
        if arms[branch_of[base[spur]]] > 2:
            arms[branch_of[base[spur]]] -= 1
            pixels += [pixel for pixel in skeleton.path(spur) if skeleton.degrees[pixel] <= 2]
    return pixels


def _local_calibres(skeleton: Skeleton, places: np.ndarray) -> np.ndarray:
    """Diameter of the largest disc around any pixel of the centre lines that covers each of these pixels."""
    points, calibres = skeleton.coordinates, skeleton.pixel_values
    near = KDTree(points).query_ball_point(points[places], (calibres.max() + 1) / 2)
    return np.array(
        [
            calibres[others][2 * np.hypot(*(points[others] - points[place]).T) <= calibres[others] + 1].max()
            for place, others in zip(places, near, strict=True)
        ]
    )
