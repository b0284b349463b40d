r"""The harmonic convolution: rings and magnitudes of angular harmonics as one function of input and weights.

.. math:: y = b + \sum_j W_j (\mathrm{ring}_j * x)
          + \sum_m M_m \left| \partial^m \Big( c + \sum_j V_{mj} (\mathrm{ring}_j * x) \Big) \right|

It is a ring convolution to the isotropic channels and to the *profiles*, whose harmonics are then taken and mixed.
Where a compiled kernel exists, it is computed tile by tile without intermediate maps; the backward pass keeps the input
only and computes the profiles once more. Elsewhere the operation is composed of
:func:`~sre_monai.networks.layers.ring_conv`, :func:`~sre_monai.networks.layers.harmonic_magnitude` and a 1×1
convolution.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sre_monai.networks.layers.angular_harmonics import harmonic_magnitude
from sre_monai.networks.layers.arguments import (
    check_gradient,
    check_harmonic_conv,
    check_harmonic_geometry,
    check_orders,
    check_types,
)
from sre_monai.networks.layers.define_operator import define_operator
from sre_monai.networks.layers.kernels import harmonic_job
from sre_monai.networks.layers.layout import channels_last, empty_map, same_padding
from sre_monai.networks.layers.ring_conv import (
    ALGORITHMS,
    are_rings_possible,
    cast_for_autocast,
    check_can_run,
    check_not_transformed,
    check_reach,
    choose_algorithm,
    ring_conv,
)

_CONV = {2: F.conv2d, 3: F.conv3d}


def harmonic_conv(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int] | None = None,
    negative_slope: float = 1.0,
    algorithm: str = "auto",
) -> Tensor:
    """Convolve with rings and mix magnitudes of angular harmonics in, at the input's size.

    Args:
        input: (batch, in_channels, *spatial*) with two or three spatial axes.
        weight: (out_channels + profiles, in_channels, rings), the ring weights of the output channels and then of the
            profiles.
        rings: (rings, *k*, …, *k*), symmetric, see :func:`~sre_monai.networks.layers.ring_basis`.
        bias: (out_channels + profiles,) or None.
        mix: (out_channels, profiles), the weights of the magnitudes; may have trailing axes of size 1.
        orders: orders of the harmonics, 1 or 2, each once; each has an equal share of the profiles.
        dilation: spacing of the kernel's taps per spatial axis, default 1.
        negative_slope: what negative outputs are multiplied with, as by a leaky ReLU; 1 leaves them.
        algorithm: one of :func:`~sre_monai.networks.layers.ring_conv`'s; ``"compiled"`` is one fused kernel.

    Returns:
        (batch, out_channels, *spatial*); differentiable to any order.

    Raises:
        ValueError: for arguments that do not fit each other, an unknown algorithm, or one that is not available here.
        TypeError: for what is no tensor or no number.

    Examples:
        >>> from sre_monai.networks.layers import ring_basis
        >>> x, weight, mix = torch.randn(1, 3, 64, 64), torch.randn(8 + 6, 3, 2), torch.randn(8, 6)
        >>> harmonic_conv(x, weight, ring_basis(3, 2).float(), None, mix, orders=(1, 2)).shape
        torch.Size([1, 8, 64, 64])
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {ALGORITHMS}, got {algorithm!r}.")
    check_types(input=input, weight=weight, rings=rings, bias=bias, mix=mix)
    input, weight, bias, mix = cast_for_autocast(input, weight, bias, mix)
    dilation = dilation or (1,) * (rings.ndim - 1)
    padding = check_harmonic_geometry(rings, dilation)
    if algorithm == "auto":
        by_rings = are_rings_possible(rings, padding, dilation)
        algorithm = choose_algorithm(input, weight, rings) if by_rings else "dense"
    if algorithm == "compiled":
        check_orders(orders, negative_slope)
        check_not_transformed(algorithm)
        return _harmonic_conv(input, weight, rings, bias, mix, list(orders), list(dilation), negative_slope)
    check_harmonic_conv(input, weight, rings, bias, mix, orders, dilation, negative_slope)
    output = compose(input, weight, rings, bias, mix, orders, dilation, algorithm)
    return output if negative_slope == 1 else F.leaky_relu(output, negative_slope)


def compose(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    algorithm: str = "auto",
) -> Tensor:
    """Compute the operation step by step, without an activation. Arguments as for :func:`harmonic_conv`."""
    padding = same_padding(rings, dilation)
    maps = ring_conv(input, weight, rings, bias, padding=padding, dilation=dilation, algorithm=algorithm)
    return mix_magnitudes(maps, mix, orders)


