import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from sre_monai.networks.blocks import concatenate


@pytest.mark.parametrize("size", [(7,), (4, 5), (3, 4, 2)])
def test_equals_torch_cat(size):
    maps = [torch.randn(2, channels, *size, dtype=torch.float64, requires_grad=True) for channels in (3, 1, 2)]
    joined = concatenate(*maps)
    assert torch.equal(joined, torch.cat(maps, dim=1))
    with torch.no_grad():
        assert torch.equal(concatenate(*maps), joined)
    assert gradcheck(concatenate, maps)
    assert gradgradcheck(concatenate, maps)


def test_gradients_are_dense():
    maps = [torch.randn(2, channels, 5, 4, requires_grad=True) for channels in (3, 2)]
    gradients = torch.autograd.grad(concatenate(*maps).square().sum(), maps)
    assert all(g.is_contiguous(memory_format=torch.channels_last) for g in gradients)
