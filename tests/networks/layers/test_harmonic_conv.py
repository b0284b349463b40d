import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from sre_monai.networks.layers import expand_kernel, harmonic_conv, harmonic_magnitude, ring_basis
from sre_monai.networks.layers.arguments import ORDERS
from sre_monai.networks.layers.kernels import library, ring_job
from tests.tolerances import assert_close

CONV = {2: F.conv2d, 3: F.conv3d}
ALL_ORDERS = [(1,), (2,), (1, 2), (2, 1)]
ALGORITHMS = ["dense", "rings", *(["compiled"] if library.VARIANTS else [])]

needs_kernel = pytest.mark.skipif(not library.VARIANTS, reason="the package was built without a compiler")


def make(size=(9, 8), orders=(1, 2), kernel_size=3, profile="gaussian", channels=(3, 4, 2), dtype=torch.float64):
    """Random input, weight, rings, bias and mix; channels of the input, the output and each order."""
    source, target, each = channels
    rings = ring_basis(kernel_size, len(size), profile).to(dtype)
    outputs, profiles = target + each * len(orders), each * len(orders)
    shapes = ((2, source, *size), (outputs, source, len(rings)), (outputs,), (target, profiles))
    x, weight, bias, mix = (torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes)
    return x, weight, rings, bias, mix


