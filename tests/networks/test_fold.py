import pytest
import torch
from monai.networks.nets import UNet
from torch import nn

from sre_monai.conversion import convert_to_sre
from sre_monai.networks import fold_sre, layers
from sre_monai.networks.nets import SREUNet
from tests.tolerances import assert_close


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"padding": 2},
        {"stride": 2, "padding": 1, "bias": False},
        {"dilation": 2, "groups": 2},
        {"padding": 2, "profile": "gaussian"},
        {"padding": 2, "profile": "gmr", "circular": False},
    ],
    ids=str,
)
def test_layers_become_ordinary_ones_of_the_same_function(dims, transposed, kwargs):
    kind = "SREConvTranspose" if transposed else "SREConv"
    layer = getattr(layers, f"{kind}{dims}d")(4, 6, 5, **kwargs)
    folded = fold_sre(layer)
    assert type(folded) is getattr(nn, f"{kind[3:]}{dims}d")
    x = torch.randn(2, 4, *[11] * dims)
    assert_close(folded(x), layer(x))


def test_padding_mode_and_output_padding_are_kept():
    x = torch.randn(1, 2, 9, 9)
    for layer in (
        layers.SREConv2d(2, 2, 3, padding=1, padding_mode="reflect"),
        layers.SREConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1),
    ):
        assert_close(fold_sre(layer)(x), layer(x))


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_networks_keep_their_function_and_themselves(size):
    networks = [
        SREUNet(2, 1, 2, features=(4, 6, 8, 4), kernel_size=5, profile="gaussian"),
        SREUNet(2, 1, 2, features=(4, 6, 8, 4), kernel_size=3, profile="gaussian", harmonics=(1, 2)),
        convert_to_sre(UNet(2, 1, 2, channels=(4, 8, 8), strides=(2, 2), num_res_units=1)),
    ]
    x = torch.randn(1, 1, *size)
    for network in networks:
        network.eval()
        folded = fold_sre(network)
        assert not any("sre_conv" in type(module).__module__ for module in folded.modules())
        assert any("sre_conv" in type(module).__module__ for module in network.modules())
        assert not folded.training
        assert list(folded.state_dict()) == list(network.state_dict())
        with torch.no_grad():
            assert_close(folded(x), network(x))


def test_a_layer_used_twice_stays_one():
    shared = layers.SREConv2d(2, 2, 3, padding=1)
    folded = fold_sre(nn.Sequential(shared, shared))
    assert folded[0] is folded[1]
    assert isinstance(folded[0], nn.Conv2d)


def test_dtype_and_frozen_weights_are_kept():
    layer = layers.SREConv2d(2, 2, 3).double().requires_grad_(False)
    folded = fold_sre(layer)
    assert folded.weight.dtype == torch.float64
    assert not folded.weight.requires_grad
