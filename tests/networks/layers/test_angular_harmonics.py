import math

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from sre_monai.networks.layers import harmonic_magnitude
from sre_monai.networks.layers.arguments import ORDERS
from sre_monai.transforms import grid_symmetries
from tests.symmetries import cube_symmetries
from tests.tolerances import assert_close

SIZES = [(8, 8), (9, 12), (5, 7), (4, 5, 6), (1, 3)]

# the stencils as plain filters
LINE = np.array([1 / 12, 2 / 3, -1.5, 2 / 3, 1 / 12])
SLOPE = np.array([1 / 12, -2 / 3, 0, 2 / 3, -1 / 12])
SHEAR = np.array([[0.5, 0, -0.5], [0, 0, 0], [-0.5, 0, 0.5]])


def along(x, weights, axis):
    return correlate(x, weights.reshape([-1 if a == axis else 1 for a in range(x.ndim)]), mode="constant")


def slow_magnitude(x, order):
    """The same calculation by SciPy's filters, for one image."""
    n = x.ndim
    if order == 1:
        return np.sqrt(sum(along(x, SLOPE, axis) ** 2 for axis in range(n)) + 1e-4)
    square = np.zeros_like(x)
    for a in range(n):
        for b in range(a + 1, n):
            shape = [3 if axis in (a, b) else 1 for axis in range(n)]
            square += 2 / n * (along(x, LINE, a) - along(x, LINE, b)) ** 2
            square += correlate(x, SHEAR.reshape(shape), mode="constant") ** 2
    return np.sqrt(square + 1e-4)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_values_are_those_of_plain_filters(order, size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    expected = [[slow_magnitude(channel.numpy(), order) for channel in image] for image in x]
    assert_close(harmonic_magnitude(x, order), torch.from_numpy(np.array(expected)))


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (3, 4, 5), (1, 3)], ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_first_and_second_derivatives(order, size):
    x = torch.randn(1, 2, *size, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: harmonic_magnitude(x, order), x)
    assert torch.autograd.gradgradcheck(lambda x: harmonic_magnitude(x, order), x)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [(16, 16), (17, 24), (9, 11)], ids=str)
def test_rotations_and_flips_move_it_along(order, size):
    x = torch.randn(1, 2, *size)
    y = harmonic_magnitude(x, order)
    for symmetry in grid_symmetries(2):
        assert_close(harmonic_magnitude(symmetry.apply(x), order), symmetry.apply(y))


@pytest.mark.parametrize("order", ORDERS)
def test_so_do_the_symmetries_of_the_cube(order):
    x = torch.randn(1, 2, 6, 5, 7, dtype=torch.float64)
    moved = zip(cube_symmetries(x), cube_symmetries(harmonic_magnitude(x, order)))
    for turned, expected in moved:
        assert_close(harmonic_magnitude(turned, order), expected)


def plane(function, spatial_dims=2, half=12):
    """An image (1, 1, …) of a function of the coordinates, in pixels from the centre."""
    axis = torch.arange(-half, half + 1.0, dtype=torch.float64)
    return function(*torch.meshgrid(*[axis] * spatial_dims, indexing="ij"))[None, None]


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_lines_and_edges_respond_equally_at_every_angle(degrees):
    t = math.radians(degrees)
    distance = plane(lambda y, x: x * math.sin(t) - y * math.cos(t))
    line, edge = torch.exp(-(distance**2) / (2 * 2.0**2)), torch.erf(distance / (2.0 * math.sqrt(2)))
    centre = (0, 0, 12, 12)
    upright = harmonic_magnitude(plane(lambda y, x: torch.exp(-(x**2) / (2 * 2.0**2))), 2)[centre].item()
    assert upright == pytest.approx(1 / 2.0**2, rel=0.15)  # |f''(0)| = 1 / sigma², a little smoothed
    assert harmonic_magnitude(line, 2)[centre].item() == pytest.approx(upright, rel=0.01)
    assert harmonic_magnitude(line, 1)[centre].item() == pytest.approx(0.01)
    assert harmonic_magnitude(edge, 1)[centre].item() == pytest.approx(math.sqrt(2 / math.pi) / 2.0, rel=0.02)
    assert harmonic_magnitude(edge, 2)[centre].item() == pytest.approx(0.01)


def test_directionless_inputs_give_the_floor():
    bowl = plane(lambda y, x: (x**2 + y**2) / 10)
    assert harmonic_magnitude(bowl, 2)[0, 0, 12, 12].item() == pytest.approx(0.01)
    ball = plane(lambda z, y, x: (x**2 + y**2 + z**2) / 10, spatial_dims=3, half=3)
    assert harmonic_magnitude(ball, 2)[0, 0, 3, 3, 3].item() == pytest.approx(0.01)


def test_a_line_in_a_volume_is_as_strong_along_each_axis():
    volume = plane(lambda z, y, x: torch.exp(-(x**2 + y**2) / 8), spatial_dims=3, half=5)
    strengths = [harmonic_magnitude(volume.movedim(2, axis), 2)[0, 0, 5, 5, 5].item() for axis in (2, 3, 4)]
    assert strengths == pytest.approx([strengths[0]] * 3)
    assert strengths[0] > 0.1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_dtype_and_memory_format_are_kept(dtype):
    x = torch.randn(2, 4, 9, 8).to(dtype).contiguous(memory_format=torch.channels_last)
    y = harmonic_magnitude(x, 2)
    assert y.dtype == dtype
    assert_close(y, harmonic_magnitude(x.double(), 2).to(dtype))


@pytest.mark.parametrize("order", ORDERS)
def test_squares_beyond_float16_do_not_overflow(order):
    x = (1000 * torch.randn(1, 2, 9, 8)).half().requires_grad_()
    y = harmonic_magnitude(x, order)
    assert y.detach().float().square().max() > torch.finfo(torch.float16).max
    assert_close(y, harmonic_magnitude(x.double(), order))
    assert_close(
        torch.autograd.grad(y.sum(), x)[0], torch.autograd.grad(harmonic_magnitude(x.double(), order).sum(), x)[0]
    )


@pytest.mark.parametrize(
    ("shape", "order", "sentence"),
    [((1, 1, 8, 8), 3, r"order must be one of \(1, 2\)"), ((1, 1, 8), 2, "2 or 3 spatial axes")],
)
def test_errors_name_the_argument(shape, order, sentence):
    with pytest.raises(ValueError, match=sentence):
        harmonic_magnitude(torch.zeros(shape), order)


@pytest.mark.parametrize("order", ORDERS)
def test_torch_compile_and_torch_func_give_the_same(order):
    x = torch.randn(1, 2, 12, 13, requires_grad=True)

    def loss(x):
        return harmonic_magnitude(x, order).square().sum()

    expected = torch.autograd.grad(loss(x), x)[0]
    assert_close(torch.autograd.grad(torch.compile(loss, backend="aot_eager", fullgraph=True)(x), x)[0], expected)
    assert_close(torch.func.grad(loss)(x), expected)
