"""Compared with scipy's filter and scikit-image's distances."""

import numpy as np
import pytest
from scipy.ndimage import minimum_filter
from skimage.morphology import isotropic_erosion

from sre_monai.retina.erosion import erode_disc, erode_square


@pytest.fixture(params=[(1, 1), (1, 9), (40, 41), (33, 90)])
def mask(request):
    return np.random.default_rng(0).random(request.param) < 0.995


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 6, 12])
def test_square(mask, radius):
    expected = minimum_filter(mask.astype(np.uint8), 2 * radius + 1, mode="constant") > 0
    np.testing.assert_array_equal(erode_square(mask, radius), expected)


@pytest.mark.parametrize("radius", [0, 0.9, 1, 1.5, 3, 5.0, 7.2, 19.2])
def test_disc(mask, radius):
    mask.flat[mask.size // 2] = False  # scikit-image has no distances for a full mask
    np.testing.assert_array_equal(erode_disc(mask, radius), isotropic_erosion(mask, radius))


def test_disc_of_a_full_mask():
    assert erode_disc(np.ones((4, 5), bool), 3).all()
