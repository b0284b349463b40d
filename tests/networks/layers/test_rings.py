import math

import numpy as np
import pytest
import torch

from sre_monai.conversion import convert_to_sre
from sre_monai.conversion.project import project_onto
from sre_monai.networks.layers import PROFILES, SREConv1d, SREConv2d, SREConv3d, SREConvTranspose2d, ring_basis
from sre_monai.networks.layers.rings import get_profile
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

CONVOLUTIONS = {1: SREConv1d, 2: SREConv2d, 3: SREConv3d}

each_profile = pytest.mark.parametrize("profile", PROFILES)  # properties of every profile, also of new ones


@each_profile
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_rings_are_unchanged_by_flips_and_swapped_axes(profile, spatial_dims):
    basis = ring_basis(7, spatial_dims, profile)
    for axis in range(1, spatial_dims + 1):
        assert torch.equal(basis.flip(axis), basis)
        assert torch.equal(basis.transpose(1, axis), basis)


def test_result_is_the_callers_own():
    ring_basis(3, 2).zero_()
    assert ring_basis(3, 2).sum() == 9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd"),
        ({"spatial_dims": 4}, "spatial_dims must be 1, 2 or 3"),
        ({"profile": "square"}, "profile must be one of bands, gaussian, gmr, got 'square'"),
        ({"profile": "gaussian", "circular": False}, "circular=False"),
        ({"num_rings": 0}, "num_rings must be at least 1"),
    ],
)
def test_errors_name_the_argument(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ring_basis(**({"kernel_size": 5, "spatial_dims": 2} | arguments))


def trained(layer):
    """Change a layer's parameters from their initial values."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return layer


@each_profile
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


@each_profile
@pytest.mark.parametrize("num_rings", [2, 3])
def test_number_of_rings(profile, num_rings):
    assert len(ring_basis(9, 2, profile, num_rings)) == num_rings


@each_profile
@pytest.mark.parametrize("spatial_dims", [1, 2])
def test_layer_is_equivariant_and_has_gradients(profile, spatial_dims):
    layer = trained(CONVOLUTIONS[spatial_dims](2, 2, 5, padding=2, profile=profile)).double()
    x = torch.randn(1, 2, *(8, 7)[:spatial_dims], dtype=torch.float64)
    for symmetry in grid_symmetries(spatial_dims):
        assert_close(layer(symmetry.apply(x)), symmetry.apply(layer(x)))
    for name, value in layer.named_parameters():
        assert torch.autograd.gradcheck(lambda v, name=name: torch.func.functional_call(layer, {name: v}, (x,)), value)


@each_profile
def test_weights_of_rings_are_linear_in_the_weights(profile):
    layer = trained(SREConv2d(3, 4, 7, profile=profile)).double()
    further = {name: p for name, p in layer.named_parameters() if name not in ("weight", "bias")}
    a, b = torch.randn(2, 3, 4, dtype=torch.float64)
    blend = get_profile(profile).ring_weight
    assert_close(blend(2 * a - b, **further), 2 * blend(a, **further) - blend(b, **further))
    assert_close(torch.tensordot(layer.weight, layer.kernel_basis(), dims=1), layer.kernel())


@each_profile
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


@each_profile
def test_conversion_starts_from_the_nearest_kernel(profile):
    conv = torch.nn.Conv2d(2, 3, 5, padding=2).double()
    converted = convert_to_sre(torch.nn.Sequential(conv), profile=profile, project=True)
    layer, (report,) = converted[0], converted.conversion_report.replaced
    distance = (conv.weight - layer.kernel()).norm()
    assert report.loss == pytest.approx((distance / conv.weight.norm()).item())
    for _ in range(20):
        other = torch.tensordot(layer.weight + 0.01 * torch.randn_like(layer.weight), layer.kernel_basis(), dims=1)
        assert (conv.weight - other).norm() > distance


@each_profile
def test_layer_survives_a_copy_and_a_cast(profile):
    layer = trained(SREConv2d(2, 3, 5, padding=2, profile=profile))
    again = SREConv2d(2, 3, 5, padding=2, profile=profile)
    again.load_state_dict(layer.state_dict())
    x = torch.randn(1, 2, 9, 9)
    assert torch.equal(again(x), layer(x))
    assert_close(layer.double()(x.double()).float(), again(x))


def brute_force_bands(kernel_size: int, spatial_dims: int) -> np.ndarray:
    """A loop over offsets and edges."""
    centre, rings = kernel_size // 2, kernel_size // 2 + 1
    width = (centre + 0.5) / rings
    basis = np.zeros((rings, *[kernel_size] * spatial_dims))
    for offset in np.ndindex(*[kernel_size] * spatial_dims):
        distance = sum((u - centre) ** 2 for u in offset) ** 0.5
        if distance < centre + 0.5:
            basis[(min(int(distance / width), rings - 1), *offset)] = 1
    return basis


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize("kernel_size", [1, 3, 5, 7, 9])
def test_bands_are_those_of_a_loop_over_offsets(kernel_size, spatial_dims):
    expected = brute_force_bands(kernel_size, spatial_dims)
    np.testing.assert_array_equal(ring_basis(kernel_size, spatial_dims).numpy(), expected)


def test_without_circular_the_corners_are_a_ring_of_their_own():
    basis = ring_basis(5, 2, circular=False)
    assert len(basis) == 4
    assert torch.equal(basis.sum(dim=0), torch.ones(5, 5, dtype=torch.float64))
    corners = torch.zeros(5, 5, dtype=torch.float64)
    corners[::4, ::4] = 1
    assert torch.equal(basis[-1], corners)


def test_number_of_bands_can_be_chosen():
    basis = ring_basis(9, 2, num_rings=3)
    assert len(basis) == 3
    assert torch.equal(basis.sum(dim=0), ring_basis(9, 2).sum(dim=0))


def test_gaussian_rings_peak_at_their_radius_and_end_at_the_disc():
    basis = ring_basis(9, 2, "gaussian")
    profile = basis[:, 4, 4:]
    assert torch.equal(profile.argmax(dim=1), torch.arange(5))
    assert torch.equal(profile.amax(dim=1), torch.ones(5, dtype=torch.float64))
    assert basis[:, 0, 0].eq(0).all()  # the corner, at 5.7 px, is outside


def test_gaussian_rings_cannot_keep_corners():
    with pytest.raises(ValueError, match="circular=False keeps the kernel's corners, where profile='gaussian'"):
        ring_basis(5, 2, "gaussian", circular=False)


def test_gmr_blends_bands_by_normal_densities():
    weight, log_sigmas = torch.randn(3, 2, 4), torch.tensor([-1.0, 0.0, 0.3, 9.0])
    expected = torch.zeros_like(weight)
    for ring in range(4):
        sigma = min(math.exp(log_sigmas[ring]), 8.0)
        for band in range(4):
            density = math.exp(-((band - ring) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
            expected[..., band] += weight[..., ring] * density
    torch.testing.assert_close(
        get_profile("gmr").ring_weight(weight, log_sigmas=log_sigmas), expected, rtol=1e-4, atol=1e-5
    )


def test_gmr_narrow_gaussians_leave_the_bands_apart():
    weight = torch.randn(2, 5)
    assert_close(get_profile("gmr").ring_weight(weight, log_sigmas=torch.full((5,), -9.0)), weight / (0.01 * 2.5066))


def test_gmr_first_widths_are_those_of_a_band():
    assert get_profile("gmr").parameters(9, 5)["log_sigmas"].exp().tolist() == pytest.approx([9 / 8 / 2.355] * 5)


@pytest.mark.parametrize("conv", [SREConv2d, SREConvTranspose2d])
def test_gmr_layer_is_equivariant_and_trains_its_widths(conv):
    layer = conv(3, 8, 7, padding=3, profile="gmr").double()
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias", "log_sigmas"]
    x = torch.randn(1, 3, 12, 9, dtype=torch.float64)
    for symmetry in grid_symmetries(2):
        assert_close(layer(symmetry.apply(x)), symmetry.apply(layer(x)))
    assert torch.autograd.gradcheck(
        lambda sigmas: torch.func.functional_call(layer, {"log_sigmas": sigmas}, (x,)), layer.log_sigmas
    )
    blended = get_profile("gmr").ring_weight(layer.weight, log_sigmas=layer.log_sigmas)
    kernel = torch.tensordot(blended, ring_basis(7, 2), dims=1)
    assert_close(layer.kernel(), kernel)


def test_only_gmr_has_widths():
    assert "log_sigmas" not in SREConv2d(3, 8, 7).state_dict()


@pytest.mark.parametrize("rings", [{"kernel_size": 1}, {"kernel_size": 5, "num_rings": 1}])
def test_gmr_refuses_a_single_ring(rings):
    with pytest.raises(ValueError, match="profile='gmr' blends at least 2 rings, got 1"):
        SREConv2d(3, 8, profile="gmr", **rings)
