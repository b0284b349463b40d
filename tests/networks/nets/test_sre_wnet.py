import pytest
import torch
from monai.networks.nets import BasicUNet

from sre_monai.networks.nets import SREUNet, SREWNet
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

TINY = {"features": (4, 6, 4), "kernel_size": 3, "harmonics": (1, 2)}


@pytest.mark.parametrize(("spatial_dims", "shape"), [(2, (2, 3, 32, 33)), (3, (1, 3, 9, 12, 11)), (2, (1, 3, 1, 2))])
def test_shapes_forward_and_backward(spatial_dims, shape):
    network = SREWNet(spatial_dims, 3, 2, **TINY).eval()
    x = torch.randn(shape, requires_grad=True)
    y = network(x)
    assert y.shape == (shape[0], 2, *shape[2:])
    y.square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(p.grad is not None for p in network.parameters())


def test_the_second_network_sees_the_image_and_the_logits_of_the_first():
    network = SREWNet(2, 3, 2, **TINY).double().eval()
    first, second = SREUNet(2, 3, 2, **TINY).double().eval(), SREUNet(2, 5, 2, **TINY).double().eval()
    weights = network.state_dict()
    for part, unet in (("first.", first), ("second.", second)):
        unet.load_state_dict({k.removeprefix(part): v for k, v in weights.items() if k.startswith(part)})
    x = torch.randn(1, 3, 17, 24, dtype=torch.float64)
    assert_close(network(x), second(torch.cat([x, first(x)], dim=1)))


def test_deep_supervision_returns_both_while_training():
    network = SREWNet(2, 3, 2, deep_supervision=True, norm=None, **TINY)
    x = torch.randn(2, 3, 16, 17)
    both = network.train()(x)
    assert both.shape == (2, 2, 2, 16, 17)
    assert_close(both[:, 0], network.eval()(x))
    assert_close(both[:, 1], network.first(x))


def test_without_deep_supervision_training_returns_the_second_alone():
    assert SREWNet(2, 3, 2, **TINY).train()(torch.randn(1, 3, 8, 8)).shape == (1, 2, 8, 8)


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (31, 48)])
def test_output_rotates_with_the_input_at_every_size(size):
    network = SREWNet(2, 3, 2, **TINY).double().eval()
    x = torch.randn(1, 3, *size, dtype=torch.float64)
    y = network(x)
    for symmetry in grid_symmetries(2):
        assert_close(network(symmetry.apply(x)), symmetry.apply(y))


def test_export_keeps_the_function():
    network = SREWNet(2, 3, 2, deep_supervision=True, **TINY).eval()
    x = torch.randn(1, 3, 33, 32)
    assert_close(torch.export.export(network, (x,)).module()(x), network(x))


def test_any_unet_in_a_row():
    network = SREWNet(2, 3, 2, deep_supervision=True, unet=BasicUNet, features=(4, 4, 4, 4, 4, 4), norm="batch")
    assert isinstance(network.first, BasicUNet)
    assert isinstance(network.second, BasicUNet)
    x = torch.randn(2, 3, 33, 34)
    assert network(x).shape == (2, 2, 2, 33, 34)
    network.eval()
    assert_close(network(x), network.second(torch.cat([x, network.first(x)], dim=1)))


def test_mixed_precision_on_a_cpu():
    network = SREWNet(2, 3, 2, deep_supervision=True, **TINY)
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.randn(2, 3, 16, 17)).shape == (2, 2, 2, 16, 17)


def test_errors_are_those_of_the_unet():
    with pytest.raises(ValueError, match="pooling must be one of"):
        SREWNet(2, 3, 2, pooling="median")
