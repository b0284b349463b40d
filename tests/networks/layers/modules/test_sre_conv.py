import copy

import pytest
import torch
import torch.nn.functional as F
from monai.data import MetaTensor
from torch import nn

from sre_monai.networks.layers import PROFILES, SREConv1d, SREConv2d, SREConv3d, SREConvTranspose2d
from tests.published import sre_conv
from tests.tolerances import assert_close

CONV = {1: SREConv1d, 2: SREConv2d, 3: SREConv3d}
ORDINARY = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
SIZE = (11, 10, 9)


def published_twin(spatial_dims, circular, **kwargs):
    """The published layer; its variant with corners is an option of the base class that subclasses don't pass on."""
    module = sre_conv()
    name = f"SRE_Conv{spatial_dims}d"
    if not circular:
        bases = (getattr(module, name),)

        class WithCorners(*bases):
            @property
            def force_circular(self):
                return False

            @force_circular.setter
            def force_circular(self, value):
                """Do nothing."""

        return WithCorners(4, 6, **kwargs)
    return getattr(module, name)(4, 6, **kwargs)


@pytest.mark.parametrize("algorithm", ["auto", "dense"])
@pytest.mark.parametrize("circular", [True, False])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"kernel_size": 3},
        {"kernel_size": 9, "padding": 4},
        {"kernel_size": 5, "padding": "same"},
        {"kernel_size": 5, "padding": "valid"},
        {"kernel_size": 7, "stride": 2, "padding": 3},
        {"kernel_size": 5, "dilation": 2, "padding": 4},
        {"kernel_size": 5, "groups": 2, "bias": False},
        {"kernel_size": 5, "padding": 2, "padding_mode": "reflect"},
        {"kernel_size": 5, "padding": 2, "padding_mode": "circular"},
        {"kernel_size": 9, "sre_k": 3, "padding": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_outputs_and_gradients_are_the_published_ones(spatial_dims, kwargs, circular, algorithm):
    if spatial_dims == 3 and kwargs["kernel_size"] > 5:
        kwargs = kwargs | {"kernel_size": 5}
    theirs = published_twin(spatial_dims, circular, **kwargs)
    kwargs = dict(kwargs)
    num_rings = kwargs.pop("sre_k", None)
    ours = CONV[spatial_dims](4, 6, num_rings=num_rings, circular=circular, algorithm=algorithm, **kwargs)
    assert ours.weight.shape == theirs.weight.shape
    ours.load_state_dict({name: v for name, v in theirs.state_dict().items() if name != "weight_index_mat"})

    x = torch.randn(2, 4, *SIZE[:spatial_dims], requires_grad=True)
    outputs = ours(x), theirs(x)
    assert_close(*outputs)
    gradients = [
        torch.autograd.grad(y.square().sum(), (x, *layer.parameters())) for y, layer in zip(outputs, (ours, theirs))
    ]
    for our_gradient, their_gradient in zip(*gradients):
        scale = their_gradient.abs().max()
        assert_close(our_gradient / scale, their_gradient / scale)


@pytest.mark.parametrize("spatial_dims", [1, 2, 3])
@pytest.mark.parametrize("profile", PROFILES)
def test_kernel_is_that_of_an_ordinary_convolution(spatial_dims, profile):
    layer = CONV[spatial_dims](16, 8, kernel_size=5, padding=2, profile=profile)
    x = torch.randn(2, 16, *SIZE[:spatial_dims])
    assert_close(layer(x), ORDINARY[spatial_dims](x, layer.kernel(), layer.bias, padding=2))


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("size", [(12, 12), (11, 14), (13, 9)])
def test_rotating_and_flipping_the_input_transforms_the_output(profile, size):
    layer = SREConv2d(8, 8, kernel_size=5, padding=2, profile=profile).double()
    x = torch.randn(1, 8, *size, dtype=torch.float64)
    for flip in (False, True):
        for k in range(4):

            def symmetry(z, flip=flip, k=k):
                return torch.rot90(z.flip(2) if flip else z, k, (2, 3))

            assert_close(layer(symmetry(x)), symmetry(layer(x)))


def test_state_dict_holds_the_weights_alone():
    layer = SREConv2d(3, 4, 5)
    assert list(layer.state_dict()) == ["weight", "bias"]
    before = {name: v.clone() for name, v in layer.state_dict().items()}
    layer.eval()(torch.randn(1, 3, 9, 9))
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])


def _load_then_eval(layer, state):
    layer.load_state_dict(state)
    return layer.eval()


def _eval_then_load(layer, state):
    layer.eval()(torch.randn(1, 8, 9, 9))
    layer.load_state_dict(state)
    return layer


def _through_half(layer, state):
    layer.half().eval().float()
    layer.load_state_dict(state)
    return layer


