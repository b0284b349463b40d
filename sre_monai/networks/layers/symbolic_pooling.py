"""Symmetric pooling along one axis whose size is a symbol: what `pooling.py` becomes in an exported file.

Library poolings want their windows as numbers when a network is exported, but the windows depend on the parity of a
size that is known only when the file runs. Here the windows are index arithmetic on that size instead, in operators
that every runtime has.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from torch import Tensor


def maximum_axis(input: Tensor, axis: int, stride: int) -> Tensor:
    """Max-pool one axis, by the windows of :class:`~sre_monai.networks.layers.SymmetricMaxPool`.

    Args:
        input: any shape; the size of ``axis`` may be symbolic.
        axis: which axis.
        stride: distance of the windows in pixels.

    Returns:
        The input's shape, with ``axis`` of size / stride, rounded up.
    """
    cells = [cell for cell, _ in _cells(input, axis, stride)]
    return functools.reduce(torch.maximum, cells)  # a cell outside the image repeats one inside of the same window


def average_axis(input: Tensor, axis: int, stride: int) -> Tensor:
    """Average one axis, by the windows of :class:`~sre_monai.networks.layers.SymmetricAvgPool`.

    Args:
        input: any shape; the size of ``axis`` may be symbolic.
        axis: which axis.
        stride: distance of the windows in pixels.

    Returns:
        The input's shape, with ``axis`` of size / stride, rounded up.
    """
    along = [-1 if a == axis else 1 for a in range(input.ndim)]
    cells, weights = [], []
    for cell, counts in _cells(input, axis, stride):
        weight = counts.to(input.dtype).reshape(along)
        cells.append(weight * cell)
        weights.append(weight)
    return torch.stack(cells).sum(0) / torch.stack(weights).sum(0)


def _cells(input: Tensor, axis: int, stride: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The windows' cells, first to last.

    Yields:
        The cell of each window, the nearest one where it lies outside the image; and whether it counts: it lies inside,
        and is not the last one of windows with an even number of cells, which repeats the one before.
    """
    size = input.shape[axis]
    windows = (size + stride - 1) // stride
    missing = windows * stride - size
    start = torch.arange(windows, device=input.device) * stride - (missing + 1) // 2
    is_wider = missing % 2
    for cell in range(stride + 1):
        index = start + (cell if cell < stride else stride - 1 + is_wider)
        counts = (index >= 0) & (index < size)
        if cell == stride:
            counts = counts & (torch.zeros_like(start) + is_wider > 0)
        yield input.index_select(axis, index.clamp(min=0).clamp(max=size - 1)), counts
