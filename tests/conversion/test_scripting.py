"""``torch.jit.script`` takes every network of this package, and converted networks."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from sre_monai.conversion import convert_to_sre
from sre_monai.networks import fold_sre, layers
from sre_monai.networks.nets import SREUNet, sre_r3d_18, sre_resnet18, sre_resnet50
from tests.networks.networks_to_convert import NETWORKS, NETWORKS_3D
from tests.without_the_package import assert_same

SIZES = {1: ((32,), (35,)), 2: ((32, 48), (35, 47)), 3: ((32, 32, 32), (33, 34, 35))}
UNET = {"features": (4, 6, 8, 4), "kernel_size": 3, "profile": "gaussian"}
RESNET = {"features": (4, 4, 4, 4), "kernel_size": 3}
NOT_SCRIPTABLE = ("DynUNet residual", "MedNeXt")  # nor are MONAI's own

OWN = {
    "rings": lambda: SREUNet(2, 1, 2, **UNET),
    "harmonics": lambda: SREUNet(2, 1, 2, **UNET, harmonics=(1, 2)),
    "one harmonic": lambda: SREUNet(2, 1, 2, **UNET, harmonics=(2,)),
    "average pooling": lambda: SREUNet(2, 1, 2, **UNET, pooling="average", norm=None, dropout=0.1),
    "signals": lambda: SREUNet(1, 1, 2, **UNET),
    "volumes": lambda: SREUNet(3, 1, 2, **UNET, harmonics=(1, 2)),
    "ResNet-18": lambda: sre_resnet18(1, 2, **RESNET, harmonics=(1, 2)),
    "ResNet-50": lambda: sre_resnet50(1, 2, features=(4, 4, 4, 4), first_pool=True),
    "R3D-18": lambda: sre_r3d_18(1, 2, **RESNET),
}
LAYERS = {
    "conv": lambda: layers.SREConv2d(1, 4, 5, padding=2, profile="gmr"),
    "transposed": lambda: layers.SREConvTranspose2d(1, 4, 3, stride=2, output_padding=1),
    "harmonic": lambda: layers.SREHarmonicConv2d(1, 4, 3),
    "harmonic, groups": lambda: layers.SREHarmonicConv2d(2, 4, 3, groups=2, orders=(1,)),
    "max": lambda: layers.SymmetricMaxPool(2),
    "average": lambda: layers.SymmetricAvgPool(2, (3, 2)),
    "upsample": lambda: layers.SymmetricUpsample(2, layers.SizeMemory()),
    "in a sequence": lambda: nn.Sequential(*(layers.SREHarmonicConv2d(1, 1, 3) for _ in range(8))),
}


def assert_scripts(network, dims, channels=1):
    """The scripted network, saved and loaded, computes the same at even and odd sizes, in any order."""
    network = network.eval()
    saved = io.BytesIO()
    torch.jit.save(torch.jit.script(network), saved)
    saved.seek(0)
    scripted = torch.jit.load(saved)
    for batch, size in enumerate((*SIZES[dims], SIZES[dims][0]), start=1):
        x = torch.randn(batch, channels, *size)
        with torch.no_grad():
            outputs, expected = tree_leaves(scripted(x)), tree_leaves(network(x))
        for y, e in zip(outputs, expected, strict=True):
            assert y.shape == e.shape
            assert (y - e).abs().max() < 1e-4 * e.abs().max()
    return scripted


@pytest.mark.parametrize("name", OWN)
def test_networks(name):
    network = OWN[name]()
    before = copy.deepcopy(network.state_dict())
    assert_scripts(network, {"signals": 1, "volumes": 3, "R3D-18": 3}.get(name, 2))
    after = network.state_dict()  # scripting leaves the network as it was
    assert list(before) == list(after)
    assert all(torch.equal(value, after[key]) for key, value in before.items())


@pytest.mark.parametrize("name", LAYERS)
def test_single_layers(name):
    assert_scripts(LAYERS[name](), 2, channels=2 if "groups" in name else 1)


@pytest.mark.parametrize("name", ["UNet", "BasicUNet nontrainable", "ResNet"])
def test_converted_networks(name):
    assert_scripts(convert_to_sre(NETWORKS[name](2)), 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in NOT_SCRIPTABLE])
def test_more_converted_networks(name):
    assert_scripts(convert_to_sre(NETWORKS[name](2)), 2)
    if name in NETWORKS_3D and "Flexible" not in name:
        assert_scripts(convert_to_sre(NETWORKS[name](3)), 3)


def test_a_scripted_network_forgets_the_sizes_of_the_input_before():
    """The second upsampling has no pooling: its output is twice the size, whatever came before."""
    network = nn.Sequential(nn.MaxPool2d(2), nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2))
    scripted = torch.jit.script(convert_to_sre(network))
    sizes = [tuple(scripted(torch.randn(1, 1, n, n)).shape[2:]) for n in (35, 18, 9, 36, 18)]
    assert sizes == [(70, 70), (36, 36), (18, 18), (72, 72), (36, 36)]


def test_converted_networks_can_still_be_copied_and_saved():
    network = convert_to_sre(NETWORKS["UNet"](2)).eval()
    x = torch.randn(1, 1, 35, 47)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(other(x), network(x))
        scripted = torch.jit.script(other)
        assert (scripted(x) - network(x)).abs().max() < 1e-4


def test_folded_networks_script_as_well():
    assert_scripts(fold_sre(SREUNet(2, 1, 2, **UNET, harmonics=(1, 2))), 2)
    assert_scripts(fold_sre(convert_to_sre(NETWORKS["UNet"](2))), 2)


def test_files_run_without_the_package(tmp_path):
    networks = {"own": OWN["harmonics"](), "converted": convert_to_sre(NETWORKS["UNet"](2))}
    for name, network in networks.items():
        torch.jit.script(network.eval()).save(str(tmp_path / f"{name}.ts"))
        assert_same(network, tmp_path / f"{name}.ts", torch.randn(1, 1, 32, 48), torch.randn(2, 1, 35, 47))
