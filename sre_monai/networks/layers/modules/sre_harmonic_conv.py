"""SRE convolutions with angular harmonics, which respond to edges and lines in any direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from monai.networks.layers import Conv
from torch import Tensor, nn

from sre_monai.networks.layers.angular_harmonics import harmonic_magnitude
from sre_monai.networks.layers.arguments import ORDERS, check_orders
from sre_monai.networks.layers.bypass import may_be_bypassed
from sre_monai.networks.layers.harmonic_conv import harmonic_conv
from sre_monai.networks.layers.modules.sre_conv import SREConv2d, SREConv3d


class _SREHarmonicConvNd(nn.Module):
    """Rings and magnitudes of angular harmonics, mixed to the output channels."""

    spatial_dims: int
    ring_layer: type[SREConv2d] | type[SREConv3d]
    negative_slope = 1.0  # of the leaky ReLU that :func:`~sre_monai.networks.fuse` puts into the layer; 1 for none

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
        check_orders(orders)
        channels = max(1, out_channels // 2) if harmonic_channels is None else harmonic_channels
        if channels < 1:
            raise ValueError(f"harmonic_channels must be at least 1, got {harmonic_channels!r}.")
        self.in_channels, self.out_channels, self.orders = in_channels, out_channels, tuple(orders)
        profiles = channels * len(self.orders)
        self.conv = self.ring_layer(
            in_channels, out_channels + profiles, kernel_size, padding="same", bias=bias, **rings
        )
        place = {name: rings.get(name) for name in ("device", "dtype")}
        self.mix = Conv["conv", self.spatial_dims](profiles, out_channels, kernel_size=1, bias=False, **place)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve.

        Args:
            input: (batch, in_channels, *spatial*) or (in_channels, *spatial*).

        Returns:
            The same layout with out_channels.
        """
        if input.ndim == self.spatial_dims + 1:
            return self.forward(input.unsqueeze(0)).squeeze(0)
        conv, mix = self.conv, self.mix
        if self._is_one_operation():
            return harmonic_conv(
                input, conv.ring_weight(), conv.rings, conv.bias, mix.weight, self.orders, conv.dilation,
                self.negative_slope, conv.algorithm,
            )  # fmt: skip
        sizes = [self.out_channels, *[mix.in_channels // len(self.orders)] * len(self.orders)]
        isotropic, *profiles = conv(input).split(sizes, dim=1)
        magnitudes = [harmonic_magnitude(profile, order) for profile, order in zip(profiles, self.orders)]
        output = isotropic + mix(torch.cat(magnitudes, dim=1))
        return output if self.negative_slope == 1 else F.leaky_relu(output, self.negative_slope)

    def _is_one_operation(self) -> bool:
        """Whether no one can tell that the layer computes with the parameters of its parts without calling them."""
        conv = self.conv
        plain = may_be_bypassed(conv, self.ring_layer) and may_be_bypassed(self.mix, Conv["conv", self.spatial_dims])
        return plain and conv.groups == 1 and conv.padding_mode == "zeros"


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
