"""Down- and upsampling that is symmetric about the image centre at every size.

A 2-cell pooling has no centre on an odd grid: it drops the last row, so a mirrored image is pooled differently. The
window is therefore chosen per axis by parity. An even axis of *n* pixels is pooled by 2 cells to *n*/2, an odd one by
3 overlapping cells centred on every second pixel to (*n* + 1)/2; both commute with turning and mirroring.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SymmetricAvgPool", "SymmetricMaxPool", "upsample_to"]

_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVG_POOL = {
    dims: partial(function, count_include_pad=False)
    for dims, function in {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}.items()
}
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


class _SymmetricPool(nn.Module):
    """Pooling by two, its windows chosen by parity."""

    functions: Mapping[int, Callable[..., Tensor]]

    def __init__(self, spatial_dims: int) -> None:
        super().__init__()
        self.spatial_dims = spatial_dims

    def forward(self, input: Tensor) -> Tensor:
        """Halve the spatial size.

        Args:
            input: (batch, channels, *spatial*).

        Returns:
            (batch, channels, *spatial* / 2), rounded up.
        """
        # two cells on an even axis, three centred ones on an odd axis
        odd = [n % 2 for n in input.shape[2:]]
        kernel = [2 + o for o in odd]
        return self.functions[self.spatial_dims](input, kernel, 2, odd)


class SymmetricMaxPool(_SymmetricPool):
    """Max pooling by two, symmetric at even and odd sizes. Equal to 2-cell max pooling at even sizes.

    Args:
        spatial_dims: 1, 2 or 3.

    Examples:
        >>> SymmetricMaxPool(2)(torch.randn(1, 4, 64, 65)).shape
        torch.Size([1, 4, 32, 33])
    """

    functions = _MAX_POOL


class SymmetricAvgPool(_SymmetricPool):
    """Average pooling by two, symmetric at even and odd sizes. Cells outside the image do not count.

    Args:
        spatial_dims: 1, 2 or 3.

    Examples:
        >>> SymmetricAvgPool(2)(torch.randn(1, 4, 64, 65)).shape
        torch.Size([1, 4, 32, 33])
    """

    functions = _AVG_POOL


def upsample_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate linearly to a size, the outermost pixels' centres staying where they are.

    Aligned outer pixels make the map from the coarse to the fine grid symmetric for both parities.

    Args:
        input: (batch, channels, *spatial*).
        size: the spatial size wanted, in pixels.

    Returns:
        (batch, channels, *size*).
    """
    return F.interpolate(input, size=tuple(size), mode=_LINEAR[len(size)], align_corners=True)
