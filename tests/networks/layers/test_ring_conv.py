import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from sre_monai.networks.layers import PROFILES, ring_basis, ring_conv, strips
from sre_monai.networks.layers.kernels import library, ring_job
from sre_monai.networks.layers.ring_conv import choose_algorithm
from tests.tolerances import assert_close

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
BY_RINGS = ["rings", "compiled"] if library.VARIANTS else ["rings"]


def make(spatial_dims=2, kernel_size=5, profile="bands", channels=(3, 4), size=(9, 8, 7), dtype=torch.float64):
    """Random input, weight, rings and bias."""
    rings = ring_basis(kernel_size, spatial_dims, profile).to(dtype)
    x = torch.randn(2, channels[0], *size[:spatial_dims], dtype=dtype, requires_grad=True)
    weight = torch.randn(channels[1], channels[0], len(rings), dtype=dtype, requires_grad=True)
    bias = torch.randn(channels[1], dtype=dtype, requires_grad=True)
    return x, weight, rings, bias


def loop_over_offsets(x, weight, rings, padding):
    """Sum of the shifted input over all taps (2D)."""
    k = rings.shape[-1]
    x = F.pad(x, (padding,) * 4)
    height, width = x.shape[2] - k + 1, x.shape[3] - k + 1
    y = 0
    for u in range(k):
        for v in range(k):
            tap = weight @ rings[:, u, v]
            y = y + torch.einsum("oi,nihw->nohw", tap, x[:, :, u : u + height, v : v + width])
    return y


@pytest.mark.parametrize("algorithm", ["dense", *BY_RINGS])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("padding", [0, 2, 4])
def test_equals_a_loop_over_offsets(algorithm, profile, padding):
    dtype = torch.float32 if algorithm == "compiled" else torch.float64
    x, weight, rings, _ = make(profile=profile, dtype=dtype)
    y = ring_conv(x, weight, rings, padding=(padding, padding), algorithm=algorithm)
    assert_close(y, loop_over_offsets(x, weight, rings, padding))


TYPES = [
    (algorithm, dtype)
    for algorithm in BY_RINGS
    for dtype in (torch.float64, torch.float32, torch.bfloat16)
    if algorithm == "rings" or dtype in ring_job.DTYPES
]


