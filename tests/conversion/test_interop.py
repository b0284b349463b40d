import copy

import pytest
import torch
from torch import nn

from sre_monai.conversion import load_sre_conv_state_dict, to_sre_conv_state_dict
from sre_monai.networks import layers
from sre_monai.networks.nets import SREResNet, SREUNet, sre_r3d_18
from tests.published import PublishedUNet, sre_conv, sre_resnet, sre_resnet_3d
from tests.published_gmr import gmr, gmr_unet
from tests.tolerances import assert_close

TINY = {"features": (4, 6, 8, 4), "kernel_size": 5}


@pytest.fixture(scope="module")
def published():
    """The published U-Net with batch statistics of a few batches."""
    torch.manual_seed(1)
    network = PublishedUNet()
    with torch.no_grad():
        for _ in range(2):
            network(torch.randn(2, 3, 64, 64))
    return network.eval()


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("size", [(64, 64), (96, 72)])
def test_published_checkpoint_gives_the_published_logits(published, prefix, size):
    network = SREUNet(2, 3, 2)
    load_sre_conv_state_dict(network, {prefix + name: v for name, v in published.state_dict().items()})
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        assert (network.eval()(x) - published(x)).abs().max() < 1e-4
        assert published(x).abs().max() > 0.1


def test_training_continues_identically(published):
    published.train()
    network = SREUNet(2, 3, 2)
    load_sre_conv_state_dict(network, published.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert_close(network(x), published(x))
    published.eval()


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (SREUNet(2, 3, 2, features=(32, 32, 64, 32)), "has unexpected .*down_3"),
        (SREUNet(2, 3, 2, features=(32, 32, 64, 128, 128, 32)), "lacks .*down_4"),
        (SREUNet(2, 1, 2), "has different shapes for .*conv_0.conv_0.conv.weight"),
    ],
)
def test_another_architecture_is_refused(published, network, sentence):
    before = {name: v.clone() for name, v in network.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        load_sre_conv_state_dict(network, published.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def warm(network: torch.nn.Module, x: torch.Tensor) -> torch.nn.Module:
    """Set batch statistics and widths to values other than the initial ones."""
    with torch.no_grad():
        network.train()(x)
        for name, parameter in network.named_parameters():
            if name.endswith("log_sigmas"):
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return network.eval()


def assert_same_weights(state_dict, published):
    assert state_dict.keys() == published.keys()
    for name, value in published.items():
        assert torch.equal(state_dict[name].to(value), value), name


def test_ours_load_into_the_published_unet_and_back(published):
    network = warm(SREUNet(2, 3, 2), torch.randn(2, 3, 32, 32))
    state_dict = to_sre_conv_state_dict(network)
    assert {k: v.shape for k, v in state_dict.items()} == {k: v.shape for k, v in published.state_dict().items()}
    theirs = PublishedUNet()
    theirs.load_state_dict(state_dict)
    theirs.eval()
    x = torch.randn(1, 3, 64, 48)
    with torch.no_grad():
        assert (theirs(x) - network(x)).abs().max() < 1e-5 * network(x).abs().max()
    again = SREUNet(2, 3, 2)
    load_sre_conv_state_dict(again, theirs.state_dict())
    assert_same_weights(again.state_dict(), network.state_dict())


@pytest.mark.parametrize("conv", ["SRE_Conv2d", "SRE_Conv3d"])
@pytest.mark.parametrize("kwargs", [{}, {"sre_k": 2}, {"groups": 2, "dilation": 2, "bias": False}])
def test_published_layers_there_and_back(conv, kwargs):
    theirs = getattr(sre_conv(), conv)(4, 6, 5, padding=2, **kwargs)
    own = {"num_rings" if k == "sre_k" else k: v for k, v in kwargs.items()}
    ours = getattr(layers, conv.replace("_", ""))(4, 6, 5, padding=2, **own)
    load_sre_conv_state_dict(ours, theirs.state_dict())
    x = torch.randn(1, 4, *[9] * ours.spatial_dims)
    assert_close(ours(x), theirs(x))
    assert_same_weights(to_sre_conv_state_dict(ours), theirs.state_dict())


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("mixture", [True, False])
@pytest.mark.parametrize("kwargs", [{}, {"force_circular": False}, {"stride": 2}, {"num_rings": 4}])
def test_gmr_layers_there_and_back(dims, mixture, kwargs):
    common = {"gaussian_mixture_ring": mixture, "train_gaussian_sigma": mixture, "dw_fwd": mixture and dims == 2}
    theirs = warm(
        getattr(gmr("gmr_conv"), f"GMR_Conv{dims}d")(4, 6, 5, padding=2, **common, **kwargs),
        torch.randn(1, 4, *[9] * dims),
    )
    own = {"circular" if k == "force_circular" else k: v for k, v in kwargs.items()}
    profile = "gmr" if mixture else "bands"
    ours = getattr(layers, f"SREConv{dims}d")(4, 6, 5, padding=2, profile=profile, **own)
    load_sre_conv_state_dict(ours, theirs.state_dict())
    x = torch.randn(2, 4, *[11] * dims)
    with torch.no_grad():
        assert (ours(x) - theirs(x)).abs().max() < 1e-5 * theirs(x).abs().max()
    assert_same_weights(to_sre_conv_state_dict(ours, "GMR-Conv"), theirs.state_dict())


@pytest.mark.parametrize("mixture", [True, False])
def test_gmr_unet_there_and_back(mixture):
    theirs = warm(gmr_unet(gaussian_smooth=mixture), torch.randn(2, 3, 32, 32))
    ours = SREUNet(
        2, 3, 2, features=(8, 8, 12, 16, 8), kernel_size=(9, 9, 5, 5),
        profile="gmr" if mixture else "bands", circular=False,
    )  # fmt: skip
    load_sre_conv_state_dict(ours, theirs.state_dict())
    x = torch.randn(1, 3, 40, 64)
    with torch.no_grad():
        expected = theirs(x)
        assert (ours.eval()(x) - expected).abs().max() < 1e-5 * expected.abs().max()
    assert_same_weights(to_sre_conv_state_dict(ours, "GMR-Conv"), theirs.state_dict())
    other = gmr_unet(gaussian_smooth=mixture)
    other.load_state_dict(to_sre_conv_state_dict(ours, "GMR-Conv"))
    with torch.no_grad():
        assert (other.eval()(x) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_gmr_resnet_layers_have_our_names():
    """The state dict of the published GMR ResNet has our names, and buffers derived from the arguments."""
    resnet = gmr("gmr_resnet")
    theirs = resnet.GMR_ResNet(resnet.GMRBasicBlock, [1, 1, 1, 1], inplanes=4, gmr_conv_size=[9, 9, 5, 5])
    convs = [name for name, m in theirs.named_modules() if isinstance(m, gmr("gmr_conv").GMR_Conv2d)]
    ours = torch.nn.ModuleDict()
    for name in convs:
        conv = theirs.get_submodule(name)
        ours[name.replace(".", "/")] = layers.SREConv2d(
            conv.in_channels, conv.out_channels, conv.kernel_size, padding=conv.padding, bias=False, profile="gmr"
        )
    weights = {
        f"{name.replace('.', '/')}.{key}": value
        for name in convs
        for key, value in theirs.get_submodule(name).state_dict().items()
    }
    load_sre_conv_state_dict(ours, weights)
    assert len(convs) == 9
    assert_same_weights(to_sre_conv_state_dict(ours, "GMR-Conv"), weights)


def test_another_kind_of_rings_is_named():
    bands, mixture = SREUNet(2, 3, 2, **TINY), SREUNet(2, 3, 2, profile="gmr", **TINY)
    with pytest.raises(ValueError, match="build the network with profile='gmr'"):
        load_sre_conv_state_dict(bands, mixture.state_dict())
    with pytest.raises(ValueError, match="build the network with profile='bands'"):
        load_sre_conv_state_dict(mixture, bands.state_dict())
    with pytest.raises(ValueError, match=r"supports the profiles .*conv_0.* has 'gmr'"):
        to_sre_conv_state_dict(mixture)
    with pytest.raises(ValueError, match="package must be one of"):
        to_sre_conv_state_dict(bands, "escnn")


NARROW = {"features": (4, 6, 8, 8), "kernel_size": (9, 5, 3, 3)}
NETWORKS = {
    "U-Net": lambda: SREUNet(2, 1, 2, harmonics=(1, 2), act="prelu", **TINY),
    "U-Net, two levels": lambda: SREUNet(2, 1, 2, features=(4, 8, 8, 4), kernel_size=3, pooling="average"),
    "U-Net, gmr": lambda: SREUNet(2, 1, 2, profile="gmr", circular=False, **TINY),
    "ResNet": lambda: SREResNet(2, 1, 2, act="prelu", first_pool=True, harmonics=(2,), **NARROW),
    "ResNet, bottlenecks": lambda: SREResNet(2, 1, 2, block="bottleneck", act="prelu", strides=(1, 2, 1, 4), **NARROW),
    "ResNet, volumes": lambda: SREResNet(3, 1, 2, features=(4, 4, 4, 4), kernel_size=3, act="prelu"),
}


def published_weights(network):
    """A network's weights under the published names only, as written by release 0.1.0."""
    stored = ("weight_index_mat", "default_weight_index_mat", "mus")
    package = "GMR-Conv" if any(name.endswith("log_sigmas") for name in network.state_dict()) else "SRE-Conv"
    weights = to_sre_conv_state_dict(network, package)
    return {name: value for name, value in weights.items() if name.rpartition(".")[2] not in stored}


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("prepare", [lambda n: n, copy.deepcopy, lambda n: nn.Sequential(nn.Identity(), n)])
def test_load_state_dict_takes_both_names(build, prepare):
    source = build()
    warm(source, torch.randn(2, 1, *[16] * (3 if getattr(source, "spatial_dims", 2) == 3 else 2)))
    for weights in (source.state_dict(), published_weights(source)):
        network = prepare(build())
        prefix = "1." if isinstance(network, nn.Sequential) and not isinstance(network, SREResNet) else ""
        given = {prefix + name: value for name, value in weights.items()}
        network.load_state_dict(given)
        for name, value in source.state_dict().items():
            assert torch.equal(network.state_dict()[prefix + name], value), name
        assert given.keys() == {prefix + name for name in weights}  # the caller's dictionary is unchanged


def test_names_of_release_0_1_0():
    """Names of release 0.1.0, one of each kind."""
    unet = published_weights(SREUNet(2, 1, 2, features=(4, 8, 8, 4), kernel_size=3, harmonics=(1,), act="prelu"))
    conv = {"conv.conv.weight", "conv.conv.bias", "conv.mix.weight", "adn.A.weight"}
    conv |= {f"adn.N.{name}" for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")}
    blocks = ("conv_0", "down_1.convs", "down_2.convs", "upcat_2.convs", "upcat_1.convs")
    expected = {f"{block}.conv_{i}.{name}" for block in blocks for i in (0, 1) for name in conv}
    mixed = ("upcat_2.upsample.preconv", "final_conv")
    assert unet.keys() == expected | {f"{module}.{name}" for module in mixed for name in ("weight", "bias")}

    def resnet(**kwargs):
        network = SREResNet(2, 1, 2, layers=(1, 1), features=(4, 8), kernel_size=3, strides=(1, 2), **kwargs)
        return {name.removesuffix(".weight") for name in published_weights(network) if name.endswith(".weight")}

    stem = {"conv1", "bn1", "relu", "fc"}
    assert resnet(act="prelu") == stem | {
        f"layer{i}.0.{name}" for i in (1, 2) for name in ("bn1", "relu", "conv2", "bn2", "act")
    } | {"layer1.0.conv1", "layer2.0.conv1.1", "layer2.0.downsample.1", "layer2.0.downsample.2"}
    names = ("conv1", "bn1", "relu", "bn2", "relu2", "conv3", "bn3", "act", "downsample.1", "downsample.2")
    assert resnet(act="prelu", block="bottleneck") == stem | {
        f"layer{i}.0.{name}" for i in (1, 2) for name in names
    } | {
        "layer1.0.conv2",
        "layer2.0.conv2.1",
    }


def test_volumes_of_release_0_1_0_without_the_names_of_video_networks():
    network = SREResNet(3, 1, 2, features=(4, 4, 4, 4), kernel_size=3)
    flat = SREResNet(2, 1, 2, features=(4, 4, 4, 4), kernel_size=3)  # the same modules, named as image networks
    names = dict(zip(network.state_dict(), published_weights(flat)))
    assert "layer2.0.conv1.1.weight" in names.values()
    again = SREResNet(3, 1, 2, features=(4, 4, 4, 4), kernel_size=3)
    again.load_state_dict({names[name]: value for name, value in network.state_dict().items()})
    assert_same_weights(again.state_dict(), network.state_dict())


@pytest.mark.parametrize("name", ["sre_resnet18", "sre_resnet50", "sre_r3d_18"])
def test_published_resnets_there_and_back(name):
    if name == "sre_r3d_18":
        theirs = sre_resnet_3d().sre_r3d_18(in_channels=1, num_classes=3, sre_conv_size=[5, 5, 5, 5])
        ours = sre_r3d_18(1, 3)
    else:
        block, layers_ = {"sre_resnet18": ("basic", (2, 2, 2, 2)), "sre_resnet50": ("bottleneck", (3, 4, 6, 3))}[name]
        theirs = getattr(sre_resnet(), name)(sre_conv_size=[9, 9, 5, 5], inplanes=8, skip_first_maxpool=True)
        ours = SREResNet(2, 3, 1000, block, layers_, features=(8, 16, 32, 64))
    load_sre_conv_state_dict(ours, theirs.state_dict())
    state_dict = to_sre_conv_state_dict(ours)
    theirs.load_state_dict(state_dict)
    published = {k: v for k, v in theirs.state_dict().items() if not k.endswith("infer_weight_matrix")}
    assert_same_weights(state_dict, published)
