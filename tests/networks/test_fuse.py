import copy

import pytest
import torch
import torch.nn.functional as F
from monai.networks.nets import BasicUNet
from torch import nn
from torch.nn.utils import parametrize, prune

from sre_monai.conversion import convert_to_sre
from sre_monai.networks import fold_sre, fuse
from sre_monai.networks.blocks import SREConvolution
from sre_monai.networks.layers import SREConv2d, SREHarmonicConv2d
from sre_monai.networks.nets import SREUNet
from tests.networks.own_networks import OWN, trained
from tests.tolerances import assert_close

TINY = {"features": (4, 6, 4), "kernel_size": 3, "harmonics": (1, 2)}


def norms(network):
    return [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


@pytest.mark.parametrize("name", OWN)
def test_every_network_keeps_its_function_and_itself(name):
    network, x = trained(OWN[name])
    before = copy.deepcopy(network.state_dict())
    with torch.no_grad():
        expected = network(x)
        fused = fuse(network)
        assert_close(fused(x), expected)
        assert_close(fuse(fused)(x), expected)
        assert_close(fold_sre(fused)(x), expected)
        assert_close(fuse(fold_sre(network))(x), expected)
    assert len(norms(fused)) < len(norms(network)) or not norms(network)
    assert [type(module) for module in fuse(fused).modules()] == [type(module) for module in fused.modules()]
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_a_segmentation_network_has_no_normalisation_and_no_activation_left():
    fused = fuse(SREUNet(2, 3, 2, **TINY))
    assert not norms(fused)
    assert not any(isinstance(module, nn.LeakyReLU) for module in fused.modules())
    assert not any(module.training for module in fused.modules())


def test_a_converted_network():
    network = convert_to_sre(BasicUNet(2, 3, 2, features=(4, 4, 8, 8, 8, 4), norm="batch"))
    with torch.no_grad():
        network(torch.randn(2, 3, 32, 48))
    network.eval()
    fused = fuse(network)
    assert not norms(fused)
    for size in ((32, 48), (35, 47)):
        x = torch.randn(1, 3, *size)
        with torch.no_grad():
            assert_close(fused(x), network(x))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("act", ["relu", ("LeakyReLU", {"negative_slope": 0.3}), "PRELU", None])
@pytest.mark.parametrize(
    "norm", ["batch", ("batch", {"affine": False}), ("batch", {"track_running_stats": False}), "instance", None]
)
@pytest.mark.parametrize("harmonics", [(), (1, 2)])
def test_every_kind_of_block(norm, act, bias, harmonics):
    block = SREConvolution(2, 3, 6, kernel_size=3, act=act, norm=norm, dropout=0.5, harmonics=harmonics)
    if not bias:
        (block.conv.conv if harmonics else block.conv).bias = None
    x = torch.randn(2, 3, 9, 8)
    for _ in range(3):
        block(x)  # for the running statistics
    if norm == "batch":
        nn.init.uniform_(block.adn.N.weight, 0.5, 2)
        nn.init.normal_(block.adn.N.bias)
    block.eval()
    assert_close(fuse(block)(x), block.adn(block.conv(x)))


@pytest.mark.parametrize("groups", [1, 2])
def test_gmr_groups_and_dtypes(groups):
    layer = SREConv2d(4, 6, 5, padding=2, profile="gmr", groups=groups)
    network = nn.Sequential(layer, nn.BatchNorm2d(6)).double()
    x = torch.randn(2, 4, 9, 8, dtype=torch.float64)
    network(x)
    fused = fuse(network)
    assert {p.dtype for p in fused.parameters()} == {torch.float64}
    assert_close(fused(x), network.eval()(x))


def test_what_is_used_elsewhere_or_watched_stays():
    shared, watched, pruned = (nn.Conv2d(2, 2, 3, padding=1) for _ in range(3))
    network = nn.Sequential(
        shared, nn.BatchNorm2d(2), shared, nn.BatchNorm2d(2),
        watched, nn.BatchNorm2d(2), pruned, nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2),
    )  # fmt: skip
    calls = []
    watched.register_forward_hook(lambda *_: calls.append(1))
    prune.l1_unstructured(pruned, "weight", 0.5)
    x = torch.randn(2, 2, 9, 8)
    network(x)
    fused = fuse(network)
    assert [type(module).__name__ for module in fused[1::2]] == ["BatchNorm2d"] * 4 + ["Identity"]
    with torch.no_grad():
        assert_close(fused(x), network.eval()(x))
    assert len(calls) == 3


