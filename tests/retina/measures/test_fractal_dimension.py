from importlib.util import find_spec

import numpy as np
import pytest
from scipy import ndimage

from sre_monai.retina import fractal_dimensions
from sre_monai.retina.measures.box_sums import box_grid, sum_table
from sre_monai.retina.measures.fractal_dimension import box_entropies
from sre_monai.transforms import grid_symmetries


def sierpinski_triangle(size):
    x, y = np.mgrid[:size, :size]
    return x & y == 0


def test_a_filled_square_has_dimension_two():
    np.testing.assert_allclose(fractal_dimensions(np.ones((512, 512), bool)), 2, atol=1e-9)


def test_a_line_has_dimension_one():
    mask = np.zeros((512, 512), bool)
    mask[100] = True
    np.testing.assert_allclose(fractal_dimensions(mask), 1, atol=1e-9)
    np.testing.assert_allclose(fractal_dimensions(np.eye(512, dtype=bool)), 1, atol=0.03)


def test_sierpinskis_triangle():
    np.testing.assert_allclose(fractal_dimensions(sierpinski_triangle(512)), np.log2(3), atol=1e-9)


def test_sierpinskis_carpet():
    carpet = np.ones((1, 1), bool)
    for _ in range(5):
        carpet = np.kron([[1, 1, 1], [1, 0, 1], [1, 1, 1]], carpet).astype(bool)
    np.testing.assert_allclose(fractal_dimensions(carpet), np.log(8) / np.log(3), atol=0.04)


def test_a_multifractal():
    """A random cascade: points drawn with the weights of a 2×2 table to a power, whose dimensions are known."""
    weights = np.array([[0.5, 0.3], [0.2, 0.0]])
    measure = np.ones((1, 1))
    for _ in range(9):
        measure = np.kron(measure, weights)
    positive = weights[weights > 0]
    mask = np.random.default_rng(0).random(measure.shape) < np.minimum(measure * 3000, 1)
    expected = (np.log2(3), -(positive * np.log2(positive)).sum(), -np.log2((positive**2).sum()))
    dimensions = fractal_dimensions(mask)
    assert dimensions.d0 > dimensions.d1 > dimensions.d2
    np.testing.assert_allclose(dimensions, expected, atol=0.2)


@pytest.mark.parametrize("shape", [(100, 100), (101, 101), (90, 131)])
def test_no_corner_is_preferred(shape):
    mask = ndimage.gaussian_filter(np.random.default_rng(0).random(shape), 2) > 0.52
    dimensions = fractal_dimensions(mask)
    for orientation in grid_symmetries(2):
        assert fractal_dimensions(orientation.apply(mask)) == dimensions


def test_entropies_against_a_loop():
    masses = np.random.default_rng(0).integers(0, 5, (4, 6))
    shares = [mass / masses.sum() for mass in masses.ravel() if mass]
    expected = (np.log(len(shares)), -sum(p * np.log(p) for p in shares), -np.log(sum(p * p for p in shares)))
    np.testing.assert_allclose(box_entropies(masses), expected)


@pytest.mark.parametrize("mask", [np.zeros((90, 90), bool), np.ones((5, 5), bool), np.ones((1, 1), bool)])
def test_undefined(mask):
    assert np.isnan(fractal_dimensions(mask)).all()


if find_spec("PVBM"):  # it requires many packages: pip install --no-deps PVBM

    @pytest.mark.parametrize("side", [5, 17, 40])
    def test_boxes_and_entropies_are_pvbms(side):
        """In the grid at one corner."""
        from PVBM.FractalAnalysis import MultifractalVBMs

        pvbm = MultifractalVBMs()
        mask = ndimage.gaussian_filter(np.random.default_rng(0).random((120, 133)), 2) > 0.52
        shares = pvbm._probability_per_pixel(mask.astype(float), side, occupancy=[1e-9, 1])
        shares = shares[shares > 0]
        expected = (np.log(len(shares)), -np.sum(shares * np.log(shares)), -np.log(np.sum(shares**2)))
        np.testing.assert_allclose(box_entropies(box_grid(sum_table(mask), side, (False, False))), expected)
