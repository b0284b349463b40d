import numpy as np
import pytest
import torch

from sre_monai.networks.nets import sre_r3d_18, sre_resnet18
from sre_monai.transforms import grid_symmetries
from sre_monai.visualize import SaliencyMaps, saliency_picture
from tests.symmetries import cube_symmetries
from tests.tolerances import assert_close


def settle(network, *shape):
    network.train()
    for _ in range(3):
        network(torch.randn(*shape, dtype=torch.float64))
    return network.eval()


@pytest.mark.parametrize("layer", ["layer3", "layer4"])
@pytest.mark.parametrize("size", [(32, 32), (33, 40), (27, 31)])
def test_maps_rotate_with_the_image(layer, size):
    maps = SaliencyMaps(settle(sre_resnet18(1, 3, features=(4, 6, 8, 8)).double(), 4, 1, *size), layer)
    x = torch.randn(1, 1, *size, dtype=torch.float64)
    features, saliency = maps(x, 1)
    assert features.std() > 0.01
    assert features.shape == saliency.shape == x.shape
    for symmetry in grid_symmetries(2):
        turned_features, turned_saliency = maps(symmetry.apply(x), 1)
        assert_close(turned_features, symmetry.apply(features))
        assert_close(turned_saliency, symmetry.apply(saliency))


def test_maps_of_volumes_rotate_with_them():
    maps = SaliencyMaps(settle(sre_r3d_18(1, 2, features=(4, 4, 4, 4)).double(), 4, 1, 9, 8, 8))
    x = torch.randn(1, 1, 9, 8, 8, dtype=torch.float64)
    expected = list(cube_symmetries(maps(x, 0)[1]))
    for turned, saliency in zip(cube_symmetries(x), expected):
        assert_close(maps(turned, 0)[1], saliency)


def test_saliency_against_direct_calculation():
    conv, head = torch.nn.Conv2d(1, 3, 3, padding=1), torch.nn.Linear(3, 2)
    network = torch.nn.Sequential(conv, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    x = torch.randn(1, 1, 8, 8)
    features, saliency = SaliencyMaps(network, "0")(x, 1)
    activation = conv(x)
    expected = (activation * head.weight[1].reshape(1, 3, 1, 1)).sum(1, keepdim=True).relu()
    assert_close(saliency, (expected / expected.max()).detach())
    mean = activation.abs().mean(1, keepdim=True)
    assert_close(features, (mean / mean.max()).detach())


def test_picture_shows_image_features_and_tint():
    image, features, saliency = torch.zeros(1, 4, 2), torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)
    image[0, 3, 0], features[0, 0, 1], saliency[0, 2, 1] = 7, 1, 1
    picture = saliency_picture([[image, features, saliency]])
    assert picture.shape == (2 * 28, 3 * 112 + 2 * 4, 3)
    assert picture[0, 111].tolist() == [255, 255, 255]  # the bright pixel, at the right end of the first line
    assert picture[-1, 116].tolist() == [255, 255, 255]  # the strong feature, at the left of the second line
    tint = picture[-1, 2 * 116 + 60]
    assert tint.tolist() == np.rint(0.8 * np.array([230, 159, 0])).tolist()


def test_unknown_layer_is_named():
    with pytest.raises(ValueError, match="target_layer must be the name of a module of the network, got 'layer9'"):
        SaliencyMaps(sre_resnet18(1, 2, features=(4, 4, 4, 4)), "layer9")
