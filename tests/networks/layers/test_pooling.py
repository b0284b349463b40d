import pytest
import torch
import torch.nn.functional as F

from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool, upsample_to
from sre_monai.transforms import grid_symmetries
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
@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_pooling_and_upsampling_rotate_with_the_image(pool, size, symmetry):
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    layer = pool(2)
    assert_close(layer(symmetry.apply(x)), symmetry.apply(layer(x)))

    def there_and_back(z):
        return upsample_to(layer(z), z.shape[2:])

    assert_close(there_and_back(symmetry.apply(x)), symmetry.apply(there_and_back(x)))


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("stride", [3, 4, 5, (2, 3)])
def test_any_stride_is_symmetric_at_every_size(pool, stride):
    layer = pool(2, stride)
    for size in ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 14)):
        x = torch.randn(1, 2, *size, dtype=torch.float64)
        assert_close(layer(x.flip(2)), layer(x).flip(2))
        assert_close(layer(x.flip(3)), layer(x).flip(3))
        assert layer(x).shape[2:] == tuple(-(-n // s) for n, s in zip(size, layer.stride))


def test_where_the_stride_divides_the_size_pooling_is_as_usual():
    x = torch.randn(1, 2, 9, 12)
    assert torch.equal(SymmetricMaxPool(2, 3)(x), F.max_pool2d(x, 3))
    assert_close(SymmetricAvgPool(2, (3, 4))(x), F.avg_pool2d(x, (3, 4)))


@pytest.mark.parametrize("stride", [0, (2, 2, 2)])
def test_errors_name_the_stride(stride):
    with pytest.raises(ValueError, match="stride must be a positive number or 2 of them"):
        SymmetricMaxPool(2, stride)
