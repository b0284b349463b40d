r"""The ring convolution: one function of input, weights and rings, computed in whichever way is fastest.

The kernel of a symmetric rotation-equivariant convolution is :math:`K = \sum_j W_j \, \mathrm{ring}_j`. The same sum
can be read in two ways:

- *dense*: expand :math:`K` and call an ordinary convolution. Always possible.
- *rings*: :math:`y = \sum_j W_j (\mathrm{ring}_j * x)`, a few depthwise filters shared by all output channels, then
  1×1 products. An order of magnitude less arithmetic for large kernels.

The second is computed by one of several implementations in :mod:`~sre_monai.networks.layers.accelerated`, which all
give the same numbers.

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

from sre_monai.networks.layers.accelerated import compiled, strips
from sre_monai.networks.layers.accelerated.layout import channels_last, empty_output, pixels
from sre_monai.networks.layers.define_operator import define_operator

__all__ = ["ALGORITHMS", "choose_algorithm", "expand_kernel", "ring_conv"]

# the implementations of the rings form; auto and dense need none
_BY_RINGS = {"rings": strips, "compiled": compiled}
ALGORITHMS = ("auto", "dense", *_BY_RINGS)

# Fewer input channels than these make the 1×1 product of strips too thin.
_MIN_CHANNELS = 8

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
        ValueError: for an unknown algorithm, one that is not possible for the arguments or not available here, or an
            input that does not fit the weights.

    Examples:
        >>> from sre_monai.networks.layers import ring_basis
        >>> x, weight = torch.randn(1, 16, 64, 64), torch.randn(32, 16, 5)
        >>> ring_conv(x, weight, ring_basis(9, 2).float(), padding=(4, 4)).shape
        torch.Size([1, 32, 64, 64])
    """
    dims = rings.ndim - 1
    stride, padding, dilation = stride or (1,) * dims, padding or (0,) * dims, dilation or (1,) * dims
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {ALGORITHMS}, got {algorithm!r}.")
    if input.ndim != dims + 2 or input.shape[1] != weight.shape[1] * groups:
        raise ValueError(
            f"input must have the shape (batch, {weight.shape[1] * groups}, {dims} spatial axes), "
            f"got {tuple(input.shape)}."
        )
    reach = [d * (rings.shape[-1] - 1) for d in dilation]
    if any(n + 2 * p <= r for n, p, r in zip(input.shape[2:], padding, reach)):
        raise ValueError(f"the kernel's reach of {reach} exceeds the padded input of shape {tuple(input.shape)}.")
    possible = groups == 1 and all(s == 1 for s in stride) and all(p <= r for p, r in zip(padding, reach))
    if algorithm in _BY_RINGS and not possible:
        raise ValueError(
            f"algorithm={algorithm!r} needs stride 1, groups 1 and padding of at most dilation * (kernel_size - 1), "
            f"got stride={tuple(stride)}, groups={groups}, padding={tuple(padding)}; use 'dense' or 'auto'."
        )
    if algorithm == "auto":
        algorithm = choose_algorithm(input, weight, rings) if possible else "dense"
    if algorithm == "dense":
        kernel = expand_kernel(weight, rings)
        return _CONV[dims](input, kernel, bias, tuple(stride), tuple(padding), tuple(dilation), groups)
    input, weight, bias = cast_for_autocast(input, weight, bias)
    if algorithm == "compiled" and not can_compile(input):
        raise ValueError(
            f"algorithm='compiled' needs float32 or bfloat16 on the CPU and the compiled kernel, got {input.dtype} on "
            f"{input.device} and {'the' if compiled.VARIANTS else 'no'} kernel; use 'auto'."
        )
    return _ring_conv(input, weight, rings, bias, list(padding), list(dilation), algorithm)


def expand_kernel(weight: Tensor, rings: Tensor) -> Tensor:
    """Sum the weighted rings to a dense kernel.

    Args:
        weight: (out_channels, in_channels / groups, rings).
        rings: (rings, *k*, …, *k*).

    Returns:
        (out_channels, in_channels / groups, *k*, …, *k*).
    """
    return torch.tensordot(weight, rings.to(weight.dtype), dims=1)


def choose_algorithm(input: Tensor, weight: Tensor, rings: Tensor) -> str:
    """Choose the fastest way for a layer to which all apply.

    On the CPU ring filters were measured faster at every kernel size from 3. Without the compiled kernel they need
    enough channels for an efficient 1×1 product; a first layer of three channels is as fast dense. GPUs take the dense
    form: cuDNN's convolutions are fast, and depthwise filters of large kernels slow. An exported network is dense too,
    since other runtimes don't know our operator.

    Args:
        input: (batch, in_channels, *spatial*).
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).

    Returns:
        One of :data:`ALGORITHMS`, not ``"auto"``.
    """
    if torch.compiler.is_exporting() or torch.jit.is_tracing() or rings.shape[-1] == 1:
        return "dense"
    if can_compile(input):
        return "compiled"
    # depthwise filters have no fast implementation in float64
    fast_filters = input.device.type == "cpu" and input.dtype != torch.float64
    return "rings" if fast_filters and weight.shape[1] >= _MIN_CHANNELS else "dense"


def can_compile(input: Tensor) -> bool:
    """Tell whether there is a compiled kernel for a map."""
    return input.device.type == "cpu" and input.dtype in compiled.DTYPES and bool(compiled.VARIANTS)


def cast_for_autocast(input: Tensor, *others: Tensor | None) -> tuple[Any, ...]:
    """Cast tensors as autocast does for the convolutions it knows."""
    device = input.device.type
    if not torch.is_autocast_enabled(device):
        return input, *others
    dtype = torch.get_autocast_dtype(device)
    return tuple(tensor if tensor is None else tensor.to(dtype) for tensor in (input, *others))


# --- The rings form as an operator: a forward, a backward, and a derivative of the backward in terms of both ----------


def _fake(x, weight, rings, bias, padding, dilation, algorithm):
    return empty_output(x, weight, rings, padding, dilation)


def _fake_backward(g, x, weight, rings, padding, dilation, algorithm):
    return torch.empty_like(channels_last(x)), torch.empty_like(weight, memory_format=torch.contiguous_format)


@define_operator("sre_monai::ring_conv", _fake)
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
    with torch.autocast(x.device.type, enabled=False):  # it would recast what the implementation prepares
        return _BY_RINGS[algorithm].forward(x, weight, rings, bias, padding, dilation)


@define_operator("sre_monai::ring_conv_backward", _fake_backward)
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
