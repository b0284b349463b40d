"""Symmetric pooling along one axis whose size is a symbol: what `pooling.py` becomes in an exported file.

Library poolings want their windows as numbers when a network is exported, but the windows depend on the parity of a
size that is known only when the file runs. Here the windows are index arithmetic on that size instead, in operators
that every runtime has.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["average_axis", "maximum_axis"]


def maximum_axis(input: Tensor, axis: int, stride: int) -> Tensor:
    """Max-pool one axis, by the windows of :class:`~sre_monai.networks.layers.SymmetricMaxPool`.

    Args:
        input: any shape; the size of ``axis`` may be symbolic.
        axis: which axis.
        stride: distance of the windows in pixels.

    Returns:
        The input's shape, with ``axis`` of size / stride, rounded up.
    """
    size = input.shape[axis]
    cells = [
        input.index_select(axis, index.clamp(min=0).clamp(max=size - 1)) for index, _ in _cells(input, axis, stride)
    ]
    output = cells[0]
    for cell in cells[1:]:  # a cell outside the image repeats one inside of the same window
        output = torch.maximum(output, cell)
    return output


def average_axis(input: Tensor, axis: int, stride: int) -> Tensor:
    """Average one axis, by the windows of :class:`~sre_monai.networks.layers.SymmetricAvgPool`.

    Args:
        input: any shape; the size of ``axis`` may be symbolic.
        axis: which axis.
        stride: distance of the windows in pixels.

    Returns:
        The input's shape, with ``axis`` of size / stride, rounded up.
    """
    size = input.shape[axis]
    along = [-1 if a == axis else 1 for a in range(input.ndim)]
    cells, weights = [], []
    for index, counts in _cells(input, axis, stride):
        inside = (index >= 0) & (index < size) & counts
        weight = inside.to(input.dtype).reshape(along)
        cells.append(weight * input.index_select(axis, index.clamp(min=0).clamp(max=size - 1)))
        weights.append(weight)
    return torch.stack(cells).sum(0) / torch.stack(weights).sum(0)


def _cells(input: Tensor, axis: int, stride: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The windows' cells, first to last.

    Yields:
        Index of the cell in each window, which may lie outside the image; and whether it counts: the last
        one repeats the one before where windows have an even number of cells.
    """
    size = input.shape[axis]
    windows = (size + stride - 1) // stride
    missing = windows * stride - size
    start = torch.arange(windows, device=input.device) * stride - (missing + 1) // 2
    for cell in range(stride):
        yield start + cell, torch.ones_like(start, dtype=torch.bool)
    is_wider = missing % 2
    yield start + (stride - 1 + is_wider), torch.zeros_like(start) + is_wider > 0
