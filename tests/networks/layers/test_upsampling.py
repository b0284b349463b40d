import copy
import pickle

import pytest
import torch

from sre_monai.networks.layers import SizeMemory, SymmetricMaxPool, SymmetricUpsample, upsample_to
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close


def test_upsampling_keeps_the_outermost_pixels():
    x = torch.tensor([[[0.0, 1.0, 2.0]]])
    assert upsample_to(x, [5]).tolist() == [[[0.0, 0.5, 1.0, 1.5, 2.0]]]


@pytest.mark.parametrize("size", [(9, 12), (8, 7), (5, 5, 6)])
def test_upsampling_restores_the_pooled_size(size):
    sizes = SizeMemory()
    dims = len(size)
    pools = [SymmetricMaxPool(dims, sizes=sizes) for _ in range(2)]
    up = SymmetricUpsample(2, sizes)

    def there_and_back(x):
        sizes.forget()
        return up(up(pools[1](pools[0](x))))

    x = torch.randn(1, 2, *size, dtype=torch.float64)
    assert there_and_back(x).shape == x.shape
    for symmetry in grid_symmetries(dims):
        assert_close(there_and_back(symmetry.apply(x)), symmetry.apply(there_and_back(x)))


def test_without_a_note_the_size_is_multiplied():
    sizes = SizeMemory()
    sizes.record((9, 9), (5, 5), (2, 2))
    assert sizes.recall((5, 5), (2, 2)) == (9, 9)
    assert sizes.recall((5, 5), (3, 3)) == (15, 15)
    assert sizes.recall((5, 6), (2, 2)) == (10, 12)
    sizes.forget("network", "inputs")
    assert sizes.recall((5, 5), (2, 2)) == (10, 10)


def test_the_last_note_counts():
    sizes = SizeMemory()
    sizes.record((9,), (5,), (2,))
    sizes.record((10,), (5,), (2,))
    assert sizes.recall((5,), (2,)) == (10,)


def test_layers_that_are_copied_or_saved_together_share_one_memory():
    sizes = SizeMemory()
    layers = torch.nn.Sequential(SymmetricMaxPool(1, sizes=sizes), SymmetricUpsample((2,), sizes))
    for other in (copy.deepcopy(layers), pickle.loads(pickle.dumps(layers))):
        assert other[0].sizes is other[1].sizes is not sizes
        assert other(torch.randn(1, 1, 7)).shape == (1, 1, 7)
    assert layers.state_dict() == {}
