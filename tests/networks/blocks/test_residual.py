import pytest
import torch
import torch.nn.functional as F

from sre_monai.networks.blocks import SREResidual, basic_branch, bottleneck_branch, shortcut, video_branch
from sre_monai.networks.blocks.residual import symmetric_stride
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

BRANCHES = [(basic_branch, 1), (bottleneck_branch, 4), (video_branch, 1)]


@pytest.mark.parametrize(("branch", "expansion"), BRANCHES)
@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
def test_shapes_and_gradients(branch, expansion, spatial_dims, stride):
    modules = branch(spatial_dims, 3, 4, stride, kernel_size=3)
    block = SREResidual(modules, shortcut(spatial_dims, 3, 4 * expansion, stride))
    x = torch.randn(2, 3, *(7, 8, 5)[:spatial_dims], requires_grad=True)
    y = block(x)
    assert y.shape == (2, 4 * expansion, *(-(-n // stride) for n in x.shape[2:]))
    y.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in block.parameters())


@pytest.mark.parametrize(("branch", "expansion"), BRANCHES)
@pytest.mark.parametrize("size", [(8, 8), (9, 7), (8, 11)])
def test_block_turns_with_the_image(branch, expansion, size):
    block = SREResidual(branch(2, 3, 4, 2, kernel_size=5), shortcut(2, 3, 4 * expansion, 2)).double().eval()
    x = torch.randn(1, 3, *size, dtype=torch.float64)
    for symmetry in grid_symmetries(2):
        assert_close(block(symmetry.apply(x)), symmetry.apply(block(x)))


def test_block_adds_branch_and_shortcut():
    block = SREResidual(basic_branch(2, 3, 3, kernel_size=3)).eval()
    assert block.downsample is None
    x = torch.randn(1, 3, 6, 6)
    z = F.relu(block.bn1(block.conv1(x)))
    assert_close(block(x), F.relu(x + block.bn2(block.conv2(z))))


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_stride_is_average_pooling_at_divisible_sizes(stride):
    x = torch.randn(1, 2, 16, 24)
    assert_close(symmetric_stride(2, stride)(x), F.avg_pool2d(x, stride))


@pytest.mark.parametrize("stride", [0, 3, 6])
def test_stride_must_be_a_power_of_two(stride):
    with pytest.raises(ValueError, match=f"stride must be 1, 2, 4, 8 …, got {stride}"):
        symmetric_stride(2, stride)
