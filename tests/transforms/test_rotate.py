"""Rotation: exact at multiples of 90°, interpolation compared with scipy, and the inverse."""

import math

import pytest
import torch
from scipy import ndimage

from sre_monai.transforms import rotate, rotate_back
from tests.tolerances import assert_close

SIZES = [(40, 40), (41, 41), (40, 53), (37, 48), (45, 39)]


def smooth(width: int, height: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    x, y = torch.arange(width, dtype=dtype), torch.arange(height, dtype=dtype)
    return torch.stack([torch.sin(x[:, None] / 5) + torch.cos(y / 7), x[:, None] / 40 - (y / 50) ** 2])


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("k", range(-3, 6))
def test_multiples_of_90_degrees_are_exact(k, size, mode):
    x = torch.rand(3, *size)
    assert torch.equal(rotate(x, 90 * k, mode, expand=True), torch.rot90(x, k, (-2, -1)))
    assert torch.equal(rotate_back(rotate(x, 90 * k, mode, expand=True), 90 * k, size, mode), x)


def test_90_degrees_on_a_kept_canvas():
    """Equal parities: the center is rotated exactly, and the uncovered part is zero."""
    x = torch.rand(1, 30, 44, dtype=torch.float64)
    y = rotate(x, 90)
    assert_close(y[:, :, 7:37], torch.rot90(x, 1, (-2, -1))[:, 7:37])
    assert_close(y[:, :, :7], torch.zeros(1, 30, 7))


@pytest.mark.parametrize("angle", [90.0, 180.0, 270.0, -90.0])
@pytest.mark.parametrize("size", [(40, 40), (41, 41), (40, 54)])
def test_interpolated_rotations_have_the_same_direction(angle, size):
    x = smooth(*size)
    inner = (slice(None), slice(3, -3), slice(3, -3))
    near = rotate(x, angle - 1e-3)[inner]
    exact = rotate(x, angle)[inner]
    reached = (
        torch.minimum(rotate(torch.ones_like(x), angle)[inner], rotate(torch.ones_like(x), angle - 1e-3)[inner]) == 1
    )
    assert reached.any()
    torch.testing.assert_close(near[reached], exact[reached], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("order", "mode"), [(0, "nearest"), (1, "bilinear")])
@pytest.mark.parametrize("angle", [17.3, 45.1, 133.7, -61.9])
@pytest.mark.parametrize("size", SIZES)
def test_against_scipy(angle, order, mode, size):
    x = torch.rand(*size, dtype=torch.float64)
    expected = ndimage.rotate(x.numpy(), angle, axes=(1, 0), reshape=False, order=order)
    inside = ndimage.rotate(ndimage.binary_erosion(torch.ones(size).numpy(), iterations=2).astype(float), angle,
                            axes=(1, 0), reshape=False, order=0) > 0.5  # fmt: skip
    difference = (rotate(x, angle, mode) - torch.from_numpy(expected)).abs()[torch.from_numpy(inside)]
    assert len(difference) > 100
    assert difference.max() < 1e-9


@pytest.mark.parametrize("angle", [7.0, 30.0, 45.0, 91.0, 200.0])
@pytest.mark.parametrize("size", SIZES)
def test_enlarged_canvas_keeps_parity_and_everything(angle, size):
    y = rotate(torch.ones(1, *size, dtype=torch.float64), angle, expand=True)
    cos, sin = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    extent = (size[0] * cos + size[1] * sin, size[0] * sin + size[1] * cos)
    for new, old, needed in zip(y.shape[1:], size, extent, strict=True):
        assert (new - old) % 2 == 0
        assert needed <= new < needed + 2
    assert y.sum() == pytest.approx(size[0] * size[1], rel=0.01)


@pytest.mark.parametrize("angle", [10.0, 45.0, 123.0, 300.0])
@pytest.mark.parametrize("size", SIZES)
def test_way_back(angle, size):
    x = smooth(*size)
    back = rotate_back(rotate(x, angle, "bicubic", expand=True), angle, size, "bicubic")
    assert back.shape == x.shape
    assert (back - x)[:, 3:-3, 3:-3].abs().max() < 0.03  # half a pixel would be 0.1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.float16, torch.bfloat16, torch.float64])
def test_dtype_is_kept(dtype):
    x = (torch.rand(2, 3, 21, 21) * 255).to(dtype)
    y = rotate(x, 30, "nearest")
    assert y.dtype == dtype
    assert y.shape == x.shape
    assert set(y.unique().tolist()) <= set(x.unique().tolist()) | {0}


def test_bicubic_overshoot_stays_in_range_of_integers():
    x = torch.zeros(1, 40, 40, dtype=torch.uint8)
    x[:, 10:30, 10:30] = 255
    difference = rotate(x, 33, "bicubic").double() - rotate(x.double(), 33, "bicubic")
    assert rotate(x.double(), 33, "bicubic").max() > 256
    assert (
        difference.abs()[rotate(x.double(), 33, "bicubic").clamp(0, 255) == rotate(x.double(), 33, "bicubic")].max()
        <= 0.51
    )


def test_bad_arguments():
    with pytest.raises(ValueError, match="mode must be one of"):
        rotate(torch.rand(3, 4, 4), 10, mode="cubic")
    with pytest.raises(ValueError, match=r"\(…, W, H\)"):
        rotate(torch.rand(4), 90)
    with pytest.raises(ValueError, match=r"\(…, W, H\)"):
        rotate_back(torch.rand(4), 90, (4, 4))


def test_volumes_rotate_about_each_axis():
    x = torch.randn(2, 5, 5, 5)
    for axis, plane in enumerate(((-2, -1), (-3, -1), (-3, -2))):
        assert torch.equal(rotate(x, 90, axis=axis), x.rot90(1, plane))
        slices = torch.stack([rotate(part, 30) for part in x.unbind(axis + 1)], dim=axis + 1)
        assert_close(rotate(x, 30, axis=axis), slices)
    with pytest.raises(ValueError, match="axis 0, 1 or 2 are expected, got 4 axes, 3"):
        rotate(x, 90, axis=3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_volumes_rotate_back(axis):
    x = torch.randn(2, 5, 6, 8)
    back = rotate_back(rotate(x, 90, expand=True, axis=axis), 90, (5, 6, 8), axis=axis)
    assert torch.equal(back, x)
    slices = torch.stack([rotate_back(part, 30, part.shape[-2:]) for part in x.unbind(axis + 1)], dim=axis + 1)
    assert_close(rotate_back(x, 30, (5, 6, 8), axis=axis), slices)