def test_order_other_than_convolution_then_normalisation_stays():
    network = nn.Sequential(nn.BatchNorm2d(2), SREHarmonicConv2d(2, 4, 3), nn.Dropout(), nn.BatchNorm2d(4), nn.ReLU())
    x = torch.randn(2, 2, 9, 8)
    network(x)
    fused = fuse(network)
    assert len(norms(fused)) == 2
    assert_close(fused(x), network.eval()(x))


class Watched(nn.Sequential):
    def forward(self, input):
        return super().forward(input).flip(-1)


def test_a_sequence_with_code_of_its_own_stays():
    network = nn.Sequential(Watched(nn.Conv2d(2, 2, 1)), nn.BatchNorm2d(2))
    assert len(norms(fuse(network))) == 1


def test_a_fused_layer_is_differentiable():
    block = fuse(SREConvolution(2, 3, 4, kernel_size=3, act="relu", harmonics=(1, 2)))
    x = torch.randn(1, 3, 8, 8, requires_grad=True)
    block(x).sum().backward()
    y = x.detach().requires_grad_()
    conv = block.conv
    conv.conv.register_forward_hook(lambda *_: None)  # computed step by step
    block(y).sum().backward()
    assert_close(x.grad, y.grad)


# --- A module calls its submodules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_the_hooks_of_every_module_run(name, fused):
    network, x = trained(OWN[name])
    with torch.no_grad():
        expected = network(x)
    network = fuse(network) if fused else network
    called = set()
    modules = {key: module for key, module in network.named_modules() if not isinstance(module, nn.ModuleList)}
    for key, module in modules.items():
        module.register_forward_hook(lambda *_, key=key: called.add(key))
    with torch.no_grad():
        assert_close(network(x), expected)
    assert called == modules.keys()
    called.clear()
    network.train()(torch.cat([x, x]))
    assert called == modules.keys()


def convolutions(network):
    kinds = (SREConv2d, nn.Conv2d)
    return [module for module in network.modules() if isinstance(module, kinds)]


def test_pruned_weights_are_used_also_after_a_step():
    network, x = trained(lambda: SREUNet(2, 3, 2, **TINY))
    for conv in convolutions(network):
        prune.l1_unstructured(conv, "weight", amount=0.5)
        conv.weight_orig.data.mul_(1.5)  # a step of training: the hook prunes again
    reference = copy.deepcopy(network.state_dict())
    with torch.no_grad():
        output = network(x)
    plain = SREUNet(2, 3, 2, **TINY).eval()
    weights = {key: value for key, value in reference.items() if not key.endswith(("weight_orig", "weight_mask"))}
    for key in [key for key in reference if key.endswith("weight_orig")]:
        name = key.removesuffix("_orig")
        weights[name] = reference[key] * reference[f"{name}_mask"]
    plain.load_state_dict(weights)
    with torch.no_grad():
        assert_close(output, plain(x))
        assert_close(fuse(network)(x), plain(x))
    for _ in range(2):
        network.train()(torch.cat([x, x])).sum().backward()


class Halved(nn.Module):
    def forward(self, weight):
        return weight / 2


def test_parametrised_weights_are_used():
    network, x = trained(lambda: SREUNet(2, 3, 2, **TINY))
    halved = copy.deepcopy(network)
    with torch.no_grad():
        for conv in convolutions(halved):
            conv.weight.div_(2)
    for conv in convolutions(network):
        parametrize.register_parametrization(conv, "weight", Halved())
    with torch.no_grad():
        assert_close(network(x), halved(x))
        assert_close(fuse(network)(x), halved(x))


def test_a_part_that_was_replaced_is_called():
    class Other(nn.Conv2d):
        def forward(self, input):
            return super().forward(input) + 1

    layer = SREHarmonicConv2d(2, 4, 3)
    x = torch.randn(1, 2, 9, 8)
    expected = layer(x) + 1
    other = Other(layer.mix.in_channels, 4, 1, bias=False)
    other.load_state_dict(layer.mix.state_dict())
    layer.mix = other
    assert_close(layer(x), expected)


@pytest.mark.parametrize("groups", [1, 2])
def test_the_absorbed_activation_is_applied_step_by_step_too(groups):
    layer = SREHarmonicConv2d(2, 4, 3, groups=groups)
    x = torch.randn(1, 2, 9, 8)
    expected = F.leaky_relu(layer(x), 0.2)
    assert_close(fuse(nn.Sequential(layer, nn.LeakyReLU(0.2)))(x), expected)
