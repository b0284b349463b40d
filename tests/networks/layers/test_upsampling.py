import copy
import pickle

import pytest
import torch

from sre_monai.networks.layers import SizeMemory, SymmetricMaxPool, SymmetricUpsample, upsample_to
from sre_monai.networks.layers.upsampling import remember_sizes
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close


def test_upsampling_keeps_the_outermost_pixels():
    x = torch.tensor([[[0.0, 1.0, 2.0]]])
    assert upsample_to(x, [5]).tolist() == [[[0.0, 0.5, 1.0, 1.5, 2.0]]]


@pytest.mark.parametrize("size", [(9, 12), (8, 7), (5, 5, 6)])
def test_upsampling_restores_the_pooled_size(size):
    dims = len(size)
    pools = [SymmetricMaxPool(dims) for _ in range(2)]
    up = SymmetricUpsample(2)

    def there_and_back(x):
        with SizeMemory():
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
    assert SizeMemory().recall((5, 5), (2, 2)) == (10, 10)
    assert SymmetricUpsample(2)(torch.randn(1, 1, 5)).shape == (1, 1, 10)


def test_the_last_note_counts():
    sizes = SizeMemory()
    sizes.record((9,), (5,), (2,))
    sizes.record((10,), (5,), (2,))
    assert sizes.recall((5,), (2,)) == (10,)


def test_a_memory_within_another_has_its_own_notes():
    pool, up, x = SymmetricMaxPool(1), SymmetricUpsample(2), torch.randn(1, 1, 7)
    with SizeMemory() as outer:
        y = pool(x)
        with SizeMemory():
            assert up(y).shape == (1, 1, 8)
        assert SizeMemory.current() is outer
        assert up(y).shape == (1, 1, 7)
    assert SizeMemory.current() is None


class Fragile(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.up = SymmetricMaxPool(1), SymmetricUpsample(2)

    def forward(self, x, fails=False):
        y = self.pool(x)
        if fails:
            raise KeyError
        return self.up(y)


def test_a_network_forgets_after_each_call_also_after_an_error():
    network, other = Fragile(), Fragile()
    remember_sizes(network)
    x = torch.randn(1, 1, 7)
    assert network(x).shape == (1, 1, 7)
    with pytest.raises(KeyError):
        network(x, fails=True)
    assert SizeMemory.current() is None
    assert network.up(network.pool(x)).shape == (1, 1, 8)
    network.register_forward_pre_hook(lambda *_: other(x) and None, prepend=True)  # raises before the memory is opened
    with SizeMemory() as outer:
        with pytest.raises(RuntimeError, match="ambiguous"):
            network(x)
        assert SizeMemory.current() is outer


def test_networks_that_remember_can_be_copied_and_saved():
    network = Fragile()
    remember_sizes(network)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert other(torch.randn(1, 1, 7)).shape == (1, 1, 7)
    assert network.state_dict() == {}
