import numpy as np
import pytest
from scipy import ndimage

from sre_monai.retina import calibre, thin


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("axis", [0, 1])
def test_a_bar_along_an_axis_has_its_width(width, axis):
    mask = np.zeros((60, 60), bool)
    mask[20 : 20 + width] = True
    mask = mask.T if axis else mask
    points = np.argwhere(thin(mask))
    points = points[(points[:, 1 - axis] > 15) & (points[:, 1 - axis] < 45)]
    np.testing.assert_array_equal(calibre(mask, points), width)


@pytest.mark.parametrize("angle", [10, 30, 45])
@pytest.mark.parametrize("width", [3, 6, 11.5])
def test_a_tilted_bar(angle, width):
    x, y = np.mgrid[-60:61, -60:61]
    across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    mask = np.abs(across) < width / 2
    points = np.argwhere(thin(mask))
    points = points[np.abs(points - 60).max(axis=1) < 40]
    error = np.mean(calibre(mask, points)) - width
    assert -0.9 < error < 0.5  # the pixels' corners on the outline make the disc smaller


def test_distances_are_those_of_the_distance_transform():
    mask = ndimage.gaussian_filter(np.random.default_rng(0).random((70, 81)), 3) > 0.5
    points = np.argwhere(thin(mask))
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1][tuple(points.T)]
    diameters = calibre(mask, points)
    assert (diameters >= 2 * distance - 1 - 1e-9).all()
    assert (diameters <= 2 * distance - 1 + np.sqrt(2) + 1e-9).all()  # at most half a diagonal beside it


def test_no_points():
    assert calibre(np.ones((4, 4), bool), np.zeros((0, 2), int)).shape == (0,)
