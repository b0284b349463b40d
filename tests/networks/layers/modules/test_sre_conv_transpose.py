import pytest
import torch
from torch import nn

from sre_monai.networks.layers import SREConv2d, SREConvTranspose1d, SREConvTranspose2d, SREConvTranspose3d
from tests.tolerances import assert_close

TRANSPOSE = {1: SREConvTranspose1d, 2: SREConvTranspose2d, 3: SREConvTranspose3d}
SIZE = (11, 10, 9)


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"kernel_size": 5, "padding": 2},
        {"kernel_size": 3},
        {"kernel_size": 5, "stride": 2, "padding": 2, "output_padding": 1},
        {"kernel_size": 3, "groups": 2, "padding": 1},
        {"kernel_size": 3, "dilation": 2, "padding": 1, "bias": False},
        {"kernel_size": 3, "padding": 3, "stride": 2},
    ],
    ids=str,
)
def test_transposed_convolution_is_torchs_of_the_dense_kernel(spatial_dims, kwargs):
    layer = TRANSPOSE[spatial_dims](8, 6, profile="gaussian", **kwargs).double()
    reference = getattr(nn, f"ConvTranspose{spatial_dims}d")(8, 6, **kwargs).double()
    with torch.no_grad():
        reference.weight.copy_(layer.kernel())
        if layer.bias is not None:
            reference.bias.copy_(layer.bias)
    x = torch.randn(2, 8, *SIZE[:spatial_dims], dtype=torch.float64)
    assert_close(layer(x), reference(x))


def test_transposed_convolution_is_the_adjoint():
    conv = SREConv2d(8, 6, kernel_size=5, stride=2, padding=2, bias=False).double()
    transposed = SREConvTranspose2d(6, 8, kernel_size=5, stride=2, padding=2, bias=False).double()
    transposed.load_state_dict(conv.state_dict())
    x, y = torch.randn(1, 8, 11, 13, dtype=torch.float64), torch.randn(1, 6, 6, 7, dtype=torch.float64)
    assert_close((conv(x) * y).sum(), (x * transposed(y)).sum())


def test_transposed_padding_must_be_numbers():
    with pytest.raises(ValueError, match="padding of a transposed convolution must be numbers"):
        SREConvTranspose2d(4, 8, 3, padding="same")
