import pytest
import torch
from monai.networks.nets import ResNet

from sre_monai.networks.nets import CLASSIFIERS, SREResNet, build_classifier


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


def test_unknown_net_is_named():
    with pytest.raises(ValueError, match=r"net must be one of sre_resnet18, .*, got 'vgg'"):
        build_classifier("vgg", 2, 1, 2)
