import copy

import pytest
import torch

from sre_monai.conversion import load_sre_conv_state_dict
from sre_monai.networks.layers import SREConv2d, SREHarmonicConv2d
from sre_monai.networks.nets import SREResNet, sre_r3d_18, sre_resnet18, sre_resnet50
from sre_monai.transforms import grid_symmetries
from tests import published
from tests.symmetries import cube_symmetries
from tests.tolerances import assert_close

TINY = {"features": (4, 6, 8, 8), "kernel_size": (9, 5, 3, 3)}


def count(network):
    return sum(p.numel() for p in network.parameters())


def assert_agree(ours, theirs, x):
    """Outputs agree to 1e-5, relative to their size, in single precision and up to rounding in double precision."""
    with torch.no_grad():
        expected = theirs.eval()(x)
        assert expected.std() > 0.1  # the outputs are not all zero
        assert (ours.eval()(x) - expected).abs().max() < 1e-5 * expected.abs().max()
        # the published layers keep a dense kernel from eval(): cast in training mode
        assert_close(ours.double()(x.double()), theirs.train().double().eval()(x.double()))


def settle(network, *shape):
    """Update batch normalisation with a few batches, so that activations have realistic sizes."""
    network.train()
    for module in network.modules():
        if hasattr(module, "momentum"):
            module.momentum = None  # plain averages, independent of the initial values
    for _ in range(3):
        network(torch.randn(*shape, dtype=next(network.parameters()).dtype))
    return network.eval()


def published_2d(name, **kwargs):
    return getattr(published.sre_resnet(), name)(sre_conv_size=[9, 9, 5, 5], **kwargs)


@pytest.mark.parametrize("name", ["sre_resnet18", "sre_resnet50"])
@pytest.mark.parametrize("size", [32, 64])
def test_agrees_with_the_published_network_at_even_sizes(name, size):
    theirs = published_2d(name, inplanes=16, skip_first_maxpool=True, num_classes=7)
    ours = {"sre_resnet18": sre_resnet18, "sre_resnet50": sre_resnet50}[name](3, 7, features=(16, 32, 64, 128))
    assert count(ours) == count(theirs)
    settle(theirs, 4, 3, size, size)
    load_sre_conv_state_dict(ours, theirs.state_dict())
    assert_agree(ours, theirs, torch.randn(2, 3, size, size))


def test_published_networks_of_full_width_have_as_many_parameters():
    for ours, name in ((sre_resnet18, "sre_resnet18"), (sre_resnet50, "sre_resnet50")):
        assert count(ours(3, 9)) == count(published_2d(name, num_classes=9))
    theirs = published.sre_resnet_3d().sre_r3d_18(in_channels=1, num_classes=9, sre_conv_size=[5, 5, 5, 5])
    assert count(sre_r3d_18(1, 9)) == count(theirs)


@pytest.mark.slow
def test_agrees_with_the_published_3d_network_at_even_sizes():
    theirs = published.sre_resnet_3d().sre_r3d_18(in_channels=1, num_classes=3, sre_conv_size=[5, 5, 5, 5])
    ours = sre_r3d_18(1, 3)
    settle(theirs, 2, 1, 16, 16, 16)
    load_sre_conv_state_dict(ours, theirs.state_dict())
    assert_agree(ours, theirs, torch.randn(1, 1, 16, 16, 16))


def test_agrees_with_the_published_first_pooling_where_its_input_is_odd():
    theirs = published_2d("sre_resnet18", inplanes=8, num_classes=5)
    ours = sre_resnet18(3, 5, features=(8, 16, 32, 64), first_pool=True)
    settle(theirs, 4, 3, 63, 63)  # 63, after pooling 32, 16, 8, 4
    load_sre_conv_state_dict(ours, theirs.state_dict())
    assert_agree(ours, theirs, torch.randn(1, 3, 63, 63))
    even = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():  # the published windows are off centre there: exact equivariance matters more than agreement
        assert (theirs(even) - theirs(even.flip(3))).abs().max() > 1e-3
        assert_close(ours(even.flip(3)), ours(even))


@pytest.mark.parametrize("build", [sre_resnet18, sre_resnet50])
@pytest.mark.parametrize("rings", [{"profile": "bands"}, {"profile": "gaussian", "harmonics": (1, 2)}], ids=str)
@pytest.mark.parametrize("first_pool", [False, True])
@pytest.mark.parametrize("size", [(28, 28), (33, 33), (31, 40), (17, 50)])
def test_logits_are_the_same_under_all_symmetries(build, rings, first_pool, size):
    network = build(1, 3, first_pool=first_pool, **TINY, **rings).double()
    settle(network, 4, 1, *size)
    x = torch.randn(2, 1, *size, dtype=torch.float64)
    with torch.no_grad():
        y = network(x)
        for symmetry in grid_symmetries(2):
            assert_close(network(symmetry.apply(x)), y)


