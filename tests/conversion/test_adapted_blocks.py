import copy
import pickle

import pytest
import torch
from monai.networks.blocks.dints_block import FactorizedReduceBlock
from monai.networks.blocks.mednext_block import MedNeXtUpBlock
from monai.networks.nets.autoencoderkl import AEKLDownsample

from sre_monai.conversion import check_equivariance, convert_to_sre

BLOCKS = {
    "DiNTS": lambda: FactorizedReduceBlock(4, 6, spatial_dims=2),
    "DiNTS, volumes": lambda: FactorizedReduceBlock(4, 6),
    "autoencoder": lambda: AEKLDownsample(2, 4),
    "MedNeXt": lambda: MedNeXtUpBlock(4, 4, kernel_size=3, dim="2d"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_become_equivariant(name):
    block = BLOCKS[name]()
    converted = convert_to_sre(block)
    sizes = ((8, 8, 8), (9, 7, 8)) if name == "DiNTS, volumes" else ((16, 12), (9, 15))
    for size in sizes:
        assert check_equivariance(converted, (1, 4, *size)).is_equivariant
    if name != "MedNeXt":  # it upsamples to one pixel less than twice the size and pads one side
        x = torch.randn(1, 4, *sizes[0])
        assert converted(x).shape == block(x).shape


@pytest.mark.parametrize("name", BLOCKS)
def test_the_block_given_is_left_as_it_was_and_the_other_can_be_copied(name):
    block = BLOCKS[name]().eval()
    kinds = [type(module) for module in block.modules()]
    converted = convert_to_sre(block)
    assert [type(module) for module in block.modules()] == kinds
    x = torch.randn(1, 4, *(8,) * (3 if "volumes" in name else 2))
    for other in (copy.deepcopy(converted), pickle.loads(pickle.dumps(converted))):
        assert torch.equal(other(x), converted(x))
