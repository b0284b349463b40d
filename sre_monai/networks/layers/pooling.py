"""Down- and upsampling that is symmetric about the image centre at every size.

A 2-cell pooling has no centre on an odd grid: it drops the last row, so a flipped image is pooled differently. The
window is therefore chosen per axis by parity. An even axis of *n* pixels is pooled by 2 cells to *n*/2, an odd one by
3 overlapping cells centred on every second pixel to (*n* + 1)/2; both commute with rotations by 90° and flips. For a
stride *s* in general, *n* pixels become ⌈*n*/*s*⌉ windows of *s* or *s* + 1 cells, whichever lie symmetrically.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sre_monai.networks.layers.symbolic_pooling import average_axis, maximum_axis
from sre_monai.networks.layers.upsampling import SizeMemory

__all__ = ["SymmetricAvgPool", "SymmetricMaxPool"]

_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVG_POOL = {
    dims: partial(function, count_include_pad=False)
    for dims, function in {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}.items()
}


class _SymmetricPool(nn.Module):
    """Pooling whose windows are chosen by the size."""

    functions: Mapping[int, Callable[..., Tensor]]
    along_axis: Callable[[Tensor, int, int], Tensor]

    def __init__(self, spatial_dims: int, stride: int | Sequence[int] = 2, sizes: SizeMemory | None = None) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims
        self.stride = (stride,) * spatial_dims if isinstance(stride, int) else tuple(stride)
        self.sizes = sizes
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
        output = self._pool_unknown_size(input) if _size_is_unknown(input) else self._pool(input)
        if self.sizes is not None:
            self.sizes.record(input.shape[2:], output.shape[2:], self.stride)
        return output

    def _pool(self, input: Tensor) -> Tensor:
        missing = [-n % s for n, s in zip(input.shape[2:], self.stride)]  # cells to a whole number of windows
        kernel = [s + r % 2 for s, r in zip(self.stride, missing)]
        padding = [(r + 1) // 2 for r in missing]
        for axis, n in enumerate(input.shape[2:]):
            if n < kernel[axis]:  # a single window; PyTorch's poolings need it to fit
                kernel[axis], padding[axis] = n, 0
        return self.functions[self.spatial_dims](input, kernel, self.stride, padding)

    def _pool_unknown_size(self, input: Tensor) -> Tensor:
        """Pool where the size is known when the exported network runs, and not before."""
        for axis, stride in enumerate(self.stride, start=2):
            if stride > 1:
                input = self.along_axis(input, axis, stride)
        return input


def _size_is_unknown(input: Tensor) -> bool:
    return torch.jit.is_tracing() or any(not isinstance(n, int) for n in input.shape[2:])


class SymmetricMaxPool(_SymmetricPool):
    """Max pooling, symmetric at every size. Equal to ordinary max pooling where the stride divides the size.

    Args:
        spatial_dims: 1, 2 or 3.
        stride: factor by which the size shrinks, one for all axes or one for each.
        sizes: where to note sizes for a later :class:`~sre_monai.networks.layers.SymmetricUpsample`.

    Examples:
        >>> SymmetricMaxPool(2)(torch.randn(1, 4, 64, 65)).shape
        torch.Size([1, 4, 32, 33])
    """

    functions = _MAX_POOL
    along_axis = staticmethod(maximum_axis)


class SymmetricAvgPool(_SymmetricPool):
    """Average pooling, symmetric at every size. Cells outside the image do not count.

    Args:
        spatial_dims: 1, 2 or 3.
        stride: factor by which the size shrinks, one for all axes or one for each.
        sizes: where to note sizes for a later :class:`~sre_monai.networks.layers.SymmetricUpsample`.

    Examples:
        >>> SymmetricAvgPool(2)(torch.randn(1, 4, 64, 65)).shape
        torch.Size([1, 4, 32, 33])
    """

    functions = _AVG_POOL
    along_axis = staticmethod(average_axis)
