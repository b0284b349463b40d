import torch
from monai.networks.nets import BasicUNet

from sre_monai.networks.nets import WNet
from tests.tolerances import assert_close

TINY = {"features": (4, 4, 4, 4, 4, 4), "norm": "batch"}


def test_any_unet_in_a_row():
    network = WNet(BasicUNet, 2, 3, 2, deep_supervision=True, **TINY)
    assert isinstance(network.first, BasicUNet)
    assert isinstance(network.second, BasicUNet)
    x = torch.randn(2, 3, 33, 34)
    assert network(x).shape == (2, 2, 2, 33, 34)
    network.eval()
    assert_close(network(x), network.second(torch.cat([x, network.first(x)], dim=1)))


def test_scripting_keeps_the_function():
    network = WNet(BasicUNet, 2, 3, 2, **TINY).eval()
    x = torch.randn(1, 3, 33, 34)
    assert_close(torch.jit.script(network)(x), network(x))
