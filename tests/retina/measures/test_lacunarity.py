import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import disk

from sre_monai.retina import lacunarity
from sre_monai.retina.measures.lacunarity import lacunarity_of_sums
from sre_monai.transforms import grid_symmetries


def test_against_a_loop():
    mask = ndimage.gaussian_filter(np.random.default_rng(0).random((60, 71)), 2) > 0.52
    fov = np.zeros_like(mask)
    fov[disk((30, 35), 28)] = True
    radius = round(np.sqrt(fov.sum() / np.pi) / 16)
    boxes = [
        (slice(x - radius, x + radius + 1), slice(y - radius, y + radius + 1))
        for x in range(radius, 60 - radius)
        for y in range(radius, 71 - radius)
    ]
    masses = np.array([mask[box].sum() for box in boxes if fov[box].all()])
    assert lacunarity(mask & fov, fov) == pytest.approx((masses**2).mean() / masses.mean() ** 2)


def test_evenly_spread_pixels_have_none_and_a_clump_much():
    fov = np.ones((96, 96), bool)
    even = np.zeros_like(fov)
    even[::7, ::7] = True  # the box is 7 pixels wide
    clump = np.zeros_like(fov)
    clump[:20, :20] = True
    assert lacunarity(even, fov) == 1
    assert lacunarity(clump, fov) > 10


@pytest.mark.parametrize("shape", [(60, 60), (61, 61), (60, 71)])
def test_turned(shape):
    mask = ndimage.gaussian_filter(np.random.default_rng(0).random(shape), 2) > 0.52
    fov = np.ones_like(mask)
    value = lacunarity(mask, fov)
    assert all(lacunarity(turn.apply(mask), turn.apply(fov)) == value for turn in grid_symmetries(2))


@pytest.mark.slow
def test_a_large_full_mask_does_not_overflow():
    """A full mask of 9600 × 9600 pixels from the table of its sums, which is known."""
    side = 9600
    table = np.multiply.outer(np.arange(side + 1, dtype=np.int32), np.arange(side + 1, dtype=np.int32))
    assert lacunarity_of_sums(table, np.ones((side, side), bool)) == 1


def test_undefined():
    assert np.isnan(lacunarity(np.zeros((40, 40), bool), np.ones((40, 40), bool)))
    line = np.zeros((3, 900), bool)
    assert np.isnan(lacunarity(~line, ~line))  # the box doesn't fit