def _copied(layer, state):
    layer.load_state_dict(state)
    return copy.deepcopy(layer).train().eval()


def _from_meta(layer, state):
    layer.to("meta").to_empty(device="cpu").load_state_dict(state)
    return layer


@pytest.mark.parametrize("order", [_load_then_eval, _eval_then_load, _through_half, _copied, _from_meta])
def test_no_order_of_loading_and_casting_leaves_anything_stale(order):
    source = SREConv2d(8, 4, 5, profile="gaussian")
    layer = order(SREConv2d(8, 4, 5, profile="gaussian"), source.state_dict())
    x = torch.randn(1, 8, 9, 9)
    assert torch.equal(layer(x), source(x))
    with torch.no_grad():
        layer.weight.mul_(2)
        layer.bias.mul_(2)
    assert_close(layer(x), 2 * source(x))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_dtype_follows_the_module(dtype):
    layer = SREConv2d(8, 4, 5, padding=2)
    x = torch.randn(1, 8, 9, 9)
    expected = layer(x)
    y = layer.to(dtype)(x.to(dtype))
    assert y.dtype == dtype
    lower = min(dtype, torch.float32, key=lambda d: d.itemsize)
    assert_close(y.to(lower), expected.to(lower))


def test_device_and_dtype_of_construction():
    layer = SREConv2d(3, 4, 5, device="meta", dtype=torch.float16)
    assert {t.device.type for t in (layer.weight, layer.bias, layer.rings)} == {"meta"}
    assert {t.dtype for t in (layer.weight, layer.bias, layer.rings)} == {torch.float16}


@pytest.mark.parametrize("algorithm", ["dense", "rings"])
def test_metadata_pass_through(algorithm):
    layer = SREConv2d(8, 4, 5, padding=2, algorithm=algorithm)
    x = torch.randn(1, 8, 9, 9)
    y = layer(MetaTensor(x, meta={"name": "eye"}))
    assert y.meta["name"] == "eye"
    assert_close(y.as_tensor(), layer(x))
    y.sum().backward()
    assert torch.isfinite(layer.weight.grad).all()


def test_unbatched_input():
    layer = SREConv2d(8, 4, 5)
    x = torch.randn(8, 9, 9)
    assert_close(layer(x), layer(x[None])[0])


def test_initial_weights_have_the_bounds_of_torch():
    layer = SREConv2d(16, 32, 9)
    ordinary = nn.Conv2d(16, 32, 9)
    bound = 1 / (16 * 81) ** 0.5
    assert 0.9 * bound < layer.weight.abs().max() <= bound
    assert abs(layer.weight.std() / ordinary.weight.std() - 1) < 0.05


def test_exports_and_compiles_to_the_same_function():
    layer = SREConv2d(8, 4, 5, padding=2).eval()
    x = torch.randn(1, 8, 9, 9)
    exported = torch.export.export(layer, (x,)).module()
    assert_close(exported(x), layer(x))
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    assert_close(compiled(x), layer(x))


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"kernel_size": 4}, "kernel_size must be odd"),
        ({"kernel_size": (3, 5)}, "kernel_size must be the same along every axis"),
        ({"kernel_size": (3, 3, 3)}, "kernel_size must be a number or 2 numbers"),
        ({"stride": 0}, "stride is too small"),
        ({"padding": -1}, "padding is too small"),
        ({"padding": "full"}, "padding must be numbers, 'same' or 'valid'"),
        ({"padding": "same", "stride": 2}, "padding='same' needs stride 1"),
        ({"groups": 3}, "groups=3 must divide"),
        ({"padding_mode": "wrap"}, "padding_mode must be one of"),
        ({"algorithm": "fft"}, "algorithm must be one of"),
        ({"profile": "square"}, "profile must be one of"),
    ],
    ids=str,
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        SREConv2d(4, 8, **({"kernel_size": 5} | kwargs))


@pytest.mark.parametrize("conv", [SREConv2d, SREConvTranspose2d])
def test_the_next_layer_may_add_to_the_output_in_place(conv):
    layer = conv(16, 16, 5, padding=2)
    x = torch.randn(1, 16, 9, 9)
    y = layer(x)
    expected = y + x
    y += x
    assert torch.equal(y, expected)
    y.sum().backward()
    assert torch.isfinite(layer.weight.grad).all()


def test_a_traced_layer_needs_no_operator_of_ours():
    layer = SREConv2d(16, 16, 5, padding=2).eval()
    traced = torch.jit.trace(layer, torch.randn(1, 16, 9, 9))
    assert "sre_monai::" not in str(traced.graph)
    x = torch.randn(2, 16, 12, 11)
    assert_close(traced(x), layer(x))
