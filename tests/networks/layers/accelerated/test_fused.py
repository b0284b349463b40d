"""Triton kernels, on a GPU if available, else in Triton's interpreter with small maps."""

import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from torch._subclasses import FakeTensorMode

from sre_monai.networks.layers import ring_basis, ring_conv
from sre_monai.networks.layers.accelerated import fused, launching
from sre_monai.networks.layers.ring_conv import choose_algorithm
from tests.tolerances import assert_close

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
DTYPES = [dtype for dtype in fused.DTYPES if fused.can_run(torch.zeros(1, dtype=dtype, device=DEVICE))]

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

# numbers of channels below, at and above a block; sizes below a tile and with an inner tile
# (the interpreter takes about two milliseconds for each tap of each tile)
CASES = [
    ((1, 1), (150,), 5, "bands"),
    ((3, 4), (5, 10), 5, "gaussian"),
    ((17, 33), (10, 9), 3, "bands"),
    ((33, 5), (8, 8), 3, "gaussian"),
    ((16, 16), (17, 18), 3, "bands"),
    ((2, 3), (4, 9), 9, "bands"),
    ((5, 3), (3, 4, 5), 3, "bands"),
]


@pytest.fixture(autouse=True)
def _full_precision(monkeypatch):
    monkeypatch.setattr(fused, "precision", lambda: "ieee")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def make(channels=(3, 4), size=(9, 8), kernel_size=3, profile="bands", batch=2):
    """Random input, weight, rings and bias, in float32."""
    rings = ring_basis(kernel_size, len(size), profile).float().to(DEVICE)
    x = torch.randn(batch, channels[0], *size, device=DEVICE, requires_grad=True)
    weight = torch.randn(channels[1], channels[0], len(rings), device=DEVICE, requires_grad=True)
    return x, weight, rings, torch.randn(channels[1], device=DEVICE, requires_grad=True)


def assert_all_close(actual, expected):
    """Compare tensors relative to their largest values."""
    for a, b in zip(actual, expected):
        scale = b.abs().max()
        assert_close(a / scale, b / scale)


