"""The harmonic layer made of ordinary convolutions, for exported and scripted networks."""

# no `from __future__ import annotations`: TorchScript cannot read annotations that are strings

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sre_monai.networks.layers.angular_harmonics import filtered_magnitude, harmonic_filters

__all__ = ["FoldedHarmonicConv"]


class FoldedHarmonicConv(nn.Module):
    """The function of a :class:`~sre_monai.networks.layers.SREHarmonicConv2d` or its 3D counterpart.

    Args:
        conv: the convolution to the output channels and the harmonics' profiles.
        mix: the 1×1 convolution of the magnitudes.
        orders: orders of the harmonics.
    """

    def __init__(self, conv: Any, mix: Any, orders: Sequence[int]) -> None:
        super().__init__()
        self.conv, self.mix = conv, mix
        self.magnitudes = nn.ModuleList(_Magnitude(order, mix.weight) for order in orders)
        self.channels = [mix.out_channels, *[mix.in_channels // len(orders)] * len(orders)]

    def forward(self, input: Tensor) -> Tensor:
        """Convolve: (batch, in_channels, *spatial*) to (batch, out_channels, *spatial*)."""
        maps = self.conv(input).split(self.channels, dim=1)
        magnitudes = [magnitude(maps[i + 1]) for i, magnitude in enumerate(self.magnitudes)]
        return maps[0] + self.mix(torch.cat(magnitudes, dim=1))


class _Magnitude(nn.Module):
    """Magnitude of the harmonics of one order, on the device and in the dtype of a weight."""

    filters: Tensor

    def __init__(self, order: int, weight: Tensor) -> None:
        super().__init__()
        filters = harmonic_filters(weight.dim() - 2, order)
        self.register_buffer("filters", filters.to(weight), persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        return filtered_magnitude(input, self.filters)
