"""Properties of every profile; new profiles are included automatically."""

import numpy as np
import pytest
import torch

from sre_monai.conversion import convert_to_sre
from sre_monai.conversion.project import project_onto
from sre_monai.networks.layers import PROFILES, SREConv1d, SREConv2d, SREConv3d, ring_basis
from sre_monai.networks.layers.profiles import get_profile
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

CONVOLUTIONS = {1: SREConv1d, 2: SREConv2d, 3: SREConv3d}

pytestmark = pytest.mark.parametrize("profile", PROFILES)


def trained(layer):
    """Change a layer's parameters from their initial values."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return layer


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_rings_depend_on_the_distance_alone_and_end_at_the_disc(profile, spatial_dims):
    basis = ring_basis(7, spatial_dims, profile)
    distance = np.sqrt(sum((i - 3.0) ** 2 for i in np.indices((7,) * spatial_dims)))
    for value in np.unique(distance):
        taps = basis[:, torch.from_numpy(distance == value)]
        assert torch.equal(taps, taps[:, :1].expand_as(taps))
        assert value < 3.5 or taps.eq(0).all()
    assert basis.shape[0] == 4
    assert torch.linalg.matrix_rank(basis.flatten(1)) == 4
    assert basis.min() >= 0
    assert basis.max() <= 1


@pytest.mark.parametrize("num_rings", [2, 3])
def test_number_of_rings(profile, num_rings):
    assert len(ring_basis(9, 2, profile, num_rings)) == num_rings


@pytest.mark.parametrize("spatial_dims", [1, 2])
def test_layer_is_equivariant_and_has_gradients(profile, spatial_dims):
    layer = trained(CONVOLUTIONS[spatial_dims](2, 2, 5, padding=2, profile=profile)).double()
    x = torch.randn(1, 2, *(8, 7)[:spatial_dims], dtype=torch.float64)
    for symmetry in grid_symmetries(spatial_dims):
        assert_close(layer(symmetry.apply(x)), symmetry.apply(layer(x)))
    for name, value in layer.named_parameters():
        assert torch.autograd.gradcheck(lambda v, name=name: torch.func.functional_call(layer, {name: v}, (x,)), value)


def test_weights_of_rings_are_linear_in_the_weights(profile):
    layer = trained(SREConv2d(3, 4, 7, profile=profile)).double()
    further = {name: p for name, p in layer.named_parameters() if name not in ("weight", "bias")}
    a, b = torch.randn(2, 3, 4, dtype=torch.float64)
    blend = get_profile(profile).ring_weight
    assert_close(blend(2 * a - b, **further), 2 * blend(a, **further) - blend(b, **further))
    assert_close(torch.tensordot(layer.weight, layer.kernel_basis(), dims=1), layer.kernel())


def test_projection_finds_a_layers_own_kernel(profile):
    source = trained(SREConv2d(3, 4, 7, profile=profile)).double()
    target = SREConv2d(3, 4, 7, profile=profile).double()
    target.load_state_dict(
        {name: v if name not in ("weight", "bias") else torch.zeros_like(v) for name, v in source.state_dict().items()}
    )
    loss = project_onto(target, source.kernel(), source.bias)
    assert loss < 1e-8
    assert_close(target.weight, source.weight)
    assert_close(target.bias, source.bias)


def test_conversion_starts_from_the_nearest_kernel(profile):
    conv = torch.nn.Conv2d(2, 3, 5, padding=2).double()
    converted = convert_to_sre(torch.nn.Sequential(conv), profile=profile, project=True)
    layer, (report,) = converted[0], converted.conversion_report.replaced
    distance = (conv.weight - layer.kernel()).norm()
    assert report.loss == pytest.approx((distance / conv.weight.norm()).item())
    for _ in range(20):
        other = torch.tensordot(layer.weight + 0.01 * torch.randn_like(layer.weight), layer.kernel_basis(), dims=1)
        assert (conv.weight - other).norm() > distance


def test_layer_survives_a_copy_and_a_cast(profile):
    layer = trained(SREConv2d(2, 3, 5, padding=2, profile=profile))
    again = SREConv2d(2, 3, 5, padding=2, profile=profile)
    again.load_state_dict(layer.state_dict())
    x = torch.randn(1, 2, 9, 9)
    assert torch.equal(again(x), layer(x))
    assert_close(layer.double()(x.double()).float(), again(x))
