"""Down- and upsampling that is symmetric about the image centre at every size.

A 2-cell pooling has no centre on an odd grid: it drops the last row, so a flipped image is pooled differently. The
window is therefore chosen per axis by parity. An even axis of *n* pixels is pooled by 2 cells to *n*/2, an odd one by
3 overlapping cells centred on every second pixel to (*n* + 1)/2; both commute with rotations by 90° and flips. For a
stride *s* in general, *n* pixels become ⌈*n*/*s*⌉ windows of *s* or *s* + 1 cells, whichever lie symmetrically.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sre_monai.networks.layers.symbolic_pooling import average_axis, maximum_axis
from sre_monai.networks.layers.upsampling import SizeMemory


@torch.jit.script_if_tracing  # a traced network chooses the windows when it runs, as all others do
def symmetric_pool(input: Tensor, stride: list[int], is_max: bool) -> Tensor:
    """Pool by windows that are chosen by the size.

    Args:
        input: (batch, channels, *spatial*).
        stride: factor by which the size shrinks, for each spatial axis.
        is_max: whether to take the maximum of each window, else the average of its cells inside the image.

    Returns:
        (batch, channels, *spatial* / stride), rounded up.
    """
    kernel: list[int] = []
    padding: list[int] = []
    for axis, s in enumerate(stride):
        n = input.shape[axis + 2]
        missing = (s - n % s) % s  # cells to a whole number of windows
        fits = n >= s + missing % 2  # otherwise there is a single window; PyTorch's poolings need it to fit
        kernel.append(s + missing % 2 if fits else n)
        padding.append((missing + 1) // 2 if fits else 0)
    if len(stride) == 1:
        if is_max:
            return F.max_pool1d(input, kernel, stride, padding)
        return F.avg_pool1d(input, kernel, stride, padding, count_include_pad=False)
    if len(stride) == 2:
        if is_max:
            return F.max_pool2d(input, kernel, stride, padding)
        return F.avg_pool2d(input, kernel, stride, padding, count_include_pad=False)
    if is_max:
        return F.max_pool3d(input, kernel, stride, padding)
    return F.avg_pool3d(input, kernel, stride, padding, count_include_pad=False)


class _SymmetricPool(nn.Module):
    """Pooling whose windows are chosen by the size."""

    is_max: bool
    along_axis: Callable[[Tensor, int, int], Tensor]

    def __init__(self, spatial_dims: int, stride: int | Sequence[int] = 2) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        self.stride = (stride,) * spatial_dims if isinstance(stride, int) else tuple(stride)
        if len(self.stride) != spatial_dims or min(self.stride) < 1:
            raise ValueError(f"stride must be a positive number or {spatial_dims} of them, got {stride!r}.")

    def extra_repr(self) -> str:
        """Name the arguments."""
        return f"{self.spatial_dims}, stride={self.stride}"

    def forward(self, input: Tensor) -> Tensor:
        """Divide the spatial size by the stride.

        Args:
            input: (batch, channels, *spatial*).

        Returns:
            (batch, channels, *spatial* / stride), rounded up.
        """
        if _size_is_unknown(input):
            output = self._pool_unknown_size(input)
        else:
            output = symmetric_pool(input, list(self.stride), self.is_max)
        if (memory := SizeMemory.current()) is not None:
            memory.record(input.shape[2:], output.shape[2:], self.stride)
        return output

    def _pool_unknown_size(self, input: Tensor) -> Tensor:
        """Pool where the size is known when the exported network runs, and not before."""
        for axis, stride in enumerate(self.stride, start=2):
            if stride > 1:
                input = self.along_axis(input, axis, stride)
        return input


def _size_is_unknown(input: Tensor) -> bool:
    if torch.jit.is_tracing():
        return torch.onnx.is_in_onnx_export()  # by the exporter that traces
    return any(not isinstance(n, int) for n in input.shape[2:])


class SymmetricMaxPool(_SymmetricPool):
    """Max pooling, symmetric at every size. Equal to ordinary max pooling where the stride divides the size.

    Args:
        spatial_dims: 1, 2 or 3.
        stride: factor by which the size shrinks, one for all axes or one for each.

    Examples:
        >>> SymmetricMaxPool(2)(torch.randn(1, 4, 64, 65)).shape
        torch.Size([1, 4, 32, 33])
    """

    is_max = True
    along_axis = staticmethod(maximum_axis)


class SymmetricAvgPool(_SymmetricPool):
    """Average pooling, symmetric at every size. Cells outside the image do not count.

    Args:
        spatial_dims: 1, 2 or 3.
        stride: factor by which the size shrinks, one for all axes or one for each.

    Examples:
        >>> SymmetricAvgPool(2)(torch.randn(1, 4, 64, 65)).shape
        torch.Size([1, 4, 32, 33])
    """

    is_max = False
    along_axis = staticmethod(average_axis)
