"""``torch.jit.script``, and with it MONAI's ``ckpt_export``, takes every network of this package."""

import copy
import io

import pytest
import torch
from monai.networks.nets import BasicUNet
from torch import nn

from sre_monai.networks.nets import SREWNet
from tests.networks.own_networks import OWN, trained
from tests.tolerances import assert_close
from tests.without_the_package import assert_same

SIZES = {1: ((32,), (35,)), 2: ((32, 48), (35, 47), (16, 17)), 3: ((16, 16, 32), (17, 18, 19))}


def assert_scripts(network, spatial_dims):
    """The scripted network, saved and loaded, computes the same at even and odd sizes."""
    saved = io.BytesIO()
    torch.jit.save(torch.jit.script(network), saved)
    saved.seek(0)
    scripted = torch.jit.load(saved)
    for batch, size in enumerate(SIZES[spatial_dims], start=1):
        x = torch.randn(batch, 3, *size)
        with torch.no_grad():
            expected = network(x)
            difference = (scripted(x) - expected).abs().max()
        assert difference < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("name", OWN)
def test_networks_are_scripted_for_every_size(name):
    network, _ = trained(OWN[name])
    before = copy.deepcopy(network)
    assert_scripts(network, getattr(network, "spatial_dims", 2))
    assert [type(module) for module in network.modules()] == [type(module) for module in before.modules()]
    assert all(torch.equal(value, before.state_dict()[key]) for key, value in network.state_dict().items())


def test_a_wnet_of_other_unets():
    unets = {"features": (4, 4, 4, 4, 4, 4), "norm": "batch"}
    assert_scripts(SREWNet(2, 3, 2, unet=BasicUNet, **unets).eval(), 2)


def test_several_networks_in_one():
    torch.manual_seed(0)
    network = nn.Sequential(*(OWN["harmonics"]() for _ in range(1)), nn.Conv2d(2, 3, 1), OWN["rings"]()).eval()
    x = torch.randn(1, 3, 35, 33)
    with torch.no_grad():
        expected = network(x)
        assert_close(torch.jit.script(copy.deepcopy(network))(x), expected)


@pytest.mark.slow
def test_files_run_without_the_package(tmp_path):
    network, _ = trained(OWN["harmonics"])
    torch.jit.script(network).save(str(tmp_path / "model.ts"))
    assert_same(network, tmp_path / "model.ts", torch.randn(1, 3, 32, 48), torch.randn(2, 3, 35, 47))
