"""Every operation with random arguments, most of them wrong: the right numbers, or a sentence, and never a crash.

A call starts from arguments that fit each other. Up to two of them are changed: other sizes, ranks, types, devices,
memory layouts, nothing in them or far too much. What is returned must be what PyTorch's convolutions compute in float64
from the same arguments. Gaps between the elements of a view are not numbers, so that reading them shows.
"""

import math
import random
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import sre_monai
from sre_monai.networks.layers import (
    expand_kernel,
    harmonic_conv,
    harmonic_magnitude,
    ring_basis,
    ring_conv,
)
from sre_monai.networks.layers.angular_harmonics import filtered_magnitude, harmonic_filters
from sre_monai.networks.layers.kernels.library import VARIANTS

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
ALGORITHMS = ["auto", "dense", "rings", *(["compiled"] if VARIANTS else [])]
DTYPES = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn]
HUGE = 2**40  # elements, more than any memory holds

# Relative to the largest value. Operations whose steps are rounded to half precision one by one add up a few roundings.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4, torch.bfloat16: 6e-2, torch.float16: 2e-2}


# --- References, in float64 -------------------------------------------------------------------------------------------


def exact(tensor):
    return None if tensor is None else tensor.detach().clone().contiguous().double()


def dense_kernel(weight, rings):
    assert weight.shape[-1] == len(rings)
    return sum(weight[(..., j, *(None,) * (rings.ndim - 1))] * rings[j] for j in range(len(rings)))


def by_convolution(input, weight, rings, bias=None, stride=None, padding=None, dilation=None, groups=1, **_):
    ones = (1,) * (rings.ndim - 1)
    assert input.ndim == rings.ndim + 1
    kernel = dense_kernel(weight, rings)
    return CONV[len(ones)](input, kernel, bias, stride or ones, padding or 0, dilation or ones, groups)