@pytest.mark.parametrize(("algorithm", "dtype"), TYPES)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7])
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_all_algorithms_agree_forward_and_backward(spatial_dims, kernel_size, profile, algorithm, dtype):
    x, weight, rings, bias = make(spatial_dims, kernel_size, profile, dtype=dtype)
    arguments = {"padding": (kernel_size // 2,) * spatial_dims}
    dense, by_rings = (ring_conv(x, weight, rings, bias, algorithm=name, **arguments) for name in ("dense", algorithm))
    scale = dense.abs().max()
    assert_close(by_rings / scale, dense / scale)
    g = torch.randn_like(dense)
    for ours, reference in zip(
        torch.autograd.grad(by_rings, (x, weight, bias), g), torch.autograd.grad(dense, (x, weight, bias), g)
    ):
        scale = reference.abs().max()
        assert_close(ours / scale, reference / scale)


@pytest.mark.parametrize("algorithm", BY_RINGS)
@pytest.mark.parametrize("padding", [(0, 0), (1, 3), (8, 8)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
def test_rings_at_uneven_padding_and_dilation(padding, dilation, algorithm):
    padding = tuple(min(p, 4 * d) for p, d in zip(padding, dilation))
    x, weight, rings, bias = make(size=(13, 12), dtype=torch.float32)
    outputs = [
        ring_conv(x, weight, rings, bias, padding=padding, dilation=dilation, algorithm=name)
        for name in ("dense", algorithm)
    ]
    assert_close(outputs[1], outputs[0])
    gradients = [torch.autograd.grad(y.square().mean(), (x, weight, bias)) for y in outputs]
    for dense, by_rings in zip(*gradients):
        assert_close(by_rings, dense)


def test_strips_join_without_a_seam(monkeypatch):
    x, weight, rings, bias = make(size=(33, 17))
    expected = ring_conv(x, weight, rings, bias, padding=(2, 2), algorithm="dense")
    monkeypatch.setattr(strips, "_STRIP_BYTES", 3 * 17 * 8 * 5)
    assert_close(ring_conv(x, weight, rings, bias, padding=(2, 2), algorithm="rings"), expected)


@pytest.mark.parametrize("algorithm", ["dense", "rings"])
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_first_and_second_derivatives(algorithm, spatial_dims):
    x, weight, rings, bias = make(spatial_dims, kernel_size=3, profile="gaussian", channels=(2, 2), size=(4, 3, 3))

    def function(*tensors):
        x, weight, bias = tensors
        return ring_conv(x, weight, rings, bias, padding=(1,) * spatial_dims, algorithm=algorithm)

    assert gradcheck(function, (x, weight, bias))
    assert gradgradcheck(function, (x, weight, bias), fast_mode=spatial_dims == 3)


def test_gradient_of_a_part_of_the_inputs():
    x, weight, rings, bias = make()
    for wanted in (x, weight, bias):
        frozen = [t if t is wanted else t.detach() for t in (x, weight, bias)]
        y, reference = (
            ring_conv(*frozen[:2], rings, frozen[2], padding=(2, 2), algorithm=name) for name in ("rings", "dense")
        )
        assert_close(*(torch.autograd.grad(z.square().sum(), wanted)[0] for z in (y, reference)))


def test_groups_and_stride_are_left_to_the_dense_form():
    x, _, rings, bias = make(channels=(4, 6))
    weight = torch.randn(6, 2, len(rings), dtype=torch.float64)
    y = ring_conv(x, weight, rings, bias, stride=(2, 2), groups=2)
    kernel = torch.einsum("oij,juv->oiuv", weight, rings)
    assert_close(y, F.conv2d(x, kernel, bias, stride=2, groups=2))


@pytest.mark.parametrize("algorithm", BY_RINGS)
def test_operator_is_well_formed(algorithm):
    x, weight, rings, bias = make(dtype=torch.float32)
    for arguments in ((x, weight, rings, bias, [2, 2], [1, 1]), (x, weight, rings, None, [0, 0], [1, 1])):
        torch.library.opcheck(torch.ops.sre_monai.ring_conv.default, (*arguments, algorithm))
    g = torch.randn(2, 4, 9, 8, dtype=x.dtype, requires_grad=True)
    arguments = (g, x, weight, rings, [2, 2], [1, 1], algorithm)
    torch.library.opcheck(torch.ops.sre_monai.ring_conv_backward.default, arguments)


@pytest.mark.parametrize("profile", PROFILES)
def test_autocast_computes_in_the_lower_precision(profile):
    x, weight, rings, bias = make(profile=profile, dtype=torch.float32)
    expected = ring_conv(x, weight, rings, bias, padding=(2, 2))
    for algorithm in ("dense", *BY_RINGS):
        with torch.autocast("cpu", torch.bfloat16):
            y = ring_conv(x, weight, rings, bias, padding=(2, 2), algorithm=algorithm)
        assert y.dtype == torch.bfloat16
        assert_close(y / expected.abs().max(), expected / expected.abs().max())
        y.float().sum().backward()
        assert weight.grad.dtype == torch.float32


def choice(channels, kernel_size, dtype=torch.float32):
    x, weight, rings, _ = make(kernel_size=kernel_size, channels=(channels, 32), dtype=dtype)
    return choose_algorithm(x, weight, rings)


def test_choice_of_algorithm():
    assert choice(32, 9, torch.float16) == "rings"
    assert choice(32, 1) == choice(32, 9, torch.float64) == "dense"
    if library.VARIANTS:
        assert choice(32, 9) == choice(3, 3) == choice(32, 9, torch.bfloat16) == "compiled"


def test_choice_without_the_compiled_kernel(monkeypatch):
    monkeypatch.setattr(library, "VARIANTS", ())
    assert choice(32, 9) == choice(32, 3) == choice(32, 9, torch.bfloat16) == "rings"
    assert choice(3, 9) == "dense"
    x, weight, rings, bias = make(dtype=torch.float32)
    with pytest.raises(ValueError, match="needs float32 or bfloat16 on the CPU and the compiled kernel"):
        ring_conv(x, weight, rings, bias, algorithm="compiled")


def test_gpus_compute_the_dense_form():
    """What a GPU is given, as far as this can be seen without one."""
    real = make()
    with FakeTensorMode(), Operators() as operators:
        x, weight, rings, bias = (torch.empty(t.shape, device="cuda") for t in real)
        assert choose_algorithm(x, weight, rings) == "dense"
        y = ring_conv(x, weight, rings, bias, padding=(2, 2))
    assert (y.shape, y.device.type) == ((2, 4, 9, 8), "cuda")
    assert "aten.convolution" in operators.called
    assert not any(name.startswith("sre_monai") for name in operators.called)


class Operators(TorchDispatchMode):
    """Note the operators that are called."""

    def __init__(self):
        super().__init__()
        self.called = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.called.add(str(function.overloadpacket))
        return function(*args, **(kwargs or {}))


def test_every_device_computes_the_same():
    x, weight, rings, bias = make()
    expected = ring_conv(x, weight, rings, bias, padding=(2, 2), algorithm="dense")
    gradients = torch.autograd.grad(expected.square().sum(), (x, weight, bias))
    for device in ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]:
        moved = [t.detach().to(device).requires_grad_() for t in (x, weight, bias)]
        y = ring_conv(*moved[:2], rings.to(device), moved[2], padding=(2, 2))
        assert_close(y.cpu(), expected)
        for ours, reference in zip(torch.autograd.grad(y.square().sum(), moved), gradients):
            assert_close(ours.cpu(), reference)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"algorithm": "fft"}, "algorithm must be one of"),
        ({"algorithm": "rings", "stride": (2, 2)}, "needs stride 1"),
        ({"algorithm": "rings", "padding": (5, 5)}, "and padding of at most that, got kernel_size=5"),
        ({"input": torch.zeros(1, 5, 9, 9)}, "input must have the shape"),
        ({"input": torch.zeros(3, 9, 9)}, "input must have the shape"),
        ({"input": torch.zeros(1, 3, 4, 9)}, "exceeds the padded input"),
    ],
)
def test_errors_say_what_is_wrong(change, sentence):
    x, weight, rings, _ = make(dtype=torch.float32)
    with pytest.raises(ValueError, match=sentence):
        ring_conv(**({"input": x, "weight": weight, "rings": rings} | change))
