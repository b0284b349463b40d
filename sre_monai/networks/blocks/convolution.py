"""The convolution block of SRE networks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.blocks import ADN
from monai.networks.layers import Conv
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sre_monai.networks.layers.foldable import Foldable

__all__ = ["SREConvolution", "SRETwoConv", "sre_layer"]


def sre_layer(
    spatial_dims: int,
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    harmonics: Sequence[int] = (),
    **kwargs: Any,
) -> nn.Module:
    """Make an SRE convolution that keeps the size.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel_size: odd kernel size in pixels.
        harmonics: orders of the angular harmonics beside the rings, in two and three dimensions.
        kwargs: further arguments of both layers below.

    Returns:
        :class:`~sre_monai.networks.layers.SREHarmonicConv2d` or its 3D counterpart where there are harmonics, else
        :class:`~sre_monai.networks.layers.SREConv2d` or its counterparts.

    Examples:
        >>> type(sre_layer(2, 3, 8, kernel_size=3, harmonics=(2,))).__name__
        'SREHarmonicConv2d'
    """
    if harmonics:
        return Conv["sre_harmonic", spatial_dims](in_channels, out_channels, kernel_size, harmonics, **kwargs)
    return Conv["sre", spatial_dims](in_channels, out_channels, kernel_size, padding="same", **kwargs)


class SREConvolution(nn.Sequential, Foldable):
    """An SRE convolution that keeps the size, then normalisation, dropout and activation.

    The counterpart of MONAI's ``Convolution``, with its module names ``conv`` and ``adn``.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel_size: odd kernel size in pixels.
        act: activation type and arguments, as MONAI's layer factory takes them.
        norm: normalisation type and arguments, or None.
        dropout: probability of dropout; 0 for none.
        profile: ring profile, see :class:`~sre_monai.networks.layers.SREConv2d`.
        circular: False keeps the kernels' corners.
        harmonics: orders of the angular harmonics beside the rings, see
            :class:`~sre_monai.networks.layers.SREHarmonicConv2d`; none by default.

    Examples:
        >>> SREConvolution(2, 3, 32, kernel_size=9)(torch.randn(1, 3, 65, 64)).shape
        torch.Size([1, 32, 65, 64])
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        act: str | tuple = "PRELU",
        norm: str | tuple | None = "BATCH",
        dropout: float = 0.0,
        profile: str = "bands",
        circular: bool = True,
        harmonics: Sequence[int] = (),
    ) -> None:
        super().__init__()
        rings = {"profile": profile, "circular": circular}
        self.add_module("conv", sre_layer(spatial_dims, in_channels, out_channels, kernel_size, harmonics, **rings))
        adn = ADN("NDA", out_channels, act, norm, norm_dim=spatial_dims, dropout_dim=1, dropout=dropout or None)
        self.add_module("adn", adn)

    def forward(self, input: Tensor) -> Tensor:
        """Convolve, normalise, drop out and activate.

        In evaluation mode batch normalisation is a fixed scale and shift per channel. It is folded into weights and
        bias on the fly, which saves a pass over the feature map; the parameters are not modified.

        Args:
            input: (batch, in_channels, *spatial*).

        Returns:
            (batch, out_channels, *spatial*).
        """
        norm = getattr(self.adn, "N", None)
        conv: Any = self.conv
        if self.training or not isinstance(norm, _BatchNorm) or norm.running_var is None:
            return super().forward(input)
        act = getattr(self.adn, "A", None)  # the normalisation is folded, and dropout is off
        if getattr(conv, "is_fused", False):
            slope = act.negative_slope if isinstance(act, nn.LeakyReLU) else 0.0 if isinstance(act, nn.ReLU) else None
            output = conv.affine(input, *_scale_and_shift(norm), 1.0 if slope is None else slope)
            return output if act is None or slope is not None else act(output)
        if not hasattr(conv, "convolve"):  # with harmonics, but not fused
            return super().forward(input)
        scale, shift = _scale_and_shift(norm)
        bias = shift if conv.bias is None else shift + scale * conv.bias
        output = conv.convolve(input, conv.ring_weight() * scale[:, None, None], bias)
        return output if act is None else act(output)

    def fold(self) -> nn.Module:
        """Make a plain sequence of the same layers."""
        return nn.Sequential(OrderedDict(self.named_children())).train(self.training)


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    """Give the scale and shift per channel of a batch normalisation in evaluation mode."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias


class SRETwoConv(nn.Sequential, Foldable):
    """Two successive SRE convolution blocks, as in one U-Net level.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: number of input channels.
        out_channels: number of output channels.
        kernel_size: odd kernel size in pixels.
        kwargs: further arguments of :class:`SREConvolution`, for both blocks.

    Examples:
        >>> SRETwoConv(2, 3, 32, kernel_size=9, act="relu")(torch.randn(1, 3, 65, 64)).shape
        torch.Size([1, 32, 65, 64])
    """

    def __init__(self, spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int, **kwargs: Any) -> None:
        super().__init__()
        for i, channels in enumerate((in_channels, out_channels)):
            self.add_module(f"conv_{i}", SREConvolution(spatial_dims, channels, out_channels, kernel_size, **kwargs))

    def fold(self) -> nn.Module:
        """Make a plain sequence of the same blocks."""
        return nn.Sequential(OrderedDict(self.named_children())).train(self.training)