@needs_triton
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("channels", "size", "kernel_size", "profile"), CASES)
def test_equals_the_dense_form(channels, size, kernel_size, profile, dtype):
    x, weight, rings, bias = make(channels, size, kernel_size, profile)
    padding, dilation = (kernel_size // 2,) * len(size), (1,) * len(size)
    expected = ring_conv(x, weight, rings, bias, padding=padding, algorithm="dense")
    g = torch.randn_like(expected)
    gradients = torch.autograd.grad(expected, (x, weight), g)
    x, weight, bias, g = (t.detach().to(dtype) for t in (x, weight, bias, g))
    y = fused.forward(x, weight, rings, bias, padding, dilation)
    ours = fused.backward(g, x, weight, rings, padding, dilation)
    assert {t.dtype for t in (y, *ours)} == {dtype}
    assert_all_close((y, *ours), (expected, *gradients))


@needs_triton
@pytest.mark.parametrize(("padding", "dilation"), [((0, 0), (1, 1)), ((1, 3), (2, 1)), ((4, 8), (1, 2))])
def test_uneven_padding_and_dilation(padding, dilation):
    x, weight, rings, bias = make(size=(9, 8), kernel_size=5, batch=1)
    dense, ours = (
        ring_conv(x, weight, rings, bias, padding=padding, dilation=dilation, algorithm=name)
        for name in ("dense", "triton")
    )
    g = torch.randn_like(dense)
    gradients = [torch.autograd.grad(y, (x, weight, bias), g) for y in (ours, dense)]
    assert_all_close((ours, *gradients[0]), (dense, *gradients[1]))


@needs_triton
def test_second_derivatives():
    x, weight, rings, _ = make()

    def differentiate(algorithm):
        y = ring_conv(x, weight, rings, padding=(1, 1), algorithm=algorithm)
        gradients = torch.autograd.grad(y.square().sum(), (x, weight), create_graph=True)
        return torch.autograd.grad(sum(g.square().sum() for g in gradients), (x, weight))

    assert_all_close(differentiate("triton"), differentiate("dense"))


@needs_triton
@pytest.mark.parametrize("size", [(10, 10), (9, 11)])
def test_rotates_with_its_input(size):
    x, weight, rings, bias = (t.detach() for t in make(size=size, batch=1))
    convolve = lambda image: fused.forward(image, weight, rings, bias, (1, 1), (1, 1))  # noqa: E731
    y = convolve(x)
    for turns in range(4):
        turned = x.rot90(turns, (2, 3))
        assert_close(convolve(turned), y.rot90(turns, (2, 3)))
        assert_close(convolve(turned.flip(3)), y.rot90(turns, (2, 3)).flip(3))


@needs_triton
def test_operator_is_well_formed():
    x, weight, rings, bias = make(size=(4, 3), batch=1)
    arguments = (x, weight, rings, bias, [1, 1], [1, 1], "triton")
    torch.library.opcheck(torch.ops.sre_monai.ring_conv.default, arguments)
    g = torch.randn(1, 4, 4, 3, device=DEVICE, requires_grad=True)
    arguments = (g, x, weight, rings, [1, 1], [1, 1], "triton")
    torch.library.opcheck(torch.ops.sre_monai.ring_conv_backward.default, arguments)


@needs_triton
def test_half_precision_does_not_overflow_on_the_way():
    rings = ring_basis(5, 2).half().to(DEVICE)
    x, weight = (torch.full(s, v, device=DEVICE).half() for s, v in (((1, 1, 9, 9), 6e4), ((1, 1, 3), 0.01)))
    y = fused.forward(x, weight, rings, None, (0, 0), (1, 1))
    expected = 6e4 * 0.01 * rings.float().sum()
    assert_close(y / expected, torch.ones_like(y))


@needs_triton
def test_gradient_is_the_same_every_time_and_for_every_number_of_parts(monkeypatch):
    x, weight, rings, _ = (t.detach() for t in make(size=(10, 12)))
    g = torch.randn(2, 4, 10, 12, device=DEVICE)
    first, second = (fused.backward(g, x, weight, rings, (1, 1), (1, 1))[1] for _ in range(2))
    assert torch.equal(first, second)
    monkeypatch.setattr(launching, "_GRADIENT_PROGRAMS", 1)
    assert_all_close([fused.backward(g, x, weight, rings, (1, 1), (1, 1))[1]], [first])


@needs_triton
def test_empty_batch():
    x, weight, rings, bias = (t.detach() for t in make(batch=0))
    y = fused.forward(x, weight, rings, bias, (1, 1), (1, 1))
    assert y.shape == (0, 4, 9, 8)
    grad_x, grad_weight = fused.backward(y, x, weight, rings, (1, 1), (1, 1))
    assert grad_x.shape == x.shape
    assert not grad_weight.any()


@needs_triton
def test_rings_changed_in_place_are_noticed():
    x, weight, rings, _ = (t.detach() for t in make())
    y = fused.forward(x, weight, rings, None, (1, 1), (1, 1))
    rings.mul_(2)
    assert_close(fused.forward(x, weight, rings, None, (1, 1), (1, 1)), 2 * y)


@needs_triton
def test_float32_is_multiplied_as_convolutions_are(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    assert launching.precision() == ("tf32" if torch.version.hip is None else "ieee")
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    assert launching.precision() == "ieee"


@needs_triton
@needs_gpu
def test_tf32_is_about_as_exact_as_half_precision(monkeypatch):
    x, weight, rings, bias = (t.detach() for t in make((40, 70), (33, 50), 9))
    expected = fused.forward(x, weight, rings, bias, (4, 4), (1, 1))
    monkeypatch.setattr(fused, "precision", lambda: "tf32")
    y = fused.forward(x, weight, rings, bias, (4, 4), (1, 1))
    assert not torch.equal(y, expected)
    assert ((y - expected).abs().max() / expected.abs().max()) < 4e-3


@needs_triton
@needs_gpu
def test_tried_out_tilings_give_the_same(monkeypatch):
    x, weight, rings, bias = make((40, 70), (33, 50), 9)
    expected = ring_conv(x, weight, rings, bias, padding=(4, 4), algorithm="triton")
    g = torch.randn_like(expected)
    gradients = torch.autograd.grad(expected, (x, weight), g)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    y = ring_conv(x, weight, rings, bias, padding=(4, 4), algorithm="triton")
    assert_all_close((y, *torch.autograd.grad(y, (x, weight), g)), (expected, *gradients))


def test_gpus_stay_dense_until_measured():
    rings = ring_basis(9, 2)
    with FakeTensorMode():
        x, weight = torch.empty(1, 32, 64, 64, device="cuda"), torch.empty(32, 32, len(rings), device="cuda")
        assert choose_algorithm(x, weight, rings) == "dense"


def test_errors_say_what_is_wrong(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    for x in (torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 9, 9, dtype=torch.float64, device=DEVICE)):
        weight, rings = torch.zeros(1, 1, 2).to(x), ring_basis(3, 2).to(x)
        with pytest.raises(ValueError, match="algorithm='triton' needs float32, bfloat16 or float16 on a CUDA device"):
            ring_conv(x, weight, rings, algorithm="triton")


@pytest.mark.slow
def test_import_of_the_package_leaves_the_kernels_alone():
    code = "import sys, sre_monai.networks; sys.exit(any(name.endswith('fused_kernels') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
