import pytest
import torch
import torch.nn.functional as F

from sre_monai.networks.blocks import SREBasicBlock, SREBottleneck
from sre_monai.networks.blocks.residual import symmetric_stride
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

BLOCKS = [SREBasicBlock, SREBottleneck]


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_shapes_and_gradients(block, spatial_dims, stride):
    network = block(spatial_dims, 3, 4, stride, kernel_size=3)
    x = torch.randn(2, 3, *(7, 8, 5)[:spatial_dims], requires_grad=True)
    y = network(x)
    assert y.shape == (2, 4 * block.expansion, *(-(-n // stride) for n in x.shape[2:]))
    y.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("size", [(8, 8), (9, 7), (8, 11)])
def test_block_rotates_with_the_image(block, size):
    network = block(2, 3, 4, 2, kernel_size=5).double().eval()
    x = torch.randn(1, 3, *size, dtype=torch.float64)
    for symmetry in grid_symmetries(2):
        assert_close(network(symmetry.apply(x)), symmetry.apply(network(x)))


def test_basic_block_adds_the_convolutions_to_its_input():
    block = SREBasicBlock(2, 3, 3, kernel_size=3).eval()
    assert isinstance(block.downsample, torch.nn.Identity)
    x = torch.randn(1, 3, 6, 6)
    z = F.relu(block.bn1(block.conv1(x)))
    assert_close(block(x), F.relu(x + block.bn2(block.conv2(z))))


def test_bottleneck_pools_between_its_convolutions():
    block = SREBottleneck(2, 3, 2, stride=2, kernel_size=3).eval()
    x = torch.randn(1, 3, 6, 8)
    z = F.avg_pool2d(F.relu(block.bn1(block.conv1(x))), 2)
    z = block.bn3(block.conv3(F.relu(block.bn2(block.conv2(z)))))
    conv, norm = block.downsample
    assert_close(block(x), F.relu(norm(conv(F.avg_pool2d(x, 2))) + z))


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_stride_is_average_pooling_at_divisible_sizes(stride):
    x = torch.randn(1, 2, 16, 24)
    assert_close(symmetric_stride(2, stride)(x), F.avg_pool2d(x, stride))


@pytest.mark.parametrize("stride", [0, 3, 6])
def test_stride_must_be_a_power_of_two(stride):
    with pytest.raises(ValueError, match=f"stride must be 1, 2, 4, 8 …, got {stride}"):
        symmetric_stride(2, stride)
