"""Memory layout of the ring convolution's maps: channels last, so that a 1×1 convolution is a matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def channels_last(x: Tensor) -> Tensor:
    """Lay a map out with channels last; no copy where it is."""
    return x.movedim(1, -1).contiguous().movedim(-1, 1)


def pixels(x: Tensor) -> Tensor:
    """View a channels-last map as the matrix (pixels, channels)."""
    return x.movedim(1, -1).reshape(-1, x.shape[1])


def without_margin(x: Tensor, margin: Sequence[int]) -> Tensor:
    """View the inside of a map."""
    for axis, m in enumerate(margin, start=2):
        x = x.narrow(axis, m, x.shape[axis] - 2 * m)
    return x


def empty_map(x: Tensor, channels: int, size: Sequence[int]) -> Tensor:
    """Make a map for as many images as `x` has and of its type, channels last."""
    # not a view of another tensor: autograd lets nobody change such an output in place
    layout = (0, *range(2, x.ndim), 1)
    return torch.empty_permuted((x.shape[0], channels, *size), layout, dtype=x.dtype, device=x.device)


def empty_output(x: Tensor, weight: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]) -> Tensor:
    """Make the map that a ring convolution writes, channels last."""
    return empty_map(x, weight.shape[0], output_size(x, rings, padding, dilation))


def output_size(x: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Give the spatial size of a ring convolution's output."""
    return [n + 2 * p - d * (rings.shape[-1] - 1) for n, p, d in zip(x.shape[2:], padding, dilation)]


def same_padding(rings: Tensor, dilation: Sequence[int]) -> list[int]:
    """Padding with which a ring convolution keeps its input's size."""
    return [d * (rings.shape[-1] // 2) for d in dilation]


def adjoint(padding: Sequence[int], dilation: Sequence[int], rings: Tensor) -> list[int]:
    """Padding of the adjoint convolution, which maps the output's size back to the input's."""
    return [d * (rings.shape[-1] - 1) - p for p, d in zip(padding, dilation)]