def mix_magnitudes(maps: Tensor, mix: Tensor, orders: Sequence[int]) -> Tensor:
    """Add the mixed magnitudes of the profiles to the isotropic channels.

    Args:
        maps: (batch, out_channels + profiles, *spatial*), the ring convolution's output.
        mix: (out_channels, profiles).
        orders: orders of the harmonics.

    Returns:
        (batch, out_channels, *spatial*).
    """
    dims, (channels, profile_channels) = maps.ndim - 2, mix.shape[:2]
    isotropic, *profiles = maps.split([channels, *[profile_channels // len(orders)] * len(orders)], dim=1)
    magnitudes = [harmonic_magnitude(profile, order) for profile, order in zip(profiles, orders)]
    kernel = mix.reshape(*mix.shape[:2], *(1,) * dims)
    return isotropic + _CONV[dims](torch.cat(magnitudes, dim=1), kernel)


# --- The fused operation as an operator ------------------------------------------------------------------------------


def _check(x, weight, rings, bias, mix, orders, dilation, negative_slope=1.0):
    check_harmonic_conv(x, weight, rings, bias, mix, orders, dilation, negative_slope)
    check_reach(rings, same_padding(rings, dilation), dilation, "compiled")


def _check_backward(g, x, weight, rings, bias, mix, orders, dilation):
    _check(x, weight, rings, bias, mix, orders, dilation)
    check_gradient(g, x, (x.shape[0], mix.shape[0], *x.shape[2:]))


def _fake(x, weight, rings, bias, mix, orders, dilation, negative_slope):
    return empty_map(x, mix.shape[0], x.shape[2:])


def _fake_backward(g, x, weight, rings, bias, mix, orders, dilation):
    grad_weight, grad_mix = (torch.empty_like(t, memory_format=torch.contiguous_format) for t in (weight, mix))
    return torch.empty_like(channels_last(x)), grad_weight, weight.new_empty(weight.shape[0]), grad_mix


@define_operator("sre_monai::harmonic_conv", _fake, _check)
def _harmonic_conv(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    negative_slope: float,
) -> Tensor:
    """Compute the operation with its activation."""
    check_can_run(x, "compiled")
    with torch.autocast(x.device.type, enabled=False):  # it would recast what the implementation prepares
        return harmonic_job.forward(x, weight, rings, bias, mix, orders, dilation, negative_slope)


@define_operator("sre_monai::harmonic_conv_backward", _fake_backward, _check_backward)
def _harmonic_conv_backward(
    g: Tensor,
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute the gradients of x, weight, bias and mix from that of the output before its activation."""
    check_can_run(x, "compiled")
    with torch.autocast(x.device.type, enabled=False):
        return harmonic_job.backward(g, x, weight, rings, bias, mix, orders, dilation)


def _save_forward(ctx, inputs, output) -> None:
    x, weight, rings, bias, mix, ctx.orders, ctx.dilation, ctx.negative_slope = inputs
    ctx.save_for_backward(x, weight, rings, bias, mix, None if ctx.negative_slope == 1 else output)


def _differentiate(ctx, g):
    x, weight, rings, bias, mix, output = ctx.saved_tensors
    if output is not None:
        g = torch.where(output > 0, g, g * ctx.negative_slope)
    gradients = _harmonic_conv_backward(g, x, weight, rings, bias, mix, ctx.orders, ctx.dilation)
    grad_x, grad_weight, grad_bias, grad_mix = gradients
    return grad_x, grad_weight, None, None if bias is None else grad_bias, grad_mix, None, None, None


def _save_backward(ctx, inputs, output) -> None:
    *tensors, ctx.orders, ctx.dilation = inputs
    ctx.save_for_backward(*tensors)


def _differentiate_backward(ctx, *cotangents):
    """Differentiate the gradients as PyTorch computes them, step by step, hence to any order."""
    g, x, weight, rings, bias, mix = ctx.saved_tensors
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        bias = weight.new_zeros(weight.shape[0]) if bias is None else bias
        # views, so that no derivative comes by way of what a tensor itself was computed from
        inputs = [t.view_as(t) if t.requires_grad else t.detach().requires_grad_() for t in (g, x, weight, bias, mix)]
        g, x, weight, bias, mix = inputs
        output = compose(x, weight, rings, bias, mix, ctx.orders, ctx.dilation)
        gradients = torch.autograd.grad(output, inputs[1:], g, create_graph=True)
        grad_g, grad_x, grad_weight, grad_bias, grad_mix = torch.autograd.grad(
            gradients, inputs, cotangents, create_graph=create_graph, allow_unused=True
        )
    return grad_g, grad_x, grad_weight, None, grad_bias if ctx.needs_input_grad[4] else None, grad_mix, None, None


torch.library.register_autograd("sre_monai::harmonic_conv", _differentiate, setup_context=_save_forward)
torch.library.register_autograd(
    "sre_monai::harmonic_conv_backward", _differentiate_backward, setup_context=_save_backward
)
