import pytest
import torch
import torch.nn.functional as F

from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool, upsample_to
from sre_monai.transforms import SYMMETRIES, apply_symmetry
from tests.tolerances import assert_close

POOLS = [SymmetricMaxPool, SymmetricAvgPool]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_size_is_halved_and_rounded_up(pool, size):
    assert pool(1)(torch.randn(1, 2, size)).shape == (1, 2, (size + 1) // 2)


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
def test_even_sizes_are_pooled_as_usual(spatial_dims):
    x = torch.randn(2, 3, *(6, 8, 4)[:spatial_dims])
    assert torch.equal(SymmetricMaxPool(spatial_dims)(x), getattr(F, f"max_pool{spatial_dims}d")(x, 2))
    assert_close(SymmetricAvgPool(spatial_dims)(x), getattr(F, f"avg_pool{spatial_dims}d")(x, 2))


def test_odd_sizes_are_pooled_in_centred_threes():
    x = torch.tensor([[[3.0, 1.0, 4.0, 1.0, 5.0]]])
    assert SymmetricMaxPool(1)(x).tolist() == [[[3.0, 4.0, 5.0]]]
    assert SymmetricAvgPool(1)(x).tolist() == [[[2.0, 2.0, 3.0]]]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("size", [(8, 8), (9, 9), (9, 12), (7, 5)])
@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_pooling_and_upsampling_turn_with_the_image(pool, size, symmetry):
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    layer = pool(2)
    assert_close(layer(apply_symmetry(x, symmetry)), apply_symmetry(layer(x), symmetry))

    def there_and_back(z):
        return upsample_to(layer(z), z.shape[2:])

    assert_close(there_and_back(apply_symmetry(x, symmetry)), apply_symmetry(there_and_back(x), symmetry))


def test_upsampling_keeps_the_outermost_pixels():
    x = torch.tensor([[[0.0, 1.0, 2.0]]])
    assert upsample_to(x, [5]).tolist() == [[[0.0, 0.5, 1.0, 1.5, 2.0]]]
