import pytest
import torch

from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool
from sre_monai.networks.layers.symbolic_pooling import average_axis, maximum_axis
from tests.tolerances import assert_close

PAIRS = [(SymmetricMaxPool, maximum_axis), (SymmetricAvgPool, average_axis)]


@pytest.mark.parametrize(("pool", "along_axis"), PAIRS)
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
def test_equals_the_pooling_at_every_size(pool, along_axis, stride):
    for size in range(1, 14):
        x = torch.randn(2, 3, size, 5)
        assert_close(along_axis(x, 2, stride), pool(2, (stride, 1))(x))


@pytest.mark.parametrize("pool", [SymmetricMaxPool, SymmetricAvgPool])
@pytest.mark.parametrize("stride", [2, 3])
def test_exported_and_traced_poolings_take_every_size(pool, stride):
    layer = pool(2, stride)
    example = torch.randn(2, 1, 12, 13)
    dynamic = ({2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC},)
    exported = torch.export.export(layer, (example,), dynamic_shapes=dynamic).module()
    traced = torch.jit.trace(layer, example, check_trace=False)
    for size in ((12, 13), (13, 12), (17, 19), (20, 21)):
        x = torch.randn(2, 1, *size)
        assert_close(exported(x), layer(x))
        assert_close(traced(x), layer(x))


def test_gradient_equals_that_of_the_pooling():
    x = torch.randn(1, 2, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: average_axis(z, 2, 2), x)
    first, second = (
        torch.autograd.grad(f(x).square().sum(), x)[0] for f in (SymmetricAvgPool(1), lambda z: average_axis(z, 2, 2))
    )
    assert_close(first, second)
