"""The harmonic convolution in C: rings, harmonics, magnitudes and their mix in one pass, tile by tile."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sre_monai.networks.layers.kernels.library import HarmonicJob, run
from sre_monai.networks.layers.kernels.ring_job import describe, load_plan, pair, triple
from sre_monai.networks.layers.layout import channels_last, empty_map


def forward(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    negative_slope: float,
    variant: str | None = None,
) -> Tensor:
    """Compute y = act(b + Σ_j W_j (ring_j ∗ x) + M |harmonics of Σ_j V_j (ring_j ∗ x)|).

    Args:
        x: (batch, in_channels, *spatial*), float32 or bfloat16, on the CPU, with two or three spatial axes.
        weight: (out_channels + profiles, in_channels, rings), W and V.
        rings: (rings, *k*, …, *k*).
        bias: (out_channels + profiles,) or None.
        mix: (out_channels, profiles), M; may have trailing axes of size 1.
        orders: of the harmonics; each has an equal share of the profiles.
        dilation: spacing of the rings' taps per spatial axis.
        negative_slope: what negative outputs are multiplied with; 1 for no activation.
        variant: one of the library's variants, default the best.

    Returns:
        (batch, out_channels, *spatial*), channels last in memory.
    """
    x = channels_last(x)
    out = empty_map(x, len(mix), x.shape[2:])
    _run(x, out, None, weight, rings, bias, mix, orders, dilation, negative_slope, variant)
    return out


def backward(
    g: Tensor,
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    variant: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Compute the gradients from that of what is activated. Everything but the input is computed again.

    Args:
        g: the gradient, like the output; all other arguments as for :func:`forward`.
        x: the input.
        weight: (out_channels + profiles, in_channels, rings).
        rings: (rings, *k*, …, *k*).
        bias: (out_channels + profiles,) or None.
        mix: (out_channels, profiles).
        orders: of the harmonics.
        dilation: spacing of the rings' taps per spatial axis.
        variant: one of the library's variants, default the best.

    Returns:
        The gradients of the input, channels last in memory, the weights, the bias and the mix.
    """
    x = channels_last(x)
    grad_x = torch.empty_like(x)
    g = channels_last(g.to(x.dtype))
    grad_weight, grad_bias, grad_mix = (
        gradient.to(weight.dtype).contiguous()
        for gradient in _run(x, grad_x, g, weight, rings, bias, mix, orders, dilation, 1.0, variant)
    )
    return grad_x, grad_weight, grad_bias, grad_mix


def _run(
    x: Tensor,
    out: Tensor,
    g: Tensor | None,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    negative_slope: float,
    variant: str | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run a job: write `out`; where there is a gradient `g`, give those of weights, bias and mix."""
    dims, profiles, shape = x.ndim - 2, mix.shape[1], mix.shape
    plan = load_plan(rings, dilation, is_volume=True)
    weight = plan.exchange(weight)
    mix = mix.detach().float().flatten(1)
    bias = None if bias is None else bias.detach().float().contiguous()
    backward = g is not None
    gradient = torch.empty_like(weight if backward else weight[:0], memory_format=torch.contiguous_format)
    grad_bias, grad_mix = mix.new_empty(len(weight)), mix.new_empty((profiles, len(mix)))
    job = HarmonicJob(
        describe(x, out, weight.transpose(0, 1), bias, gradient.transpose(0, 1), plan),
        mix=mix.data_ptr(),
        mix_strides=pair((mix.stride(1), mix.stride(0))),
        gradient=g.data_ptr() if g is not None else None,
        mix_gradient=grad_mix.data_ptr(),
        bias_gradient=grad_bias.data_ptr(),
        dims=dims,
        channels=len(mix),
        order=orders[0],
        order_channels=profiles // len(orders),
        activate=int(negative_slope != 1),
        slope=negative_slope,
    )
    job.rings.in_size = job.rings.out_size = triple(x.shape[2:] if dims == 3 else (x.shape[2], 1, x.shape[3]), 1)
    if x.numel():
        run("harmonic_convolve", job, variant)
    else:
        for empty in (gradient, grad_bias, grad_mix):
            empty.zero_()
    return plan.exchange_back(gradient), grad_bias, grad_mix.t().reshape(shape)
