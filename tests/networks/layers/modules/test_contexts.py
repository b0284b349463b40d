"""The layers on other devices, in other default types, and transformed: whatever PyTorch's own layers take."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from sre_monai.networks.layers import (
    SREConv2d,
    SREConv3d,
    SREConvTranspose2d,
    SREHarmonicConv2d,
    SREHarmonicConv3d,
    ring_basis,
    ring_conv,
)
from tests.tolerances import assert_close

LAYERS = [SREConv2d, SREConvTranspose2d, SREHarmonicConv2d]

each_layer = pytest.mark.parametrize("kind", LAYERS)
each_profile = pytest.mark.parametrize("profile", ["bands", "gaussian", "gmr"])


@each_layer
@each_profile
def test_fake_tensors_stay_in_their_mode(kind, profile):
    with FakeTensorMode():
        assert kind(3, 4, 5, profile=profile)(torch.randn(1, 3, 9, 9)).shape[1] == 4
    layer = kind(3, 4, 5, profile=profile)
    assert type(next(layer.buffers())) is torch.Tensor
    assert torch.isfinite(layer(torch.randn(1, 3, 9, 9))).all()


@each_layer
@each_profile
def test_shapes_on_the_meta_device(kind, profile):
    expected = kind(3, 4, 5, profile=profile)(torch.randn(1, 3, 9, 9)).shape
    made_there = kind(3, 4, 5, profile=profile, device="meta")
    moved = kind(3, 4, 5, profile=profile).to("meta")
    with torch.device("meta"):
        within = kind(3, 4, 5, profile=profile)
    for layer in (made_there, moved, within):
        assert {t.device.type for t in (*layer.parameters(), *layer.buffers())} == {"meta"}
        assert layer(torch.randn(1, 3, 9, 9, device="meta")).shape == expected


@pytest.fixture
def double_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@each_layer
@each_profile
@pytest.mark.parametrize("dtype", [None, torch.float32])
def test_another_default_type(kind, profile, dtype, double_by_default):
    layer = kind(3, 4, 5, profile=profile, dtype=dtype)
    expected = dtype or torch.float64
    assert {t.dtype for t in (*layer.parameters(), *layer.buffers())} == {expected}
    x = torch.randn(1, 3, 9, 9, dtype=expected)
    assert_close(layer(x).double(), layer.double()(x.double()).detach(), expected)


@pytest.mark.parametrize("kind", [*LAYERS, SREConv3d, SREHarmonicConv3d])
def test_channels_last(kind):
    layer = kind(3, 4, 3)
    x = torch.randn(2, 3, 9, 8, *([7] if kind.spatial_dims == 3 else []))
    expected = layer(x)
    layout = torch.channels_last_3d if kind.spatial_dims == 3 else torch.channels_last
    assert_close(layer.to(memory_format=layout)(x.contiguous(memory_format=layout)), expected)


def test_a_move_that_fails_leaves_the_layer_as_it_was():
    layer = SREConv2d(3, 4, 3)
    expected = layer(torch.ones(1, 3, 5, 5))
    with pytest.raises(ZeroDivisionError):
        layer._apply(lambda tensor: tensor / (1 // 0))
    assert torch.equal(layer(torch.ones(1, 3, 5, 5)), expected)


@pytest.mark.parametrize("kind", [SREHarmonicConv2d, SREHarmonicConv3d, SREConv2d, SREConv3d])
def test_unbatched_input(kind):
    layer = kind(3, 4, 3)
    x = torch.randn(3, 9, 8, *([7] if kind.spatial_dims == 3 else []))
    assert_close(layer(x), layer(x[None])[0])


@pytest.mark.parametrize("kind", [*LAYERS, SREHarmonicConv3d])
def test_gradients_of_each_sample(kind):
    layer = kind(3, 4, 3)
    parameters = dict(layer.named_parameters())
    x = torch.randn(3, 3, 6, 5, *([4] if kind.spatial_dims == 3 else []))

    def loss(parameters, sample):
        return torch.func.functional_call(layer, parameters, (sample[None],)).square().sum()

    gradients = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, x)
    for place, sample in enumerate(x):
        expected = torch.autograd.grad(layer(sample[None]).square().sum(), list(layer.parameters()))
        for name, reference in zip(parameters, expected):
            scale = reference.abs().max()
            assert_close(gradients[name][place] / scale, reference / scale)


@each_layer
def test_jacobians(kind):
    layer = kind(2, 3, 3).double()
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(layer, x)
    assert_close(torch.func.jacrev(layer)(x), expected)
    assert_close(torch.autograd.functional.jacobian(layer, x, vectorize=True), expected)


@pytest.mark.parametrize("kind", [SREConv2d, SREHarmonicConv2d])
def test_jacobians_of_the_layers_own_operators(kind):
    """Gradients of many outputs at once, where the forward pass was that of an operator."""
    layer = kind(2, 3, 3)
    x = torch.randn(1, 2, 4, 5)
    expected = torch.autograd.functional.jacobian(layer, x)
    assert_close(torch.autograd.functional.jacobian(layer, x, vectorize=True), expected)
    assert_close(torch.func.jacrev(layer)(x), expected)


def test_what_cannot_be_transformed_says_so():
    rings, weight = ring_basis(3, 2).float(), torch.randn(1, 1, 2)
    with pytest.raises(ValueError, match=r"can't be transformed by torch\.func; use 'dense' or 'auto'"):
        torch.func.jacrev(lambda x: ring_conv(x, weight, rings, algorithm="rings"))(torch.randn(1, 1, 5, 5))
