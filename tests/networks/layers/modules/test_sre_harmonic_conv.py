import pytest
import torch
import torch.nn.functional as F
from monai.networks.layers import Conv

from sre_monai.conversion import check_equivariance
from sre_monai.networks.layers import SREHarmonicConv2d, SREHarmonicConv3d, harmonic_magnitude
from tests.tolerances import assert_close

LAYERS = {2: SREHarmonicConv2d, 3: SREHarmonicConv3d}


@pytest.mark.parametrize("orders", [(1,), (2,), (2, 1)])
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_it_is_a_ring_convolution_and_a_mix_of_magnitudes(spatial_dims, orders):
    layer = LAYERS[spatial_dims](3, 6, kernel_size=3, orders=orders, harmonic_channels=2, profile="gaussian").double()
    x = torch.randn(2, 3, 7, 6, 5, dtype=torch.float64)[(..., *[0] * (3 - spatial_dims))]
    conv = {2: F.conv2d, 3: F.conv3d}[spatial_dims]
    responses = conv(x, layer.conv.kernel(), layer.conv.bias, padding=1)
    expected = responses[:, :6]
    for place, order in enumerate(orders):
        magnitudes = harmonic_magnitude(responses[:, 6 + 2 * place : 8 + 2 * place], order)
        weight = layer.mix.weight[:, 2 * place : 2 * place + 2]
        expected = expected + torch.einsum("oi...,bi...->bo...", weight.flatten(2)[..., 0], magnitudes)
    assert_close(layer(x), expected)


@pytest.mark.parametrize("orders", [(1,), (2,), (1, 2)])
@pytest.mark.parametrize("profile", ["bands", "gaussian"])
@pytest.mark.parametrize("size", [(32, 32), (33, 48), (31, 33), (9, 8, 7)], ids=str)
def test_rotations_and_flips_are_exact(size, profile, orders):
    layer = LAYERS[len(size)](2, 4, kernel_size=5, orders=orders, profile=profile)
    assert check_equivariance(layer, (1, 2, *size)).worst < 1e-6


def test_other_angles_are_close():
    torch.manual_seed(0)
    layer = SREHarmonicConv2d(1, 8, kernel_size=5, profile="gaussian")
    errors = check_equivariance(layer, (1, 1, 64, 64), angles=(10, 30, 45)).angles
    assert all(error < 0.02 for error in errors.values()), errors  # an ordinary convolution has 0.11 to 0.45


def test_it_sees_a_line_that_rings_alone_cannot_tell_from_its_background():
    """Rings alone cannot tell a random texture from a line with the same radial spectrum."""
    line = torch.zeros(1, 1, 33, 33)
    line[..., 16, :] = 1
    cross = line + line.transpose(2, 3)  # two lines: their second harmonics cancel where they meet
    assert harmonic_magnitude(line, 2)[0, 0, 16, 16] > 1
    assert harmonic_magnitude(cross, 2)[0, 0, 16, 16] == pytest.approx(0.01, abs=1e-6)


def test_gradients():
    layer = SREHarmonicConv2d(2, 3, kernel_size=3, harmonic_channels=1).double()
    x = torch.randn(1, 2, 6, 5, dtype=torch.float64, requires_grad=True)
    parameters = tuple(layer.parameters())

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(dict(layer.named_parameters()), values)), (x,))

    assert torch.autograd.gradcheck(call, (x, *parameters))


def test_torch_compile_gives_the_same():
    layer = SREHarmonicConv2d(2, 4, kernel_size=3)
    x = torch.randn(1, 2, 12, 13, requires_grad=True)
    y = torch.compile(layer, backend="aot_eager")(x)
    assert_close(y, layer(x))
    y.sum().backward()
    assert x.grad is not None


def test_scripting_by_tracing_gives_the_same(tmp_path):
    layer = SREHarmonicConv2d(2, 4, kernel_size=3).eval()
    traced = torch.jit.trace(layer, torch.randn(1, 2, 12, 13))
    x = torch.randn(2, 2, 9, 8)
    assert_close(traced(x), layer(x))


def test_it_is_in_monais_factory():
    assert [Conv["sre_harmonic", dims] for dims in (2, 3)] == list(LAYERS.values())


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"orders": ()}, "orders must be one or more"),
        ({"orders": (3,)}, "orders must be one or more"),
        ({"orders": (2, 2)}, "each once"),
        ({"harmonic_channels": 0}, "harmonic_channels must be at least 1"),
    ],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        SREHarmonicConv2d(2, 4, kernel_size=3, **kwargs)
