import pytest
import torch
from monai.networks.blocks import Convolution
from torch import nn

from sre_monai.networks.blocks import SREConvolution, SRETwoConv
from sre_monai.networks.layers import SREConv2d


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_size_is_kept(spatial_dims):
    size = (7, 8, 5)[:spatial_dims]
    block = SRETwoConv(spatial_dims, 3, 6, kernel_size=5, dropout=0.1)
    assert block(torch.randn(2, 3, *size)).shape == (2, 6, *size)


def test_modules_are_named_as_monais():
    ours = SREConvolution(2, 3, 6, kernel_size=5, act="relu", norm="batch", dropout=0.2)
    theirs = Convolution(2, 3, 6, act="relu", norm="batch", dropout=0.2)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [type(m) for m in ours.adn] == [type(m) for m in theirs.adn]


def test_normalisation_and_activation_can_be_chosen():
    block = SREConvolution(2, 3, 6, kernel_size=5, act=("LeakyReLU", {"negative_slope": 0.3}), norm=None)
    assert [type(m) for m in block.adn] == [nn.LeakyReLU]
    x = torch.randn(1, 3, 8, 8)
    conv = block.conv
    assert isinstance(conv, SREConv2d)
    assert torch.equal(block(x), nn.functional.leaky_relu(conv(x), 0.3))


def test_in_evaluation_it_is_the_sequence_of_its_modules():
    block = SREConvolution(2, 3, 6, kernel_size=3, act="relu", dropout=0.5, harmonics=(1, 2))
    x = torch.randn(2, 3, 9, 8)
    block(x)  # for the running statistics
    block.eval()
    assert torch.equal(block(x), block.adn(block.conv(x)))