def by_definition(x, weight, rings, bias, mix, orders, dilation):
    """A standard convolution, the magnitudes of its slices, and their sum."""
    padding = [d * (rings.shape[-1] // 2) for d in dilation]
    maps = CONV[x.ndim - 2](x, expand_kernel(weight, rings), bias, padding=padding, dilation=dilation)
    output, each = maps[:, : len(mix)], mix.shape[1] // len(orders)
    for place, order in enumerate(orders):
        first = place * each
        magnitude = harmonic_magnitude(maps[:, len(mix) + first : len(mix) + first + each], order)
        output = output + torch.einsum("oi,bi...->bo...", mix[:, first : first + each], magnitude)
    return output


TYPES = [
    (algorithm, dtype)
    for algorithm in ALGORITHMS
    for dtype in (torch.float64, torch.float32, torch.bfloat16)
    if algorithm != "compiled" or dtype in ring_job.DTYPES
]


@pytest.mark.parametrize(("algorithm", "dtype"), TYPES)
@pytest.mark.parametrize("orders", ALL_ORDERS)
@pytest.mark.parametrize("profile", ["bands", "gaussian"])
@pytest.mark.parametrize("size", [(9, 8), (1, 5), (4, 6, 5)], ids=str)
def test_all_algorithms_agree_with_the_definition(size, profile, orders, algorithm, dtype):
    tensors = make(size, orders, profile=profile, channels=(3, 5, 3))
    dilation = (1,) * len(size)
    expected = by_definition(*tensors, orders, dilation)
    g = torch.randn_like(expected)
    x, weight, rings, bias, mix = (t.detach().to(dtype).requires_grad_(t.requires_grad) for t in tensors)
    y = harmonic_conv(x, weight, rings, bias, mix, orders, algorithm=algorithm)
    scale = expected.abs().max()
    assert y.dtype == dtype
    assert_close(y / scale, (expected / scale).to(dtype))
    ours = torch.autograd.grad(y, (x, weight, bias, mix), g.to(dtype))
    references = torch.autograd.grad(expected, (tensors[0], tensors[1], *tensors[3:]), g)
    for gradient, reference in zip(ours, references):
        scale = reference.norm()
        assert (gradient.double() - reference).norm() < scale * {torch.bfloat16: 0.05}.get(dtype, 1e-4)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
def test_kernel_sizes_and_dilations(dilation, kernel_size, algorithm):
    tensors = make((13, 12), kernel_size=kernel_size, dtype=torch.float32)
    expected = by_definition(*tensors, (1, 2), dilation)
    y = harmonic_conv(*tensors, (1, 2), dilation, algorithm=algorithm)
    assert_close(y, expected)
    wanted = (tensors[0], tensors[1], *tensors[3:])
    gradients = (torch.autograd.grad(z.square().mean(), wanted) for z in (y, expected))
    for ours, reference in zip(*gradients):
        assert_close(ours, reference)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_the_activation_is_a_leaky_relu(slope, algorithm):
    tensors = make(dtype=torch.float32)
    expected = F.leaky_relu(by_definition(*tensors, (1, 2), (1, 1)), slope)
    y = harmonic_conv(*tensors, (1, 2), negative_slope=slope, algorithm=algorithm)
    assert_close(y, expected)
    gradients = (torch.autograd.grad(z.square().mean(), (tensors[0], tensors[4])) for z in (y, expected))
    for ours, reference in zip(*gradients):
        assert_close(ours, reference)


@pytest.mark.parametrize("algorithm", ["dense", "rings"])
def test_first_and_second_derivatives(algorithm):
    x, weight, rings, bias, mix = make((4, 3), channels=(2, 2, 1))

    def function(x, weight, bias, mix):
        return harmonic_conv(x, weight, rings, bias, mix, (1, 2), algorithm=algorithm)

    assert torch.autograd.gradcheck(function, (x, weight, bias, mix))
    assert torch.autograd.gradgradcheck(function, (x, weight, bias, mix), fast_mode=True)


@needs_kernel
@pytest.mark.parametrize("with_bias", [True, False])
def test_second_derivatives_of_the_compiled_operation(with_bias):
    """Second derivatives, compared with PyTorch's in float64."""

    def differentiate_twice(x, weight, rings, bias, mix, g):
        tensors = (x, weight, *((bias,) if with_bias else ()), mix)
        y = harmonic_conv(x, weight, rings, bias if with_bias else None, mix, (2, 1))
        upstream = g * y  # it depends on all of them
        gradients = torch.autograd.grad(y, tensors, upstream, create_graph=True)
        norm = sum(gradient.square().sum() for gradient in gradients)
        return torch.autograd.grad(norm, (g, x, weight, mix))

    tensors = make((7, 6), orders=(2, 1), dtype=torch.float32)
    g = torch.randn(2, 4, 7, 6, requires_grad=True)
    exact = [t.detach().double().requires_grad_(t.requires_grad) for t in (*tensors, g)]
    for ours, reference in zip(differentiate_twice(*tensors, g), differentiate_twice(*exact)):
        scale = reference.abs().max()
        assert_close(ours / scale, (reference / scale).float())


@needs_kernel
def test_gradient_of_a_part_of_the_inputs():
    tensors = make(dtype=torch.float32)
    for wanted in (tensors[0], tensors[1], tensors[3], tensors[4]):
        frozen = [t if t is wanted else t.detach() for t in tensors]
        results = (harmonic_conv(*frozen, (1, 2), algorithm=name) for name in ("compiled", "dense"))
        gradients = [torch.autograd.grad(y.mean(), wanted)[0] for y in results]
        assert_close(*gradients)


@needs_kernel
def test_operator_is_well_formed():
    x, weight, rings, bias, mix = make(dtype=torch.float32)
    checks = ("test_schema", "test_autograd_registration", "test_faketensor")  # compilation has tests of its own
    for with_bias, slope in ((bias, 1.0), (None, 0.1)):
        arguments = (x, weight, rings, with_bias, mix, [1, 2], [1, 1], slope)
        torch.library.opcheck(torch.ops.sre_monai.harmonic_conv.default, arguments, test_utils=checks)
        g = torch.randn(2, 4, 9, 8, requires_grad=True)
        arguments = (g, x, weight, rings, with_bias, mix, [1, 2], [1, 1])
        torch.library.opcheck(torch.ops.sre_monai.harmonic_conv_backward.default, arguments, test_utils=checks)


@needs_kernel
def test_shapes_are_known_without_values():
    tensors = make(dtype=torch.float32)
    plain = [t.detach() for t in tensors]
    with FakeTensorMode() as mode:
        fakes = [mode.from_tensor(p).requires_grad_(t.requires_grad) for p, t in zip(plain, tensors)]
        y = harmonic_conv(*fakes, (1, 2))
        y.sum().backward()
    real = harmonic_conv(*tensors, (1, 2))
    assert (y.shape, y.stride()) == (real.shape, real.stride())
    assert all(t.grad.shape == t.shape for t in fakes if t.requires_grad)


@needs_kernel
def test_torch_compile_gives_the_same():
    tensors = make(dtype=torch.float32)

    def loss(x):
        return harmonic_conv(x, *tensors[1:], (1, 2)).square().mean()

    expected = torch.autograd.grad(loss(tensors[0]), tensors[0])[0]
    compiled_loss = torch.compile(loss, backend="aot_eager", fullgraph=True)
    assert_close(torch.autograd.grad(compiled_loss(tensors[0]), tensors[0])[0], expected)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_autocast_computes_in_the_lower_precision(algorithm):
    tensors = make(dtype=torch.float32)
    expected = harmonic_conv(*tensors, (1, 2))
    with torch.autocast("cpu", torch.bfloat16):
        y = harmonic_conv(*tensors, (1, 2), algorithm=algorithm)
    assert y.dtype == torch.bfloat16
    assert_close(y / expected.abs().max(), expected / expected.abs().max())
    y.float().sum().backward()
    assert all(t.grad.dtype == torch.float32 for t in tensors if t.requires_grad)


@pytest.mark.parametrize("algorithm", ["dense", "rings"])
def test_autocast_to_float16_does_not_overflow(algorithm):
    """Profiles above 255, whose squares float16 cannot hold; GPUs compute so in mixed precision."""
    x, weight, rings, bias, mix = make(dtype=torch.float32)
    x, mix = 500 * x.detach(), 0.01 * mix.detach()
    expected = harmonic_conv(x, weight, rings, bias, mix, (1, 2))
    with torch.autocast("cpu", torch.float16):
        y = harmonic_conv(x, weight, rings, bias, mix, (1, 2), algorithm=algorithm)
    assert y.dtype == torch.float16
    scale = expected.abs().max()
    assert scale > 500
    assert_close(y.float() / scale, expected / scale, torch.float16)
    ours, reference = (torch.autograd.grad(z.float().mean(), weight)[0] for z in (y, expected))
    assert_close(ours / reference.abs().max(), reference / reference.abs().max(), torch.float16)


def test_gpus_compose_the_operation():
    real = make(dtype=torch.float16)
    with FakeTensorMode():
        x, weight, rings, bias, mix = (torch.empty(t.shape, dtype=t.dtype, device="cuda") for t in real)
        y = harmonic_conv(x, weight, rings, bias, mix, (1, 2))
    assert (y.shape, y.dtype, y.device.type) == ((2, 4, 9, 8), torch.float16, "cuda")


@needs_kernel
def test_values_that_are_not_numbers_stay_near():
    x, weight, rings, bias, mix = (t.detach() for t in make((15, 15), dtype=torch.float32))
    x[0, 0, 7, 7] = float("nan")
    bad = harmonic_conv(x, weight, rings, bias, mix, (1, 2)).isnan()[0, 0]
    assert bad[7, 7]
    bad[4:11, 4:11] = False
    assert not bad.any()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_empty_batches(algorithm):
    x, weight, rings, bias, mix = make(dtype=torch.float32)
    y = harmonic_conv(x[:0], weight, rings, bias, mix, ORDERS, algorithm=algorithm)
    assert y.shape == (0, 4, 9, 8)
    assert not torch.autograd.grad(y.sum(), weight)[0].any()


def test_errors_say_what_is_wrong(monkeypatch):
    tensors = make(dtype=torch.float32)
    with pytest.raises(ValueError, match="algorithm must be one of"):
        harmonic_conv(*tensors, (1, 2), algorithm="fft")
    with pytest.raises(ValueError, match="needs float32 or bfloat16 on the CPU and the compiled kernel"):
        harmonic_conv(*make(), (1, 2), algorithm="compiled")
    monkeypatch.setattr(library, "VARIANTS", ())
    with pytest.raises(ValueError, match="and no kernel"):
        harmonic_conv(*tensors, (1, 2), algorithm="compiled")
