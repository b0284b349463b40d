"""The harmonic convolution in C: rings, harmonics, magnitudes and their mix in one pass, tile by tile."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import torch
from torch import Tensor

from sre_monai.networks.layers.accelerated.compiled import RingJob, describe, load_plan, triple
from sre_monai.networks.layers.accelerated.layout import channels_last, empty_map
from sre_monai.networks.layers.accelerated.library import run

__all__ = ["backward", "forward"]

_Address, _Integer = ctypes.c_void_p, ctypes.c_int64


class _Job(ctypes.Structure):
    """`harmonic_job` of harmonic_kernel.h."""

    _fields_ = (
        ("rings", RingJob),
        ("mix", _Address),
        ("mix_strides", _Integer * 2),
        *((name, _Address) for name in ("gradient", "mix_gradient", "bias_gradient")),
        *((name, _Integer) for name in ("dims", "channels", "order", "order_channels", "activate")),
        ("slope", ctypes.c_double),
    )


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
        mix: (out_channels, profiles), M.
        orders: of the harmonics; each has an equal share of the profiles.
        dilation: spacing of the rings' taps per spatial axis.
        negative_slope: what negative outputs are multiplied with; 1 for no activation.
        variant: one of :data:`~sre_monai.networks.layers.accelerated.library.VARIANTS`, default the best.

    Returns:
        (batch, out_channels, *spatial*), channels last in memory.

    Raises:
        ValueError: for an unknown variant.
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
    """Compute the gradients. Everything but the input is computed again.

    Args:
        g: gradient of what is activated.
        x: the input, as all that follow.
        weight: (out_channels + profiles, in_channels, rings).
        rings: (rings, *k*, …, *k*).
        bias: (out_channels + profiles,) or None.
        mix: (out_channels, profiles).
        orders: of the harmonics.
        dilation: spacing of the rings' taps per spatial axis.
        variant: one of :data:`~sre_monai.networks.layers.accelerated.library.VARIANTS`, default the best.

    Returns:
        The gradients of the input, channels last in memory, the weights, the bias and the mix.

    Raises:
        ValueError: for an unknown variant.
    """
    x = channels_last(x)
    grad_x = torch.empty_like(x)
    g = channels_last(g.to(x.dtype))
    grad_weight, grad_bias, grad_mix = (
        gradient.to(weight.dtype)
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
    dims, profiles = x.ndim - 2, mix.shape[1]
    if dims == 2:  # a volume whose middle axis has size 1
        rings, dilation = rings.unsqueeze(-2), (dilation[0], 1, dilation[1])
    plan = load_plan(rings, dilation)
    weight = plan.exchange(weight)
    mix = mix.detach().float()
    bias = None if bias is None else bias.detach().float().contiguous()
    backward = g is not None
    gradient = torch.empty_like(weight if backward else weight[:0], memory_format=torch.contiguous_format)
    grad_bias, grad_mix = mix.new_empty(len(weight)), mix.new_empty((profiles, len(mix)))
    job = _Job(
        describe(x, out, weight.transpose(0, 1), bias, gradient.transpose(0, 1), plan),
        mix=mix.data_ptr(),
        mix_strides=(_Integer * 2)(mix.stride(1), mix.stride(0)),
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
    return plan.exchange_back(gradient), grad_bias, grad_mix.t().contiguous()
