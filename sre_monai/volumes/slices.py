"""A picture of a volume: three orthogonal slices, with what was found outlined on them."""

from __future__ import annotations

import nibabel
import numpy as np
from nibabel.orientations import apply_orientation, io_orientation
from PIL import Image
from scipy import ndimage

COLOURS = np.array([(0, 0, 0), (255, 165, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167)], np.uint8)
"""Of the labels, Okabe and Ito's palette; used again from the second on where there are more labels."""

SIDE = 320  # pixels of the longest side of a slice, at least
GAP = 4  # pixels between two slices
RANGE = (0.5, 99.5)  # percentiles that are black and white


def draw_slices(volume: np.ndarray, labels: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw the sagittal, coronal and axial slices through the middle of what was found.

    Seen as radiologists do: the patient's right is on the left, the front is up in the axial slice; slices of other
    orientations are those nearest by. Voxels of any spacing are drawn in their proportions.

    Args:
        volume: shape (X, Y, Z).
        labels: whole numbers of the same shape; where all are 0, the slices are those through the volume's centre.
        affine: (4, 4), to millimetres in RAS.

    Returns:
        Pictures of the slices without and with the outlines of the structures, both uint8 of shape (H, W, 3).

    Examples:
        >>> plain, outlined = draw_slices(np.random.rand(8, 9, 10), np.zeros((8, 9, 10), int), np.eye(4))
        >>> plain.shape == outlined.shape
        True
    """
    orientation = io_orientation(affine)
    volume, labels = (apply_orientation(np.asarray(values), orientation) for values in (volume, labels))
    order = np.argsort(orientation[:, 0])
    spacing = nibabel.affines.voxel_sizes(affine)[order]
    place = _middle(labels)
    grey, panels, outlined = _to_grey(volume), [], []
    for axis in range(3):
        plane, found = (np.rot90(values.take(place[axis], axis)) for values in (grey, labels))
        if axis > 0:
            plane, found = plane[:, ::-1], found[:, ::-1]  # right is on the left
        size = _shown_size(np.delete(spacing, axis)[::-1] * plane.shape)
        plane = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR))
        found = np.asarray(Image.fromarray(found.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        picture = np.repeat(plane[..., None], 3, axis=2)
        panels.append(picture)
        outlined.append(_outline(picture, found))
    return _beside(panels), _beside(outlined)


def _middle(labels: np.ndarray) -> list[int]:
    """Index of the middle of what was found, or of the volume."""
    found = np.argwhere(labels > 0)
    if not len(found):
        return [n // 2 for n in labels.shape]
    return [int(index) for index in np.median(found, axis=0)]


def _to_grey(volume: np.ndarray) -> np.ndarray:
    low, high = np.percentile(volume, RANGE)
    return np.rint(255 * np.clip((volume - low) / max(high - low, 1e-9), 0, 1)).astype(np.uint8)


def _shown_size(millimetres: np.ndarray) -> tuple[int, int]:
    """Width and height of a slice in pixels, from its height and width in mm."""
    height, width = (max(1, round(SIDE * side / millimetres.max())) for side in millimetres)
    return width, height


def _outline(picture: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Draw the inner border of each structure."""
    drawn = picture.copy()
    for label in np.unique(labels[labels > 0]):
        inside = labels == label
        drawn[inside & ~ndimage.binary_erosion(inside, iterations=2)] = COLOURS[1 + (label - 1) % (len(COLOURS) - 1)]
    return drawn


def _beside(panels: list[np.ndarray]) -> np.ndarray:
    height, width = max(len(panel) for panel in panels), sum(panel.shape[1] + GAP for panel in panels) - GAP
    picture, left = np.zeros((height, width, 3), np.uint8), 0
    for panel in panels:
        top = (height - len(panel)) // 2
        picture[top : top + len(panel), left : left + panel.shape[1]] = panel
        left += panel.shape[1] + GAP
    return picture
