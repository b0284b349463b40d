import pytest
import torch

from sre_monai.networks import layers, load_sre_conv_state_dict, to_sre_conv_state_dict
from sre_monai.networks.nets import SREUNet
from tests.published import PublishedUNet, sre_conv
from tests.published_gmr import gmr, gmr_unet
from tests.tolerances import assert_close

TINY = {"features": (4, 6, 8, 4), "kernel_size": 5}


@pytest.fixture(scope="module")
def published():
    """The published U-Net, its batch statistics those of a few batches."""
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


def test_training_goes_on_alike(published):
    published.train()
    network = SREUNet(2, 3, 2)
    load_sre_conv_state_dict(network, published.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert_close(network(x), published(x))
    published.eval()


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (SREUNet(2, 3, 2, features=(32, 32, 64, 32)), "does not know .*down_3"),
        (SREUNet(2, 3, 2, features=(32, 32, 64, 128, 128, 32)), "lacks .*down_4"),
        (SREUNet(2, 1, 2), "has another shape for .*conv_0.conv_0.conv.weight"),
    ],
)
def test_another_architecture_is_refused(published, network, sentence):
    before = {name: v.clone() for name, v in network.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        load_sre_conv_state_dict(network, published.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def warm(network: torch.nn.Module, x: torch.Tensor) -> torch.nn.Module:
    """Let batch statistics and widths be those of a training."""
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
    """The state dict of the published GMR ResNet has nothing but our names and what is derived from the arguments."""
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
    with pytest.raises(ValueError, match="make the network with profile='gmr'"):
        load_sre_conv_state_dict(bands, mixture.state_dict())
    with pytest.raises(ValueError, match="make the network with profile='bands'"):
        load_sre_conv_state_dict(mixture, bands.state_dict())
    with pytest.raises(ValueError, match=r"knows the profiles .*conv_0.* has 'gmr'"):
        to_sre_conv_state_dict(mixture)
    with pytest.raises(ValueError, match="package must be one of"):
        to_sre_conv_state_dict(bands, "escnn")
