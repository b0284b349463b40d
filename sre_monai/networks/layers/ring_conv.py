r"""The ring convolution: one function of input, weights and rings, computed in whichever way is fastest.

The kernel of a symmetric rotation-equivariant convolution is :math:`K = \sum_j W_j \, \mathrm{ring}_j`. The same sum
can be read in two ways:

- *dense*: expand :math:`K` and call an ordinary convolution. Always possible.
- *rings*: :math:`y = \sum_j W_j (\mathrm{ring}_j * x)`, a few depthwise filters shared by all output channels, then
  1×1 products. An order of magnitude less arithmetic for large kernels.

The second is computed by one of two implementations, which give the same numbers: in C
(:mod:`~sre_monai.networks.layers.kernels`), or in PyTorch alone (:mod:`~sre_monai.networks.layers.strips`).

A ring filter is symmetric, hence its own adjoint. With :math:`G_j = \mathrm{ring}_j * g` for the output's gradient
*g*, both gradients come from one set of filtered maps and nothing but *x* is kept:
:math:`\partial x = \sum_j W_j^T G_j` and :math:`\partial W_j = \langle G_j, x \rangle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sre_monai.networks.layers import strips
from sre_monai.networks.layers.arguments import (
    check_geometry,
    check_gradient,
    check_ring_conv,
    check_shapes,
    check_tensors,
    check_types,
)
from sre_monai.networks.layers.define_operator import define_operator
from sre_monai.networks.layers.kernels import library, ring_job
from sre_monai.networks.layers.layout import channels_last, empty_output, output_size, pixels

# the implementations of the rings form; auto and dense need none
_BY_RINGS = {"rings": strips, "compiled": ring_job}
ALGORITHMS = ("auto", "dense", *_BY_RINGS)

# Fewer input channels than these make the 1×1 product of strips too thin.
_MIN_CHANNELS = 8

# Pixels from one side of a kernel to the other; of longer ones the rings form keeps too much at hand.
_MOST_REACH = 4096

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def ring_conv(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    groups: int = 1,
    algorithm: str = "auto",
) -> Tensor:
    """Convolve with the kernel whose rings have the given weights.

    Args:
        input: (batch, in_channels, *spatial*).
        weight: (out_channels, in_channels / groups, rings).
        rings: (rings, *k*, …, *k*), symmetric, see :func:`~sre_monai.networks.layers.ring_basis`.
        bias: (out_channels,) or None.
        stride: step of the output grid per spatial axis, default 1.
        padding: zeros added on both sides of every spatial axis, default 0.
        dilation: spacing of the kernel's offsets per spatial axis, default 1.
        groups: number of channel groups.
        algorithm: ``"dense"``; ``"rings"``, which is PyTorch alone; ``"compiled"``, for float32 and bfloat16 on the CPU
            where the package was built with a compiler; or ``"auto"`` for the one expected to be fastest.

    Returns:
        (batch, out_channels, *spatial'*), as an ordinary convolution would give; differentiable to any order.

    Raises:
        ValueError: for arguments that do not fit each other, an unknown algorithm, or one that is not possible for the
            arguments or not available here.
        TypeError: for what is no tensor or no number.

    Examples:
        >>> from sre_monai.networks.layers import ring_basis
        >>> x, weight = torch.randn(1, 16, 64, 64), torch.randn(32, 16, 5)
        >>> ring_conv(x, weight, ring_basis(9, 2).float(), padding=(4, 4)).shape
        torch.Size([1, 32, 64, 64])
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {ALGORITHMS}, got {algorithm!r}.")
    check_types(input=input, weight=weight, rings=rings, bias=bias)
    input, weight, bias = cast_for_autocast(input, weight, bias)
    ones = (1,) * (rings.ndim - 1)
    stride, padding, dilation = stride or ones, padding or (0,) * len(ones), dilation or ones
    check_geometry(rings, stride, padding, dilation, groups)
    if algorithm == "auto":
        by_rings = groups == 1 and set(stride) == {1} and are_rings_possible(rings, padding, dilation)
        algorithm = choose_algorithm(input, weight, rings) if by_rings else "dense"
    if algorithm == "dense":
        check_tensors(input=input, weight=weight, rings=rings, bias=bias)
        check_shapes(input, weight, rings, bias, padding, dilation, groups)
        kernel = torch.tensordot(weight, rings.to(weight.dtype), dims=1)
        return _CONV[len(ones)](input, kernel, bias, tuple(stride), tuple(padding), tuple(dilation), groups)
    if groups != 1 or set(stride) != {1}:
        raise ValueError(
            f"algorithm={algorithm!r} needs stride 1 and groups 1, got stride={tuple(stride)}, groups={groups}; "
            "use 'dense' or 'auto'."
        )
    check_not_transformed(algorithm)
    return _ring_conv(input, weight, rings, bias, list(padding), list(dilation), algorithm)


def expand_kernel(weight: Tensor, rings: Tensor) -> Tensor:
    """Sum the weighted rings to a dense kernel.

    Args:
        weight: (out_channels, in_channels / groups, rings).
        rings: (rings, *k*, …, *k*).

    Returns:
        (out_channels, in_channels / groups, *k*, …, *k*).

    Raises:
        ValueError: when there are not as many weights as rings.
    """
    check_types(weight=weight, rings=rings)
    check_tensors(weight=weight, rings=rings)
    if not weight.ndim or not rings.ndim or weight.shape[-1] != rings.shape[0]:
        raise ValueError(
            f"weight must have as many weights along its last axis as there are rings, got {tuple(weight.shape)} and "
            f"rings of shape {tuple(rings.shape)}."
        )
    return torch.tensordot(weight, rings.to(weight.dtype), dims=1)


def choose_algorithm(input: Tensor, weight: Tensor, rings: Tensor) -> str:
    """Choose the fastest way for a layer to which all apply.

    On the CPU ring filters were measured faster at every kernel size from 3. Without the compiled kernel they need
    enough channels for an efficient 1×1 product; a first layer of three channels is as fast dense. GPUs take the dense
    form: cuDNN's convolutions are fast, and depthwise filters of large kernels slow. An exported network is dense too,
    since other runtimes don't know our operator, and so is what :mod:`torch.func` transforms, which it can't do with an
    operator like ours.

    Args:
        input: (batch, in_channels, *spatial*).
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).

    Returns:
        One of :data:`ALGORITHMS`, not ``"auto"``.
    """
    if torch.compiler.is_exporting() or torch.jit.is_tracing() or is_transformed() or rings.shape[-1] == 1:
        return "dense"
    if can_compile(input):
        return "compiled"
    # depthwise filters have no fast implementation in float64
    fast_filters = input.device.type == "cpu" and input.dtype != torch.float64
    return "rings" if fast_filters and input.shape[1:2] >= (_MIN_CHANNELS,) else "dense"


def is_transformed() -> bool:
    """Tell whether a transformation of :mod:`torch.func`, such as ``vmap`` or ``jacrev``, is in progress."""
    return torch._C._are_functorch_transforms_active()


def check_not_transformed(algorithm: str) -> None:
    """Raise an error where :mod:`torch.func` would transform an operator."""
    if is_transformed():
        raise ValueError(f"algorithm={algorithm!r} can't be transformed by torch.func; use 'dense' or 'auto'.")


def can_compile(input: Tensor) -> bool:
    """Tell whether there is a compiled kernel for a map."""
    return input.device.type == "cpu" and input.dtype in ring_job.DTYPES and bool(library.VARIANTS)


def check_can_run(input: Tensor, algorithm: str) -> None:
    """Raise an error where there should be a compiled kernel for a map, and is none."""
    if algorithm == "compiled" and not can_compile(input):
        raise ValueError(
            f"algorithm='compiled' needs float32 or bfloat16 on the CPU and the compiled kernel, got {input.dtype} on "
            f"{input.device} and {'the' if library.VARIANTS else 'no'} kernel; use 'auto'."
        )


def cast_for_autocast(input: Tensor, *others: Tensor | None) -> tuple[Any, ...]:
    """Cast tensors as autocast does for the convolutions it knows."""
    device = input.device.type
    if not torch.amp.is_autocast_available(device) or not torch.is_autocast_enabled(device):
        return input, *others
    dtype = torch.get_autocast_dtype(device)
    return tuple(t if t is None or t.dtype == torch.float64 else t.to(dtype) for t in (input, *others))


def are_rings_possible(rings: Tensor, padding: Sequence[int], dilation: Sequence[int]) -> bool:
    """Tell whether the rings form can be computed: its backward pass pads by what the padding leaves of the reach."""
    reach = rings.shape[-1] - 1
    return all(p <= d * reach <= _MOST_REACH for p, d in zip(padding, dilation))


def check_reach(rings: Tensor, padding: Sequence[int], dilation: Sequence[int], algorithm: str) -> None:
    """Raise an error where the rings form cannot be computed."""
    if not are_rings_possible(rings, padding, dilation):
        raise ValueError(
            f"algorithm={algorithm!r} needs dilation * (kernel_size - 1) of at most {_MOST_REACH}, and padding of at "
            f"most that, got kernel_size={rings.shape[-1]}, dilation={tuple(dilation)}, padding={tuple(padding)}; "
            "use 'dense' or 'auto'."
        )


# --- The rings form as an operator: a forward, a backward, and a derivative of the backward in terms of both ----------


def _check(x, weight, rings, bias, padding, dilation, algorithm):
    check_ring_conv(x, weight, rings, bias, padding, dilation)
    if algorithm not in _BY_RINGS:
        raise ValueError(f"algorithm must be one of {tuple(_BY_RINGS)}, got {algorithm!r}.")
    check_reach(rings, padding, dilation, algorithm)


def _check_backward(g, x, weight, rings, padding, dilation, algorithm):
    _check(x, weight, rings, None, padding, dilation, algorithm)
    check_gradient(g, x, (x.shape[0], weight.shape[0], *output_size(x, rings, padding, dilation)))


def _fake(x, weight, rings, bias, padding, dilation, algorithm):
    return empty_output(x, weight, rings, padding, dilation)


def _fake_backward(g, x, weight, rings, padding, dilation, algorithm):
    return torch.empty_like(channels_last(x)), torch.empty_like(weight, memory_format=torch.contiguous_format)


@define_operator("sre_monai::ring_conv", _fake, _check)
def _ring_conv(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    padding: Sequence[int],
    dilation: Sequence[int],
    algorithm: str,
) -> Tensor:
    """Compute y = Σ_j W_j (ring_j ∗ x) + b."""
    check_can_run(x, algorithm)
    with torch.autocast(x.device.type, enabled=False):  # it would recast what the implementation prepares
        return _BY_RINGS[algorithm].forward(x, weight, rings, bias, padding, dilation)


@define_operator("sre_monai::ring_conv_backward", _fake_backward, _check_backward)
def _ring_conv_backward(
    g: Tensor,
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    padding: Sequence[int],
    dilation: Sequence[int],
    algorithm: str,
) -> tuple[Tensor, Tensor]:
    """Compute ∂x = Σ_j W_jᵀ G_j and ∂W_j = ⟨G_j, x⟩ from the same filtered gradients G_j = ring_j ∗ g."""
    check_can_run(x, algorithm)
    with torch.autocast(x.device.type, enabled=False):
        return _BY_RINGS[algorithm].backward(g, x, weight, rings, padding, dilation)


def _save_forward(ctx, inputs, output) -> None:
    x, weight, rings, _, *ctx.options = inputs
    ctx.save_for_backward(x, weight, rings)


def _differentiate(ctx, g):
    x, weight, rings = ctx.saved_tensors
    g = channels_last(g)
    # a product with ones is faster than sum()
    grad_bias = pixels(g).t() @ g.new_ones(g.numel() // g.shape[1]) if ctx.needs_input_grad[3] else None
    grad_x, grad_weight = None, None
    if any(ctx.needs_input_grad[:2]):
        grad_x, grad_weight = _ring_conv_backward(g, x, weight, rings, *ctx.options)
    return grad_x, grad_weight, None, grad_bias, None, None, None


def _save_backward(ctx, inputs, output) -> None:
    g, x, weight, rings, *ctx.options = inputs
    ctx.save_for_backward(g, x, weight, rings)


def _differentiate_backward(ctx, v, u):
    """Differentiate ⟨∂x, v⟩ + ⟨∂W, u⟩: being trilinear in (g, x, W), it is made of the same two operators."""
    g, x, weight, rings = ctx.saved_tensors
    grad_g = _ring_conv(v, weight, rings, None, *ctx.options) + _ring_conv(x, u, rings, None, *ctx.options)
    grad_x, grad_weight = _ring_conv_backward(g, v, u, rings, *ctx.options)
    return grad_g, grad_x, grad_weight, None, None, None, None


torch.library.register_autograd("sre_monai::ring_conv", _differentiate, setup_context=_save_forward)
torch.library.register_autograd("sre_monai::ring_conv_backward", _differentiate_backward, setup_context=_save_backward)
