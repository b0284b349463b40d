import pytest
import torch

from sre_monai.networks.layers import SREConv2d, SREHarmonicConv2d
from sre_monai.networks.nets import SREUNet
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

TINY = {"features": (4, 6, 8, 4), "kernel_size": 5}


def count(network):
    return sum(p.numel() for p in network.parameters())


def test_defaults_are_the_published_network():
    assert count(SREUNet(2, 3, 2)) == 274_306
    assert count(SREUNet(2, 3, 2, profile="gaussian")) == 274_306


@pytest.mark.parametrize(
    ("kwargs", "shape"),
    [
        ({"spatial_dims": 1}, (2, 3, 37)),
        ({"spatial_dims": 2}, (2, 3, 32, 33)),
        ({"spatial_dims": 3}, (1, 3, 9, 12, 11)),
        ({"spatial_dims": 2, "kernel_size": (7, 5, 3)}, (2, 3, 16, 17)),
        ({"spatial_dims": 2, "features": (4, 8, 8, 8, 8, 4)}, (2, 3, 40, 23)),
        ({"spatial_dims": 2, "norm": None, "act": "prelu", "dropout": 0.1}, (1, 3, 8, 8)),
        ({"spatial_dims": 2, "norm": ("instance", {"affine": True})}, (1, 3, 16, 16)),
        ({"spatial_dims": 2}, (1, 3, 1, 2)),
        ({"spatial_dims": 2, "harmonics": (1, 2)}, (2, 3, 32, 33)),
        ({"spatial_dims": 2, "pooling": "average"}, (2, 3, 32, 33)),
        ({"spatial_dims": 3, "harmonics": (2,)}, (1, 3, 9, 12, 11)),
    ],
    ids=str,
)
def test_shapes_forward_and_backward(kwargs, shape):
    network = SREUNet(in_channels=3, out_channels=2, **(TINY | kwargs)).eval()
    x = torch.randn(shape, requires_grad=True)
    y = network(x)
    assert y.shape == (shape[0], 2, *shape[2:])
    y.square().sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("harmonics", [(), (1, 2)])
@pytest.mark.parametrize("profile", ["bands", "gaussian"])
@pytest.mark.parametrize("size", [(64, 64), (65, 97), (31, 48), (71, 75)])
def test_output_rotates_with_the_input_at_every_size(profile, harmonics, size):
    network = SREUNet(2, 3, 2, profile=profile, harmonics=harmonics, **TINY).double().eval()
    x = torch.randn(1, 3, *size, dtype=torch.float64)
    y = network(x)
    for symmetry in grid_symmetries(2):
        assert_close(network(symmetry.apply(x)), symmetry.apply(y))


@pytest.mark.parametrize("size", [(565, 584), (605, 700)])
def test_output_is_equivariant_in_single_precision_at_the_sizes_of_real_photographs(size):
    network = SREUNet(2, 3, 2, profile="gaussian", **TINY).eval()
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        y = network(x)
        for symmetry in grid_symmetries(2):
            assert_close(network(symmetry.apply(x)), symmetry.apply(y))


def test_3d_output_rotates_about_every_axis():
    network = SREUNet(3, 1, 2, features=(4, 6, 4), kernel_size=3).double().eval()
    x = torch.randn(1, 1, 9, 12, 11, dtype=torch.float64)
    y = network(x)
    for axes in ((2, 3), (3, 4), (2, 4)):
        assert_close(network(x.rot90(1, axes)), y.rot90(1, axes))
    assert_close(network(x.flip(3)), y.flip(3))


def test_state_dict_is_the_same_in_train_and_eval():
    network = SREUNet(2, 3, 2, **TINY)
    keys = list(network.train().state_dict())
    network.eval()(torch.randn(1, 3, 16, 16))
    assert list(network.state_dict()) == keys
    assert not any("rings" in key for key in keys)


def test_profile_reaches_every_layer():
    network = SREUNet(2, 3, 2, profile="gaussian", **TINY)
    layers = [m for m in network.modules() if isinstance(m, SREConv2d)]
    assert len(layers) == 10
    assert {layer.profile for layer in layers} == {"gaussian"}


def test_harmonics_reach_every_layer():
    network = SREUNet(2, 3, 2, harmonics=(2,), **TINY)
    layers = [m for m in network.modules() if isinstance(m, SREHarmonicConv2d)]
    assert len(layers) == 10
    assert {layer.orders for layer in layers} == {(2,)}


@pytest.mark.parametrize("harmonics", [(), (1, 2)])
def test_torch_export_keeps_the_function(harmonics):
    network = SREUNet(2, 3, 2, harmonics=harmonics, **TINY).eval()
    x = torch.randn(1, 3, 33, 32)
    assert_close(torch.export.export(network, (x,)).module()(x), network(x))


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"features": (8, 8)}, "features must name at least two"),
        ({"kernel_size": (9, 9)}, "one for each of 3 levels"),
        ({"pooling": "median"}, "pooling must be one of max, average"),
    ],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        SREUNet(2, 3, 2, **(TINY | kwargs))
