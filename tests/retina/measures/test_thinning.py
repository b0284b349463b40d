import numpy as np
import pytest
from scipy import ndimage
from skimage import morphology

from sre_monai.retina import canonical_orientation, thin
from sre_monai.transforms import grid_symmetries


def blobs(shape, sigma, seed=0):
    """Random regions of all widths."""
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), sigma) > 0.5


@pytest.mark.parametrize("shape", [(64, 64), (65, 65), (40, 71), (1, 30), (3, 2)])
@pytest.mark.parametrize("sigma", [0.5, 1, 3])
def test_it_is_scikit_images_thinning_in_the_canonical_orientation(shape, sigma):
    mask = blobs(shape, sigma)
    orientation = canonical_orientation(mask)
    expected = morphology.thin(np.ascontiguousarray(orientation.apply(mask)))
    np.testing.assert_array_equal(thin(mask), orientation.invert(expected))


@pytest.mark.parametrize("shape", [(64, 64), (65, 65), (40, 71)])
def test_it_turns_and_mirrors_with_the_mask(shape):
    mask = blobs(shape, 2)
    skeleton = thin(mask)
    fixed = morphology.thin(mask)
    for orientation in grid_symmetries(2):
        np.testing.assert_array_equal(orientation.invert(thin(orientation.apply(mask))), skeleton)
    turned = [orientation.invert(morphology.thin(orientation.apply(mask).copy())) for orientation in grid_symmetries(2)]
    assert any((skeleton != fixed).any() for skeleton in turned)  # in a fixed orientation it doesn't


def test_it_keeps_components_and_holes():
    mask = blobs((90, 80), 1.5)
    skeleton = thin(mask)
    assert (mask | ~skeleton).all()
    assert ndimage.label(skeleton, np.ones((3, 3)))[1] == ndimage.label(mask, np.ones((3, 3)))[1]
    assert ndimage.label(~np.pad(skeleton, 1))[1] == ndimage.label(~np.pad(mask, 1))[1]


def test_the_mask_stays_as_it_is():
    mask = np.ones((5, 9), bool)
    thin(mask)
    assert mask.all()
    assert not thin(np.zeros((5, 9), bool)).any()
