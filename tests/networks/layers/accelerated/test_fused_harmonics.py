"""Triton kernels, on a GPU if available, else in Triton's interpreter with small maps."""

from importlib.util import find_spec

import pytest
import torch
from torch._subclasses import FakeTensorMode

from sre_monai.networks.layers import harmonic_conv, ring_basis
from sre_monai.networks.layers.accelerated import fused, fused_harmonics, launching
from sre_monai.networks.layers.harmonic_conv import compose
from sre_monai.transforms import grid_symmetries
from tests.symmetries import cube_symmetries
from tests.tolerances import assert_close

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPES = [dtype for dtype in fused.DTYPES if fused.can_run(torch.zeros(1, dtype=dtype, device=DEVICE))]

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")

# channels of the input, the output and each order, below, at and above a block; sizes below and above a tile
CASES = [
    ((1, 1, 1), (1, 1), (1,)),
    ((1, 1, 2), (1, 7), (2,)),
    ((3, 5, 3), (9, 10), (1, 2)),
    ((1, 33, 17), (3, 4), (2, 1)),
    ((2, 3, 2), (3, 2, 5), (1,)),
    ((1, 2, 1), (2, 4, 3), (2, 1)),
]


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    for module in (fused, fused_harmonics):
        monkeypatch.setattr(module, "precision", lambda: "ieee")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def make(size=(6, 5), channels=(2, 3, 2), orders=(1, 2), kernel_size=3, batch=1, dtype=torch.float32):
    """Weights on the scale of a layer's initial ones: input, weight, rings, bias and mix."""
    source, target, each = channels
    rings, profiles = ring_basis(kernel_size, len(size), "gaussian").to(DEVICE, dtype), each * len(orders)
    shapes = ((batch, source, *size), (target + profiles, source, len(rings)), (target + profiles,), (target, profiles))
    x, weight, bias, mix = (torch.randn(shape, device=DEVICE) for shape in shapes)
    return tuple(t.to(dtype) for t in (x, weight / source, rings, bias, mix / profiles))


def by_pytorch(x, weight, rings, bias, mix, orders, g):
    """The PyTorch implementation and its gradients in float64."""
    x, weight, bias, mix = (t.double().requires_grad_() for t in (x, weight, bias, mix))
    y = compose(x, weight, rings.double(), bias, mix, orders, (1,) * (x.ndim - 2))
    return y.detach(), torch.autograd.grad(y, (x, weight, bias, mix), g.double())


def both(tensors, orders, g):
    """Output and gradients of the kernels."""
    dilation = (1,) * (tensors[0].ndim - 2)
    y = fused_harmonics.forward(*tensors, orders, dilation, 1.0)
    return y, *fused_harmonics.backward(g, *tensors, orders, dilation)


def assert_all_close(actual, expected):
    """Compare tensors relative to their largest values."""
    for a, b in zip(actual, expected):
        scale = b.abs().max()
        assert_close(a / scale, b / scale)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "size", "orders"), CASES)
def test_gives_what_pytorch_gives(channels, size, orders, dtype):
    tensors = make(size, channels, orders, batch=2, dtype=dtype)
    g = torch.randn(2, channels[1], *size, device=DEVICE).to(dtype)
    expected, gradients = by_pytorch(*tensors, orders, g)
    y, *ours = both(tensors, orders, g)
    assert {t.dtype for t in (y, *ours)} == {dtype}
    assert_close(y / expected.abs().max(), expected / expected.abs().max())
    scale = max(reference.abs().max() for reference in gradients)  # the few numbers of one may be sums that cancel
    for gradient, reference in zip(ours, gradients):
        assert_close(gradient / scale, reference / scale)


@pytest.mark.parametrize("size", [(6, 6), (5, 8)], ids=str)
def test_rotations_and_flips_change_nothing_but_rounding(size):
    tensors, g = make(size, (1, 2, 2)), torch.randn(1, 2, *size, device=DEVICE)
    y, grad_x, *others = both(tensors, (1, 2), g)
    for move in (symmetry.apply for symmetry in grid_symmetries(2)):
        moved, moved_gradient, *moved_others = both((move(tensors[0]), *tensors[1:]), (1, 2), move(g))
        assert (moved - move(y)).abs().max() <= 2e-6 * y.abs().max()
        assert (moved_gradient - move(grad_x)).abs().max() <= 5e-6 * grad_x.abs().max()
        assert_all_close(moved_others, others)


def test_symmetries_of_the_cube_change_nothing_but_rounding():
    tensors, g = make((3, 3, 4), (1, 2, 1)), torch.randn(1, 2, 3, 3, 4, device=DEVICE)
    y, grad_x, *others = both(tensors, (1, 2), g)
    for x, moved_g, moved_y, moved_x in list(zip(*map(cube_symmetries, (tensors[0], g, y, grad_x))))[5::18]:
        ours = both((x, *tensors[1:]), (1, 2), moved_g)
        assert_all_close(ours, (moved_y, moved_x, *others))