@pytest.mark.parametrize("harmonics", [(), (1, 2)])
@pytest.mark.parametrize("size", [(8, 8, 8), (9, 9, 9), (7, 8, 10)])
def test_3d_logits_are_the_same_under_all_48_symmetries(size, harmonics):
    network = settle(sre_r3d_18(1, 3, features=(4, 4, 6, 6), harmonics=harmonics).double(), 4, 1, *size)
    x = torch.randn(1, 1, *size, dtype=torch.float64)
    with torch.no_grad():
        y = network(x)
        turned = list(cube_symmetries(x))
        assert len(turned) == 48
        for z in turned:
            assert_close(network(z), y)


def test_features_rotate_with_the_image():
    network = settle(sre_resnet18(1, 3, **TINY).double(), 4, 1, 33, 40)
    body = torch.nn.Sequential(*[network.get_submodule(n) for n in ("conv1", "bn1", "act", "layer1", "layer2")])
    x = torch.randn(1, 1, 33, 40, dtype=torch.float64)
    for symmetry in grid_symmetries(2):
        assert_close(body(symmetry.apply(x)), symmetry.apply(body(x)))


def test_harmonics_reach_every_stage_and_the_first_convolution():
    network = sre_resnet18(1, 3, harmonics=(2,), **TINY)
    layers = [m for m in network.modules() if isinstance(m, SREHarmonicConv2d)]
    assert len(layers) == 17
    assert {layer.orders for layer in layers} == {(2,)}
    assert all(layer.conv.bias is None for layer in layers)


def test_an_ordinary_first_convolution_breaks_invariance():
    network = settle(sre_resnet18(1, 3, sre_first_conv=False, **TINY), 4, 1, 32, 32)
    assert isinstance(network.conv1, torch.nn.Conv2d)
    x = torch.randn(1, 1, 32, 32)
    assert (network(x) - network(x.rot90(1, (2, 3)))).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("kwargs", "shape"),
    [
        ({"spatial_dims": 1}, (2, 1, 37)),
        ({"spatial_dims": 2, "block": "bottleneck"}, (2, 1, 16, 17)),
        ({"spatial_dims": 3, "kernel_size": 3}, (2, 1, 9, 8, 7)),
        ({"spatial_dims": 2, "layers": (1, 1), "features": (4, 8), "kernel_size": 5, "strides": (2, 4)}, (2, 1, 9, 9)),
        ({"spatial_dims": 2, "norm": ("instance", {"affine": True}), "act": "prelu", "num_rings": 2}, (2, 1, 32, 32)),
        ({"spatial_dims": 2}, (2, 1, 1, 2)),
    ],
    ids=str,
)
def test_shapes_forward_and_backward(kwargs, shape):
    network = SREResNet(in_channels=1, num_classes=5, **(TINY | kwargs)).eval()
    x = torch.randn(shape, requires_grad=True)
    y = network(x)
    assert y.shape == (2, 5)
    y.square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().max() > 0


def test_settings_reach_every_layer():
    network = sre_resnet18(1, 2, profile="gaussian", num_rings=(2, 3, 2, 2), **TINY)
    stages = [
        [m for m in network.get_submodule(f"layer{i}").modules() if isinstance(m, SREConv2d)] for i in range(1, 5)
    ]
    assert [len(stage) for stage in stages] == [4, 4, 4, 4]
    assert [{(m.kernel_size[0], m.num_rings, m.profile) for m in stage} for stage in stages] == [
        {(9, 2, "gaussian")},
        {(5, 3, "gaussian")},
        {(3, 2, "gaussian")},
        {(3, 2, "gaussian")},
    ]


def test_torch_export_keeps_the_function():
    network = settle(sre_resnet18(1, 2, **TINY), 4, 1, 33, 32)
    x = torch.randn(1, 1, 33, 32)
    assert_close(torch.export.export(network, (x,)).module()(x), network(x))


def test_state_dict_survives_a_copy_and_both_modes():
    network = sre_r3d_18(1, 2, features=(4, 4, 4, 4))
    keys = list(network.train().state_dict())
    again = copy.deepcopy(network).eval()
    assert list(again.state_dict()) == keys
    assert not any("rings" in key for key in keys)


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"block": "dense"}, "block must be one of basic, bottleneck, video, got 'dense'"),
        ({"kernel_size": (9, 9)}, "kernel_size must be one value or one for each of 4 stages"),
        ({"strides": (1, 2)}, "strides must be one value or one for each of 4 stages"),
        ({"strides": (1, 3, 2, 2)}, "a stride must be 1, 2, 4, 8 …, got 3"),
        ({"features": (8, 8)}, "features must be one value or one for each of 4 stages"),
    ],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        SREResNet(2, 1, 2, **(TINY | kwargs))
