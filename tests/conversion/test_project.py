import pytest
import torch
from monai.networks.blocks import SubpixelUpsample
from monai.networks.nets import UNet
from torch import nn

from sre_monai.conversion import convert_to_sre
from sre_monai.conversion.project import project_kernel, project_onto
from sre_monai.networks.layers import SREConv2d, SREConv3d, expand_kernel, ring_basis
from tests.tolerances import assert_close


@pytest.mark.parametrize("profile", ["bands", "gaussian"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_kernels_of_rings_are_found_again(profile, dims):
    rings = ring_basis(5, dims, profile)
    weight = torch.randn(3, 2, len(rings), dtype=torch.float64)
    found, loss = project_kernel(expand_kernel(weight, rings), rings)
    assert_close(found, weight)
    assert loss < 1e-9


def test_bands_take_the_mean_of_each_ring():
    kernel = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    rings = ring_basis(5, 2)
    weight, _ = project_kernel(kernel, rings)
    expected = torch.stack([kernel[..., ring > 0].mean(-1) for ring in rings], dim=-1)
    assert_close(weight, expected)


@pytest.mark.parametrize("profile", ["bands", "gaussian"])
def test_no_other_weights_are_nearer(profile):
    kernel, rings = torch.randn(1, 1, 7, 7, dtype=torch.float64), ring_basis(7, 2, profile)
    weight, loss = project_kernel(kernel, rings)
    distance = (kernel - expand_kernel(weight, rings)).norm()
    assert loss == pytest.approx((distance / kernel.norm()).item())
    for _ in range(20):
        assert (kernel - expand_kernel(weight + 0.01 * torch.randn_like(weight), rings)).norm() > distance


def test_directions_are_lost_and_zero_is_not():
    sobel = torch.tensor([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])
    assert project_kernel(sobel, ring_basis(3, 2))[1] == pytest.approx(1)
    assert project_kernel(torch.zeros(1, 1, 3, 3), ring_basis(3, 2))[1] == 0


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 9])
def test_kernels_of_other_sizes_keep_their_sum_or_their_centre(size):
    target = SREConv2d(1, 1, 7, padding=3, circular=False)
    kernel = torch.ones(1, 1, size, size)
    project_onto(target, kernel, torch.tensor([2.0]))
    assert target.bias.item() == 2
    if size <= 7:
        assert target.kernel().sum().item() == pytest.approx(size**2, rel=1e-4)
    else:
        assert_close(target.kernel(), torch.ones(1, 1, 7, 7))


def test_a_symmetric_network_is_kept_by_conversion():
    """Projection does not change a network whose kernels are symmetric already."""
    network = nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.Conv3d(4, 2, 1)).eval()
    with torch.no_grad():
        network[0].weight.copy_(SREConv3d(1, 4, 3, circular=False).kernel())
    converted = convert_to_sre(network, project=True)
    x = torch.randn(1, 1, 6, 7, 8)
    # the rings lack the corners
    with torch.no_grad():
        network[0].weight.copy_(converted[0].kernel())
    again = convert_to_sre(network, project=True)
    assert again.conversion_report.mean_loss < 1e-6
    assert_close(again(x), network(x))


@pytest.mark.parametrize(
    "layer",
    [
        nn.ConvTranspose2d(2, 3, 2, stride=2),
        nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2),
        SubpixelUpsample(2, 2, 3),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_the_gain_of_upsampling_layers_is_kept(layer):
    """The mean response to a constant map is kept, except for the corners of 5×5 kernels."""
    if isinstance(layer, nn.ConvTranspose2d):
        nn.init.constant_(layer.weight, 0.5)
    channels = 4 if getattr(layer, "groups", 1) == 2 else 2
    x = torch.ones(1, channels, 8, 8)
    expected = layer(x)[..., 6:-6, 6:-6].mean((2, 3))
    actual = convert_to_sre(layer, project=True)(x)[..., 6:-6, 6:-6].mean((2, 3))
    torch.testing.assert_close(actual, expected, rtol=0.1, atol=0.01)


def test_report_states_the_loss():
    network = UNet(2, 1, 2, channels=(4, 8), strides=(2,))
    plain = convert_to_sre(network).conversion_report
    assert plain.mean_loss is None
    assert all(layer.loss is None for layer in plain.replaced)
    report = convert_to_sre(network, project=True).conversion_report
    assert all(0 < layer.loss < 1 for layer in report.replaced)


def test_sizes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"size \(3, 3\) and rings of \(5, 5\) differ"):
        project_kernel(torch.zeros(1, 1, 3, 3), ring_basis(5, 2))