@pytest.mark.parametrize(("kernel_size", "dilation", "slope"), [(1, (1, 1), 0.0), (3, (2, 1), 0.1)])
def test_kernel_sizes_dilations_and_activations(kernel_size, dilation, slope):
    tensors = [t.requires_grad_() for t in make((5, 6), kernel_size=kernel_size)]
    dense, ours = (harmonic_conv(*tensors, (1, 2), dilation, slope, algorithm=name) for name in ("dense", "triton"))
    wanted = (tensors[0], tensors[1], *tensors[3:])
    gradients = [torch.autograd.grad(y.square().mean(), wanted) for y in (ours, dense)]
    assert_all_close((ours, *gradients[0]), (dense, *gradients[1]))


def test_no_bias_and_any_layout():
    x, weight, rings, _, mix = make((6, 8))
    x, g = x.mT, torch.randn(1, 3, 16, 6, device=DEVICE)[:, :, ::2]
    zeros = torch.zeros(len(weight), device=DEVICE)
    expected, (grad_x, grad_weight, _, grad_mix) = by_pytorch(x, weight, rings, zeros, mix, (1, 2), g)
    y, our_x, our_weight, _, our_mix = both((x, weight, rings, None, mix), (1, 2), g)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_all_close((y, our_x, our_weight, our_mix), (expected, grad_x, grad_weight, grad_mix))


def test_second_derivatives():
    tensors = [t.requires_grad_() for t in make((4, 3))]
    wanted = (tensors[0], tensors[1], *tensors[3:])

    def differentiate(algorithm):
        y = harmonic_conv(*tensors, (1, 2), algorithm=algorithm)
        gradients = torch.autograd.grad(y.square().sum(), wanted, create_graph=True)
        return torch.autograd.grad(sum(g.square().sum() for g in gradients), wanted)

    assert_all_close(differentiate("triton"), differentiate("dense"))


@pytest.mark.slow
def test_operator_is_well_formed():
    x, weight, rings, bias, mix = (t.requires_grad_() for t in make((4, 3)))
    rings = rings.detach()
    for with_bias, slope in ((bias, 1.0), (None, 0.1)):
        arguments = (x, weight, rings, with_bias, mix, [1, 2], [1, 1], slope, "triton")
        torch.library.opcheck(torch.ops.sre_monai.harmonic_conv.default, arguments)
        g = torch.randn(1, 3, 4, 3, device=DEVICE, requires_grad=True)
        arguments = (g, x, weight, rings, with_bias, mix, [1, 2], [1, 1], "triton")
        torch.library.opcheck(torch.ops.sre_monai.harmonic_conv_backward.default, arguments)


def test_half_precision_does_not_overflow_on_the_way():
    """Profiles beyond float16, and squares of their derivatives beyond even more."""
    x, weight, rings, bias, mix = make((6, 6), (1, 1, 1), dtype=torch.float16)
    x, weight, mix = x.sign() * 6e4, torch.ones_like(weight), torch.full_like(mix, 0.01)
    weight[0] = 0.01
    g = torch.ones(1, 1, 6, 6, device=DEVICE).half()
    expected, gradients = by_pytorch(x, weight, rings, bias, mix, (1, 2), g)
    y, grad_x, *_ = both((x, weight, rings, bias, mix), (1, 2), g)
    assert_all_close((y, grad_x), (expected, gradients[0]))


def test_values_that_are_not_numbers_stay_near():
    x, *weights = make((15, 15))
    x[0, 0, 7, 7] = float("nan")
    bad = fused_harmonics.forward(x, *weights, (1, 2), (1, 1), 1.0).isnan()[0, 0]
    assert bad[7, 7]
    bad[4:11, 4:11] = False
    assert not bad.any()


def test_gradient_is_the_same_every_time_and_for_every_number_of_parts(monkeypatch):
    tensors, g = make((5, 20)), torch.randn(1, 3, 5, 20, device=DEVICE)
    first, second = (both(tensors, (1, 2), g)[1:] for _ in range(2))
    assert all(map(torch.equal, first, second))
    monkeypatch.setattr(launching, "_GRADIENT_PROGRAMS", 1)
    assert_all_close(both(tensors, (1, 2), g)[1:], first)


def test_empty_batch():
    tensors = make(batch=0)
    y, grad_x, *others = both(tensors, (1, 2), torch.zeros(0, 3, 6, 5, device=DEVICE))
    assert y.shape == (0, 3, 6, 5)
    assert grad_x.shape == tensors[0].shape
    assert not any(gradient.any() for gradient in others)


@needs_gpu
def test_tried_out_tilings_give_the_same(monkeypatch):
    tensors, g = make((33, 50), (40, 70, 35)), torch.randn(1, 70, 33, 50, device=DEVICE)
    expected = both(tensors, (1, 2), g)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    assert_all_close(both(tensors, (1, 2), g), expected)


def test_gpus_compose_the_operation_until_the_kernels_are_measured(monkeypatch):
    monkeypatch.setattr(fused_harmonics, "forward", None)
    real = make()
    with FakeTensorMode():
        tensors = [torch.empty(t.shape, device="cuda") for t in real]
        assert harmonic_conv(*tensors, (1, 2)).shape == (1, 3, 6, 5)


def test_errors_say_what_is_wrong(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    tensors = [t.double() for t in make()]
    with pytest.raises(ValueError, match="algorithm='triton' needs float32, bfloat16 or float16 on a CUDA device"):
        harmonic_conv(*tensors, (1, 2), algorithm="triton")
