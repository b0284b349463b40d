"""SRE convolutions with angular harmonics, which respond to edges and lines in any direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from monai.networks.layers import Conv
from torch import Tensor, nn

from sre_monai.networks.layers.angular_harmonics import ORDERS
from sre_monai.networks.layers.foldable import Foldable
from sre_monai.networks.layers.folded_harmonic_conv import FoldedHarmonicConv
from sre_monai.networks.layers.harmonic_conv import harmonic_conv, mix_magnitudes
from sre_monai.networks.layers.modules.sre_conv import SREConv2d, SREConv3d

__all__ = ["SREHarmonicConv2d", "SREHarmonicConv3d"]


class _SREHarmonicConvNd(Foldable):
    """Rings and magnitudes of angular harmonics, mixed to the output channels."""

    spatial_dims: int
    ring_layer: type[SREConv2d] | type[SREConv3d]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sequence[int],
        orders: Sequence[int] = ORDERS,
        harmonic_channels: int | None = None,
        bias: bool = True,
        **rings: Any,
    ) -> None:
        super().__init__()
        if not orders or not set(orders) <= set(ORDERS) or len(set(orders)) < len(orders):
            raise ValueError(f"orders must be one or more of {ORDERS}, each once, got {orders!r}.")
        channels = max(1, out_channels // 2) if harmonic_channels is None else harmonic_channels
        if channels < 1:
            raise ValueError(f"harmonic_channels must be at least 1, got {harmonic_channels!r}.")
        self.in_channels, self.out_channels, self.orders = in_channels, out_channels, tuple(orders)
        profiles = channels * len(self.orders)
        self.conv = self.ring_layer(
            in_channels, out_channels + profiles, kernel_size, padding="same", bias=bias, **rings
        )
        self.mix = Conv["conv", self.spatial_dims](profiles, out_channels, kernel_size=1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve.

        Args:
            input: (batch, in_channels, *spatial*).

        Returns:
            (batch, out_channels, *spatial*).
        """
        if not self.is_fused:
            return mix_magnitudes(self.conv(input), self.mix.weight, self.orders)
        return self._convolve(input, self.conv.ring_weight(), self.conv.bias, self.mix.weight, 1.0)

    def fold(self) -> nn.Module:
        """Make the layer of ordinary convolutions: the rings', the harmonics' and the mixing one."""
        return FoldedHarmonicConv(self.conv, self.mix, self.orders).train(self.training)

    @property
    def is_fused(self) -> bool:
        """Whether the layer is one operation: not with groups or other padding than zeros."""
        return self.conv.groups == 1 and self.conv.padding_mode == "zeros"

    def affine(self, input: Tensor, scale: Tensor, shift: Tensor, negative_slope: float = 1.0) -> Tensor:
        """Convolve, scale and shift every output channel and activate, at the cost of the convolution alone.

        Args:
            input: (batch, in_channels, *spatial*).
            scale: (out_channels,).
            shift: (out_channels,).
            negative_slope: what negative values are multiplied with in the end.

        Returns:
            (batch, out_channels, *spatial*).
        """
        conv, channels = self.conv, self.out_channels
        profiles = conv.out_channels - channels
        bias = conv.weight.new_zeros(conv.out_channels) if conv.bias is None else conv.bias
        scales = F.pad(scale, (0, profiles), value=1.0)
        bias = bias * scales + F.pad(shift, (0, profiles))
        mix = self.mix.weight.flatten(1) * scale[:, None]
        return self._convolve(input, conv.ring_weight() * scales[:, None, None], bias, mix, negative_slope)

    def _convolve(
        self, input: Tensor, weight: Tensor, bias: Tensor | None, mix: Tensor, negative_slope: float
    ) -> Tensor:
        conv = self.conv
        return harmonic_conv(
            input, weight, conv.rings, bias, mix, self.orders, conv.dilation, negative_slope, conv.algorithm
        )


class SREHarmonicConv2d(_SREHarmonicConvNd):
    r"""Symmetric rotation-equivariant convolution with angular harmonics, drop-in for a ``Conv2d`` that keeps the size.

    .. math:: y = \sum_j W_j (\mathrm{ring}_j * x)
              + \sum_m M_m \left| \sum_j V_{mj} \, \partial^m (\mathrm{ring}_j * x) \right|

    The first sum is :class:`SREConv2d`. In the second, :math:`\partial^m` makes the angular harmonic of order *m*, see
    :func:`~sre_monai.networks.layers.harmonic_magnitude`. The magnitude of a line is the same in every direction. The
    layer is therefore equivariant as any SRE convolution: exactly for 90° and flips, approximately for other angles.

    Args:
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel_size: odd edge length of the rings' kernel in pixels; the harmonics reach two pixels farther.
        orders: angular orders *m*: 1 for edges, 2 for lines.
        harmonic_channels: magnitudes computed for each order; by default half as many as output channels.
        bias: whether a bias is added.
        rings: further arguments of :class:`SREConv2d`, such as ``profile``; stride is 1 and padding ``"same"``.

    Attributes:
        conv: the rings; its first out_channels outputs are the first sum, the others the harmonics' profiles.
        mix: the 1×1 convolution *M*.

    Raises:
        ValueError: when an argument is outside the values above.

    Examples:
        >>> SREHarmonicConv2d(4, 8, kernel_size=3)(torch.randn(2, 4, 65, 97)).shape
        torch.Size([2, 8, 65, 97])
    """

    spatial_dims = 2
    ring_layer = SREConv2d


class SREHarmonicConv3d(_SREHarmonicConvNd):
    """The layer for volumes, of spherical harmonics of degree 1 and 2. Arguments as for :class:`SREHarmonicConv2d`.

    Examples:
        >>> SREHarmonicConv3d(4, 8, kernel_size=3)(torch.randn(2, 4, 16, 15, 16)).shape
        torch.Size([2, 8, 16, 15, 16])
    """

    spatial_dims = 3
    ring_layer = SREConv3d
