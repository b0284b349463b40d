"""The ring convolution on NVIDIA GPUs: filters and products in one Triton kernel, so that no filtered map is stored.

Triton comes with PyTorch's CUDA builds on Linux; nothing is to be installed. It is not imported before it is needed.

The kernels were checked in Triton's interpreter and compiled for compute capabilities 8.0 and 9.0; no GPU was at hand
to run them on. Tile sizes are fixed, so that results repeat; with ``torch.backends.cudnn.benchmark = True`` a few are
tried out for every shape of weights, as PyTorch does for its own convolutions.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor

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
from sre_monai.networks.layers.accelerated.layout import channels_last, empty_output
from sre_monai.networks.layers.accelerated.tap_plan import plan_taps

__all__ = ["DTYPES", "backward", "can_run", "forward"]

DTYPES = (torch.float32, torch.bfloat16, torch.float16)

_HAS_TRITON = find_spec("triton") is not None


def can_run(x: Tensor) -> bool:
    """Tell whether the kernels can work on a map.

    Args:
        x: any tensor.

    Returns:
        True for one of :data:`DTYPES` on a GPU of compute capability 8.0 or later, where Triton is installed. On the
        CPU, for tests, if Triton interprets its kernels (the environment variable ``TRITON_INTERPRET`` is 1), except
        for bfloat16, which its interpreter cannot multiply.
    """
    if not _HAS_TRITON or x.dtype not in DTYPES:
        return False
    if x.is_cuda:
        return torch.cuda.get_device_properties(x.device).major >= 8
    return x.device.type == "cpu" and x.dtype != torch.bfloat16 and os.environ.get("TRITON_INTERPRET") == "1"


def forward(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    padding: Sequence[int],
    dilation: Sequence[int],
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Compute y = Σ_j W_j (ring_j ∗ x) + b, with TF32 products where PyTorch's convolutions may have them.

    Args:
        x: (batch, in_channels, *spatial*), see :func:`can_run`.
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).
        bias: (out_channels,) or None.
        padding: zeros added on both sides of every spatial axis.
        dilation: spacing of the kernel's taps per spatial axis.
        dtype: of the output, default the input's.

    Returns:
        (batch, out_channels, *spatial'*), channels last in memory.
    """
    out = empty_output(x, weight, rings, padding, dilation, dtype)
    shift = [d * (rings.shape[-1] // 2) - p for d, p in zip(dilation, padding)]
    _convolve(channels_last(x), out, weight.transpose(0, 1), bias, _table(rings, dilation, shift))
    return out


def backward(
    g: Tensor, x: Tensor, weight: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Compute ∂x = Σ_j W_jᵀ G_j and ∂W_j = ⟨G_j, x⟩ with G_j = ring_j ∗ g.

    Args:
        g: gradient of the output.
        x: (batch, in_channels, *spatial*), the input.
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*), symmetric.
        padding: of the forward pass.
        dilation: of the forward pass.

    Returns:
        The gradients of the input, channels last in memory, and of the weights.
    """
    g, x = channels_last(g), channels_last(x)
    table = _table(rings, dilation, [p - d * (rings.shape[-1] // 2) for d, p in zip(dilation, padding)])
    grad_x = torch.empty_like(x)
    _convolve(g, grad_x, weight, None, table)
    return grad_x, _correlate(g, x, table).to(weight.dtype)


def _convolve(source: Tensor, out: Tensor, weight: Tensor, bias: Tensor | None, table: _Table) -> None:
    """Write the convolution with weights (channels of source, channels of out, rings)."""
    weight = (weight.float() @ table.mix).permute(2, 0, 1).to(source.dtype).contiguous()
    options = _options(source, out, most_out=256)
    blocks = ceil_div(out.shape[1], options["OUT_BLOCK"])

    def grid(choice: dict[str, int]) -> tuple[int, int]:
        return count_tiles(out, choice["PIXELS"]), blocks

    tensors = (source, weight, weight if bias is None else bias.contiguous(), out, table.taps, table.starts)
    sizes = (*size(source), *size(out), len(weight), source.shape[1], out.shape[1])
    launch("fused_kernels.convolve", grid, (*tensors, *sizes), options | {"HAS_BIAS": bias is not None})


def _correlate(source: Tensor, partner: Tensor, table: _Table) -> Tensor:
    """Correlate the filtered source with its partner: (channels of source, channels of partner, rings)."""
    options = _options(source, partner, most_out=128)
    blocks = ceil_div(source.shape[1], options["IN_BLOCK"]) * ceil_div(partner.shape[1], options["OUT_BLOCK"])
    classes = table.mix.shape[1]
    number = count_parts(partner, blocks * classes)
    parts = source.new_empty((number, classes, source.shape[1], partner.shape[1]), dtype=torch.float32)

    tensors = (source, partner, parts, table.taps, table.starts)
    sizes = (*size(source), *size(partner), source.shape[0], classes, source.shape[1], partner.shape[1])
    launch("fused_kernels.correlate", lambda _: (number, blocks, classes), (*tensors, *sizes), options)
    return parts.sum(0).permute(1, 2, 0) @ table.mix.t()


def _options(source: Tensor, out: Tensor, most_out: int) -> dict[str, Any]:
    """Compile-time constants of a launch but for its tiling."""
    return {
        "TILE_Y": tile_y(out),
        "IN_BLOCK": block(source.shape[1], 32),
        "OUT_BLOCK": block(out.shape[1], most_out),
        "PRECISION": precision(),
    }


# --- The kernel's taps ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    """Classes of taps on the device.

    Args:
        taps: rows of offsets (z, y, x) from an output pixel to an input pixel: the lowest, the highest, and the taps,
            class after class.
        starts: (classes + 1), where the rows of each class start.
        mix: (rings, classes), what the average of a class's taps contributes to each ring.
    """

    taps: Tensor
    starts: Tensor
    mix: Tensor


class _Key:
    """Rings as the key of a cache: told apart by their place in memory, since to read them a GPU must finish its work.

    The cache keeps them alive, so that no others take their place.
    """

    def __init__(self, rings: Tensor) -> None:
        self.rings = rings.detach()
        version = 0 if rings.is_inference() else rings._version
        self.identity = (rings.data_ptr(), version, rings.shape, rings.dtype, rings.device)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)


def _table(rings: Tensor, dilation: Sequence[int], shift: Sequence[int]) -> _Table:
    return _make_table(_Key(rings), tuple(dilation), tuple(shift))


@lru_cache(maxsize=256)
def _make_table(key: _Key, dilation: tuple[int, ...], shift: tuple[int, ...]) -> _Table:
    plan = plan_taps(key.rings.float().cpu().numpy(), dilation)
    classes = [[(*row, x) for line, x in terms for row in plan.lines[line]] for terms in plan.classes]
    mix = np.eye(len(classes)) if plan.mix is None else plan.mix
    mix = (mix if plan.exchange is None else plan.exchange @ mix) * [len(taps) for taps in classes]
    offsets = np.concatenate(classes) + ((0,) * (3 - len(shift)) + shift)
    taps = np.concatenate([offsets.min(axis=0, keepdims=True), offsets.max(axis=0, keepdims=True), offsets])
    starts = np.cumsum([2, *map(len, classes)])
    device = key.rings.device
    return _Table(
        torch.from_numpy(taps.astype(np.int32)).to(device),
        torch.from_numpy(starts.astype(np.int32)).to(device),
        torch.from_numpy(mix.astype(np.float32)).to(device),
    )
