"""The harmonic convolution on NVIDIA GPUs: the ring convolution, and Triton kernels for all that follows it.

Forward, the ring convolution writes isotropic channels and profiles, and one kernel takes the stencils, the magnitudes,
their mix and the activation. Backward, the profiles are computed again, so that only the input is kept; kernels for
the gradients of the derivatives, of the profiles and of the mix follow, then the ring convolution's. Between the
kernels all is float32: stencils subtract numbers that are almost equal, and float16 cannot hold the squares.

The kernels were checked in Triton's interpreter and compiled for compute capabilities 8.0 and 9.0; no GPU was at hand
to run them on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from sre_monai.networks.layers.accelerated import fused
from sre_monai.networks.layers.accelerated.launching import (
    block,
    ceil_div,
    count_parts,
    count_tiles,
    launch,
    precision,
    size,
    tile_y,
)
from sre_monai.networks.layers.accelerated.layout import channels_last, empty_map, pixels, same_padding

__all__ = ["backward", "forward"]

# Profiles that a program works on together: the taps of so many fit into the registers.
_MOST_IN = 16


def forward(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    negative_slope: float,
) -> Tensor:
    """Compute y = act(b + Σ_j W_j (ring_j ∗ x) + M |harmonics of Σ_j V_j (ring_j ∗ x)|).

    Args:
        x: (batch, in_channels, *spatial*), see :func:`~sre_monai.networks.layers.accelerated.fused.can_run`.
        weight: (out_channels + profiles, in_channels, rings), W and V.
        rings: (rings, *k*, …, *k*).
        bias: (out_channels + profiles,) or None.
        mix: (out_channels, profiles), M.
        orders: of the harmonics; each has an equal share of the profiles.
        dilation: spacing of the rings' taps per spatial axis.
        negative_slope: what negative outputs are multiplied with; 1 for no activation.

    Returns:
        (batch, out_channels, *spatial*), channels last in memory.
    """
    maps = _maps(x, weight, rings, bias, dilation)
    out = empty_map(x, len(mix), x.shape[2:])
    options = _options(x, mix.shape[1] // len(orders)) | {
        "ORDER": orders[0],
        "ORDERS": len(orders),
        "OUT_BLOCK": block(len(mix), 256),
        "PRECISION": _precision(x),
    }
    arguments = (maps, mix.t().float().contiguous(), out, *size(x), mix.shape[1] // len(orders), len(mix))
    grid = _grid(x, ceil_div(len(mix), options["OUT_BLOCK"]))
    launch("fused_harmonic_kernels.mix_magnitudes", grid, (*arguments, negative_slope), options)
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

    Returns:
        The gradients of the input, channels last in memory, the weights, the bias and the mix.
    """
    channels, each = len(mix), mix.shape[1] // len(orders)
    g = channels_last(g.to(x.dtype))
    profiles = _maps(x, weight[channels:], rings, None if bias is None else bias[channels:], dilation)
    gradient = empty_map(x, len(weight), x.shape[2:])  # of isotropic channels and profiles
    gradient[:, :channels] = g
    grad_mix = []
    for place, order in enumerate(orders):
        own = slice(place * each, (place + 1) * each)
        maps, weights = profiles[:, own], mix[:, own].t().float().contiguous()
        _differentiate(maps, g, weights, order, gradient[:, channels:][:, own])
        grad_mix.append(_correlate_magnitudes(maps, g, order))
    padding = same_padding(rings, dilation)
    grad_x, grad_weight = fused.backward(gradient, x, weight, rings, padding, dilation)
    grad_bias = pixels(gradient).sum(0, dtype=torch.float32)
    return grad_x, grad_weight, grad_bias.to(weight.dtype), torch.cat(grad_mix).t().to(mix.dtype).contiguous()


def _differentiate(profiles: Tensor, g: Tensor, mix: Tensor, order: int, out: Tensor) -> None:
    """Write the gradient of one order's profiles, given their weights (profiles, out_channels)."""
    (batch, each), dims = profiles.shape[:2], profiles.ndim - 2
    number = dims if order == 1 else dims - 1 + dims * (dims - 1) // 2  # derivatives, see the kernels' module
    parts = profiles.new_empty((number, batch, *size(profiles), each))
    options = _options(profiles, each) | {"ORDER": order}
    products = {"OUT_BLOCK": block(g.shape[1], 32), "PRECISION": _precision(g)}
    grid = _grid(profiles, ceil_div(each, options["IN_BLOCK"]))
    sizes = (*size(profiles), batch, each)
    arguments = (profiles, g, mix, parts, *sizes, g.shape[1], _stride(profiles))
    launch("fused_harmonic_kernels.differentiate", grid, arguments, options | products)
    launch("fused_harmonic_kernels.gather", grid, (parts, out, *sizes, _stride(out)), options)


def _correlate_magnitudes(profiles: Tensor, g: Tensor, order: int) -> Tensor:
    """Give the gradient of one order's mix, (profiles, out_channels)."""
    each, channels = profiles.shape[1], g.shape[1]
    options = _options(profiles, each) | {
        "ORDER": order,
        "OUT_BLOCK": block(channels, 128),
        "PRECISION": _precision(g),
    }
    blocks = ceil_div(each, options["IN_BLOCK"]) * ceil_div(channels, options["OUT_BLOCK"])
    number = count_parts(profiles, blocks)
    parts = profiles.new_empty((number, each, channels))
    arguments = (profiles, g, parts, *size(profiles), len(profiles), each, channels, _stride(profiles))
    launch("fused_harmonic_kernels.correlate_magnitudes", lambda _: (number, blocks), arguments, options)
    return parts.sum(0)


def _maps(x: Tensor, weight: Tensor, rings: Tensor, bias: Tensor | None, dilation: Sequence[int]) -> Tensor:
    """Compute the ring convolution in float32, whatever the input is."""
    return fused.forward(x, weight, rings, bias, same_padding(rings, dilation), dilation, torch.float32)


def _options(x: Tensor, profiles: int) -> dict[str, Any]:
    """Compile-time constants that all kernels have."""
    return {"DIMS": x.ndim - 2, "TILE_Y": tile_y(x), "IN_BLOCK": block(profiles, _MOST_IN)}


def _grid(x: Tensor, blocks: int) -> Callable[[dict[str, int]], tuple[int, int]]:
    return lambda choice: (count_tiles(x, choice["PIXELS"]), blocks)


def _precision(x: Tensor) -> str:
    """How magnitudes are multiplied with the mix: TF32 has the digits of float16 and the range of bfloat16."""
    half = x.dtype != torch.float32 and torch.version.hip is None
    return "tf32" if half else precision()


def _stride(x: Tensor) -> int:
    """Numbers from pixel to pixel of channels-last maps, of which `x` may be some."""
    return x.stride(-1)
