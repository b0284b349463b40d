import pytest
import torch
from monai.networks.nets import BasicUNet, ResNet

from sre_monai.conversion import check_equivariance
from sre_monai.networks.nets import (
    CLASSIFIERS,
    SEGMENTERS,
    SREResNet,
    SREUNet,
    SREWNet,
    build_classifier,
    build_segmenter,
)

PARAMETERS = {
    "sre_harmonic_unet": 258_250,
    "sre_harmonic_unet_small": 125_098,
    "sre_harmonic_wnet": 250_324,
    "sre_gaussian_unet": 274_306,
    "sre_unet": 274_306,
    "unet": 1_979_042,
    "small_unet": 256_156,
    "small_wnet": 249_700,
}


@pytest.mark.parametrize("net", SEGMENTERS)
def test_networks_have_the_published_sizes_and_keep_the_grid(net):
    network = build_segmenter(net, 2, 3, 2).eval()
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[net]
    assert isinstance(network, (SREUNet, SREWNet) if net.startswith("sre_") else (BasicUNet, SREWNet))
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 65, 98)).shape == (1, 2, 65, 98)


@pytest.mark.parametrize("net", SEGMENTERS)
def test_the_sre_networks_alone_are_equivariant(net):
    report = check_equivariance(build_segmenter(net, 2, 1, 2), (1, 1, 33, 32))
    assert report.is_equivariant == net.startswith("sre_")


def test_arguments_go_over_those_of_the_name():
    network = build_segmenter("sre_harmonic_unet", 2, 3, 2, profile="bands", features=(4, 4, 4))
    assert network.encoder[0].conv_0.conv.conv.profile == "bands"
    assert network.final_conv.out_channels == 2


def test_an_unknown_segmenter_is_refused():
    with pytest.raises(ValueError, match=r"net must be one of sre_harmonic_unet, .*, got 'vgg'"):
        build_segmenter("vgg", 2, 3, 2)


@pytest.mark.parametrize("net", CLASSIFIERS)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_every_net_classifies(net, spatial_dims):
    if net == "sre_r3d_18" and spatial_dims == 2:
        with pytest.raises(ValueError, match="net sre_r3d_18 is for volumes; for 2 spatial axes take sre_resnet18"):
            build_classifier(net, spatial_dims, 1, 3)
        return
    width = {"features": (4, 4, 4, 4)} if net.startswith("sre") else {"widen_factor": 0.0625}
    network = build_classifier(net, spatial_dims, 1, 3, **width).eval()
    assert isinstance(network, SREResNet if net.startswith("sre") else ResNet)
    assert network(torch.randn(2, 1, *(16, 16, 16)[:spatial_dims])).shape == (2, 3)


@pytest.mark.parametrize("depth", [18, 50])
def test_both_kinds_have_feature_maps_of_one_resolution(depth):
    sizes = []
    for net in (f"sre_resnet{depth}", f"resnet{depth}"):
        network = build_classifier(net, 2, 1, 2).eval()
        network.layer4.register_forward_hook(lambda module, args, output: sizes.append(output.shape))
        network(torch.randn(1, 1, 32, 32))
    assert sizes[0] == sizes[1]
    assert sizes[0][2:] == (4, 4)


def test_an_unknown_classifier_is_refused():
    with pytest.raises(ValueError, match=r"net must be one of sre_resnet18, .*, got 'vgg'"):
        build_classifier("vgg", 2, 1, 2)
