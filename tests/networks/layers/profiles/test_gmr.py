import math

import pytest
import torch

from sre_monai.networks.layers import SREConv2d, SREConvTranspose2d, ring_basis
from sre_monai.networks.layers.profiles.gmr import Profile
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close


def test_against_the_definition():
    weight, log_sigmas = torch.randn(3, 2, 4), torch.tensor([-1.0, 0.0, 0.3, 9.0])
    expected = torch.zeros_like(weight)
    for ring in range(4):
        sigma = min(math.exp(log_sigmas[ring]), 8.0)
        for band in range(4):
            density = math.exp(-((band - ring) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
            expected[..., band] += weight[..., ring] * density
    torch.testing.assert_close(Profile().ring_weight(weight, log_sigmas=log_sigmas), expected, rtol=1e-4, atol=1e-5)


def test_narrow_gaussians_leave_the_bands_apart():
    weight = torch.randn(2, 5)
    assert_close(Profile().ring_weight(weight, log_sigmas=torch.full((5,), -9.0)), weight / (0.01 * 2.5066))


def test_first_widths_are_those_of_a_band():
    assert Profile().parameters(9, 5)["log_sigmas"].exp().tolist() == pytest.approx([9 / 8 / 2.355] * 5)


@pytest.mark.parametrize("conv", [SREConv2d, SREConvTranspose2d])
def test_layer_is_equivariant_and_trains_its_widths(conv):
    layer = conv(3, 8, 7, padding=3, profile="gmr").double()
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias", "log_sigmas"]
    x = torch.randn(1, 3, 12, 9, dtype=torch.float64)
    for symmetry in grid_symmetries(2):
        assert_close(layer(symmetry.apply(x)), symmetry.apply(layer(x)))
    assert torch.autograd.gradcheck(
        lambda sigmas: torch.func.functional_call(layer, {"log_sigmas": sigmas}, (x,)), layer.log_sigmas
    )
    blended = Profile().ring_weight(layer.weight, log_sigmas=layer.log_sigmas)
    kernel = torch.tensordot(blended, ring_basis(7, 2), dims=1)
    assert_close(layer.kernel(), kernel)


def test_other_profiles_have_no_widths():
    assert "log_sigmas" not in SREConv2d(3, 8, 7).state_dict()


@pytest.mark.parametrize("rings", [{"kernel_size": 1}, {"kernel_size": 5, "num_rings": 1}])
def test_a_single_ring_is_refused(rings):
    with pytest.raises(ValueError, match="profile='gmr' blends at least 2 rings, got 1"):
        SREConv2d(3, 8, profile="gmr", **rings)
