"""The convolution block of SRE networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai.networks.blocks import ADN
from monai.networks.layers import Conv
from torch import nn


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


class SREConvolution(nn.Sequential):
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


class SRETwoConv(nn.Sequential):
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