def by_magnitudes(input, weight, rings, bias, mix, orders, dilation=None, negative_slope=1.0, **_):
    dilation = dilation or (1,) * (rings.ndim - 1)
    maps = by_convolution(input, weight, rings, bias, padding=[d * (rings.shape[-1] // 2) for d in dilation],
                          dilation=dilation)  # fmt: skip
    output, each = maps[:, : len(mix)], mix.shape[1] // len(orders)
    for place, order in enumerate(orders):
        profiles = maps[:, len(mix) + place * each : len(mix) + (place + 1) * each]
        share = mix[:, place * each : (place + 1) * each].reshape(len(mix), each)
        output = output + torch.einsum("oi,bi...->bo...", share, magnitude(profiles, order))
    return torch.where(output > 0, output, output * negative_slope)


def magnitude(input, order, **_):
    assert order in (1, 2)
    if not input.shape[1]:
        return input  # PyTorch convolves no map without channels
    return filtered_magnitude(input, harmonic_filters(input.ndim - 2, order).to(input))


def backward_of(function, wanted):
    """The gradients of some arguments of a reference."""

    def differentiate(g, x, *others):
        tensors = [t.requires_grad_() if torch.is_tensor(t) else t for t in (x, *others)]
        y = function(*tensors)
        assert y.shape == g.shape
        return torch.autograd.grad(y, [tensors[place] for place in wanted], g)

    return differentiate


# --- Arguments that fit -----------------------------------------------------------------------------------------------


def random_rings(rng, dims):
    return ring_basis(rng.choice([1, 3, 5]), dims, rng.choice(["bands", "gaussian"])).float()


def ring_arguments(rng):
    dims, groups = rng.choice([1, 2, 2, 3]), rng.choice([1, 1, 1, 2])
    rings = random_rings(rng, dims)
    k, inputs, outputs = rings.shape[-1], rng.choice([1, 3, 8, 33]), rng.choice([1, 4, 17])
    dilation = [rng.choice([1, 1, 2]) for _ in range(dims)]
    arguments = {
        "input": torch.randn(rng.choice([1, 2]), inputs * groups, *(rng.randint(9, 12) for _ in range(dims))),
        "weight": torch.randn(outputs * groups, inputs, len(rings)),
        "rings": rings,
        "bias": rng.choice([None, torch.randn(outputs * groups)]),
        "padding": [rng.randint(0, d * (k - 1)) for d in dilation],
        "dilation": dilation,
    }
    return arguments, {
        "stride": [rng.choice([1, 1, 1, 2])] * dims,
        "groups": groups,
        "algorithm": rng.choice(ALGORITHMS),
    }


def harmonic_arguments(rng):
    dims, orders = rng.choice([2, 2, 3]), rng.choice([[1], [2], [1, 2], [2, 1]])
    rings, inputs, outputs, each = (
        random_rings(rng, dims),
        rng.choice([1, 3, 33]),
        rng.choice([1, 4, 9]),
        rng.choice([1, 4]),
    )
    profiles = each * len(orders)
    arguments = {
        "input": torch.randn(rng.choice([1, 2]), inputs, *(rng.randint(1, 9) for _ in range(dims))),
        "weight": torch.randn(outputs + profiles, inputs, len(rings)),
        "rings": rings,
        "bias": rng.choice([None, torch.randn(outputs + profiles)]),
        "mix": torch.randn(outputs, profiles),
        "orders": orders,
        "dilation": [rng.choice([1, 1, 2]) for _ in range(dims)],
    }
    return arguments, {"negative_slope": rng.choice([1.0, 0.0, 0.1]), "algorithm": rng.choice(ALGORITHMS)}


def call_ring_conv(rng):
    arguments, others = ring_arguments(rng)
    return ring_conv, by_convolution, arguments | others


def call_harmonic_conv(rng):
    arguments, others = harmonic_arguments(rng)
    return harmonic_conv, by_magnitudes, arguments | others


def call_magnitude(rng):
    input = torch.randn(rng.choice([1, 2]), 3, *(rng.randint(1, 9) for _ in range(rng.choice([2, 3]))))
    return harmonic_magnitude, magnitude, {"input": input, "order": rng.choice([1, 2])}


def call_expand_kernel(rng):
    rings = random_rings(rng, rng.choice([1, 2, 3]))
    return expand_kernel, dense_kernel, {"weight": torch.randn(4, 3, len(rings)), "rings": rings}


def by_position(function, names, extra=()):
    """Call an operator, whose arguments have no names that all versions share."""
    return lambda **arguments: function(*(arguments[name] for name in names), *extra)


def call_ring_operator(rng):
    arguments, others = ring_arguments(rng)
    algorithm = rng.choice([a for a in ALGORITHMS if a not in ("auto", "dense")])
    operator = by_position(torch.ops.sre_monai.ring_conv, list(arguments), (algorithm,))
    if others["groups"] > 1:
        return call_ring_operator(rng)
    return operator, by_convolution, arguments


def call_ring_backward(rng):
    _, _, arguments = call_ring_operator(rng)
    arguments.pop("bias")
    g = torch.randn_like(by_convolution(**arguments))
    algorithm = rng.choice([a for a in ALGORITHMS if a not in ("auto", "dense")])
    operator = by_position(torch.ops.sre_monai.ring_conv_backward, ["g", *arguments], (algorithm,))

    def differentiate(g, input, weight, rings, padding, dilation):
        function = partial(by_convolution, padding=padding, dilation=dilation)
        return backward_of(function, (0, 1))(g, input, weight, rings)

    return operator, differentiate, {"g": g} | arguments


def call_harmonic_operator(rng):
    arguments, others = harmonic_arguments(rng)
    arguments["negative_slope"] = others["negative_slope"]
    return by_position(torch.ops.sre_monai.harmonic_conv, list(arguments)), by_magnitudes, arguments


def call_harmonic_backward(rng):
    arguments, _ = harmonic_arguments(rng)
    arguments["bias"] = torch.randn(len(arguments["weight"]))
    g = torch.randn_like(by_magnitudes(**arguments))
    operator = by_position(torch.ops.sre_monai.harmonic_conv_backward, ["g", *arguments])

    def differentiate(g, input, weight, rings, bias, mix, orders, dilation):
        function = partial(by_magnitudes, orders=orders, dilation=dilation)
        return backward_of(function, (0, 1, 3, 4))(g, input, weight, rings, torch.zeros_like(weight[:, 0, 0])
                                                   if bias is None else bias, mix)  # fmt: skip

    return operator, differentiate, {"g": g} | arguments


def call_layer(rng):
    dims = rng.choice([1, 2, 3])
    padding, dilation, groups = rng.randint(0, 3), rng.choice([1, 2]), rng.choice([1, 2])
    kind = rng.choice(["SREConv", "SREConvTranspose", *(["SREHarmonicConv"] if dims > 1 else [])])
    options = {"kernel_size": rng.choice([1, 3, 5])}
    if kind != "SREHarmonicConv":
        options |= {"padding": padding, "dilation": dilation, "groups": groups, "stride": rng.choice([1, 1, 2])}
    layer = getattr(sre_monai, f"{kind}{dims}d")(4, 6, **options)
    sizes = [rng.randint(9, 12) for _ in range(dims)]

    def reference(input):
        assert input.ndim in (dims + 1, dims + 2)
        if input.ndim == dims + 1:
            return reference(input[None])[0]
        if kind == "SREHarmonicConv":
            conv = layer.conv
            parts = (conv.weight, conv.rings, conv.bias, layer.mix.weight.flatten(1))
            return by_magnitudes(input, *(part.detach().double() for part in parts), layer.orders)
        kernel, bias = layer.kernel().detach().double(), layer.bias.detach().double()
        if kind == "SREConv":
            return CONV[dims](input, kernel, bias, layer.stride, padding, dilation, groups)
        return TRANSPOSE[dims](input, kernel, bias, layer.stride, padding, 0, groups, dilation)

    return layer, reference, {"input": torch.randn(rng.choice([1, 2]), 4, *sizes)}


CALLS = [
    call_ring_conv,
    call_harmonic_conv,
    call_magnitude,
    call_expand_kernel,
    call_ring_operator,
    call_ring_backward,
    *([call_harmonic_operator, call_harmonic_backward] if VARIANTS else []),
    call_layer,
]


# --- Changes ----------------------------------------------------------------------------------------------------------


def another_size(rng, tensor):
    if not tensor.ndim:
        return torch.randn(3)
    axis = rng.randrange(tensor.ndim)
    sizes = [0, 1, 2, tensor.shape[axis] + 1, max(0, tensor.shape[axis] - 1), 2 * tensor.shape[axis], 64]
    return torch.randn([rng.choice(sizes) if a == axis else n for a, n in enumerate(tensor.shape)])


def another_rank(rng, tensor):
    if rng.random() < 0.5 or not tensor.ndim:
        return tensor[None]
    return rng.choice([tensor.unsqueeze(-1), tensor.sum(rng.randrange(tensor.ndim)), tensor.flatten(), tensor.sum()])


def another_type(rng, tensor):
    return tensor.to(rng.choice(DTYPES))


def another_device(rng, tensor):
    return tensor.to("meta")


def sparse(rng, tensor):
    return tensor.to_sparse()


def another_layout(rng, tensor):
    """The same numbers, elsewhere in memory."""
    if not tensor.ndim:
        return tensor
    axis, gaps = rng.randrange(tensor.ndim), torch.full_like(tensor, float("nan"))
    return rng.choice(
        [
            lambda: tensor.movedim(axis, -1).contiguous().movedim(-1, axis),
            lambda: torch.stack([tensor, gaps], -1)[..., 0],
            lambda: torch.cat([gaps, tensor, gaps], axis).narrow(axis, tensor.shape[axis], tensor.shape[axis]),
            lambda: torch.cat([gaps.flatten()[:1], tensor.flatten()])[1:].view(tensor.shape),
        ]
    )()


def overlapping(rng, tensor):
    """Elements that share their memory."""
    if not tensor.numel():
        return tensor
    if rng.random() < 0.5:
        return tensor.flatten()[0].expand(tensor.shape)
    return torch.randn(sum(tensor.shape)).as_strided(tensor.shape, [1] * tensor.ndim)


def huge(rng, tensor):
    """More elements than memory, all of them the same one."""
    if not tensor.numel():
        return tensor
    axis = rng.randrange(max(1, tensor.ndim))
    return tensor.flatten()[0].expand([HUGE if a == axis else n for a, n in enumerate(tensor.shape)])


def asymmetric(rng, tensor):
    return torch.randn_like(tensor)


def no_number(rng, tensor):
    changed = tensor.clone()
    changed.flatten()[: rng.randint(0, 2)] = rng.choice([float("nan"), float("inf")])
    return changed


OF_TENSORS = [another_size, another_size, another_rank, another_type, another_device, sparse, another_layout,
              another_layout, overlapping, huge]  # fmt: skip


def change(rng, arguments, name, may_be_of_any_kind):
    """Change an argument; what was done. PyTorch itself checks the kinds of what operators and layers are given."""
    value = arguments[name]
    if torch.is_tensor(value):
        if may_be_of_any_kind and rng.random() < 0.05:
            arguments[name] = rng.choice([None, "tensor", 3.0, [[1.0]], np.zeros(3)])
            return f"{name}: {type(arguments[name]).__name__}"
        how = rng.choice([*OF_TENSORS, *([asymmetric, no_number] if name == "rings" else [])])
        arguments[name] = how(rng, value)
        return f"{name}: {how.__name__}"
    if isinstance(value, list):
        place, number = rng.randrange(len(value)), rng.choice([0, -1, 1, 2, 3, 7, 5000, 2**31, HUGE])
        arguments[name] = rng.choice(
            [value[:-1], [*value, 1], [number if i == place else v for i, v in enumerate(value)]]
            + ([value[0], [float(v) for v in value], "12"] if may_be_of_any_kind else [])
        )
    elif name == "bias":
        arguments[name] = torch.randn(rng.choice([0, 1, 3, 5]))
    elif name == "algorithm":
        arguments[name] = rng.choice([*ALGORITHMS, "fft", None])
    elif name in ("groups", "order"):
        arguments[name] = rng.choice([0, -1, 1, 2, 3, 1.0])
    elif name == "negative_slope":
        arguments[name] = rng.choice([-0.5, float("nan"), float("inf"), 2.0])
    return f"{name}: {arguments[name]!r:.40}"


def is_expected(error, described):
    """Tell whether an error is a sentence, or PyTorch's about the memory that huge tensors need."""
    if isinstance(error, ValueError | TypeError):
        return str(error).endswith(".") and "\n" not in str(error)
    is_about_memory = any(
        word in str(error) for word in ("memory", "too large", "Storage size", "overflow", "Output size")
    )
    return is_about_memory and ("huge" in described or str(HUGE) in described)


def run_one(seed):
    """Make a call of that seed. Whether it gave numbers; an error is a failure of the test."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    call = rng.choice(CALLS)
    function, reference, arguments = call(rng)
    is_function = not call.__name__.endswith(("operator", "backward", "layer"))
    names = rng.sample(list(arguments), min(len(arguments), rng.choice([0, 1, 1, 1, 2])))
    changes = [change(rng, arguments, name, is_function) for name in names]
    described = f"seed {seed}, {call.__name__}, {changes}"
    try:
        result = function(**arguments)
    except Exception as error:
        assert is_expected(error, described), f"{described}: {error!r}"  # noqa: PT017, which knows no fuzz test
        return False
    results = result if isinstance(result, tuple) else (result,)
    if any(r.is_meta for r in results):
        assert all(r.is_meta for r in results), described
        return False
    arguments = {name: exact(a) if torch.is_tensor(a) else a for name, a in arguments.items()}
    try:
        expected = reference(**arguments)
    except Exception as error:
        raise AssertionError(f"{described}: the reference refuses ({error}), but there is a result") from error
    for ours, right in zip(results, expected if isinstance(expected, tuple) else (expected,)):
        assert ours.shape == right.shape, f"{described}: {ours.shape}, not {right.shape}"
        scale = right.abs().max().item() if right.numel() else 0.0
        if not math.isfinite(scale):  # of rings that are no numbers
            continue
        difference = (ours.double() - right).abs().max().item() if right.numel() else 0.0
        assert difference <= TOLERANCE[ours.dtype] * max(scale, 1e-2), f"{described}: wrong by {difference} of {scale}"
    return True


def run_many(seeds):
    numbers = sum(run_one(seed) for seed in seeds)
    assert len(seeds) / 5 < numbers < len(seeds) * 4 / 5  # both kinds are many
    return numbers


def test_right_or_a_sentence():
    run_many(range(200))


@pytest.mark.slow
def test_right_or_a_sentence_in_many_calls():
    run_many(range(200, 3000))
