"""Residual blocks of SRE networks.

A strided block applies symmetric average pooling before its convolution, since a strided convolution samples a grid
anchored at a corner. Modules are named as in MONAI's and torchvision's ResNets.
"""

from __future__ import annotations

from typing import Any

from monai.networks.layers import Conv, get_act_layer, get_norm_layer
from torch import Tensor, nn

from sre_monai.networks.blocks.convolution import sre_layer
from sre_monai.networks.layers import SymmetricAvgPool


class SREBasicBlock(nn.Module):
    """The basic residual block: two SRE convolutions, added to the shortcut.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: number of input channels.
        features: number of output channels.
        stride: factor by which the size shrinks, a power of two.
        act: activation type and arguments, as MONAI's layer factory takes them.
        norm: normalisation type and arguments.
        conv: ``kernel_size``, ``harmonics`` and more arguments of :class:`SREConvolution`.

    Attributes:
        expansion: output channels for each of ``features``.

    Raises:
        ValueError: if the stride is not a power of two.

    Examples:
        >>> SREBasicBlock(2, 8, 16, stride=2, kernel_size=9)(torch.randn(1, 8, 33, 32)).shape
        torch.Size([1, 16, 17, 16])

    References:
        He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385.
    """

    expansion = 1

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        features: int,
        stride: int = 1,
        act: str | tuple = "relu",
        norm: str | tuple = "batch",
        **conv: Any,
    ) -> None:
        super().__init__()
        self.pool = symmetric_stride(spatial_dims, stride)
        self.conv1 = sre_layer(spatial_dims, in_channels, features, bias=False, **conv)
        self.bn1 = get_norm_layer(norm, spatial_dims, features)
        self.act1 = get_act_layer(act)
        self.conv2 = sre_layer(spatial_dims, features, features, bias=False, **conv)
        self.bn2 = get_norm_layer(norm, spatial_dims, features)
        self.downsample = _shortcut(spatial_dims, in_channels, features, stride, norm)
        self.act2 = get_act_layer(act)

    def forward(self, x: Tensor) -> Tensor:
        """Add the convolutions to the shortcut.

        Args:
            x: (batch, in_channels, *spatial*).

        Returns:
            (batch, features, *spatial* / stride), rounded up.
        """
        x = self.pool(x)
        y = self.act1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.act2(y + self.downsample(x))


class SREBottleneck(nn.Module):
    """The bottleneck block: an SRE convolution between two 1×1 convolutions. Arguments as for :class:`SREBasicBlock`.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: number of input channels.
        features: bottleneck channels; there are four times as many output channels.
        stride: factor by which the size shrinks, a power of two.
        act: activation type and arguments.
        norm: normalisation type and arguments.
        conv: further arguments of the SRE convolution.

    Examples:
        >>> SREBottleneck(2, 8, 4, stride=2, kernel_size=9)(torch.randn(1, 8, 33, 32)).shape
        torch.Size([1, 16, 17, 16])
    """

    expansion = 4

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        features: int,
        stride: int = 1,
        act: str | tuple = "relu",
        norm: str | tuple = "batch",
        **conv: Any,
    ) -> None:
        super().__init__()
        out_channels = self.expansion * features
        self.conv1 = _pointwise(spatial_dims, in_channels, features)
        self.bn1 = get_norm_layer(norm, spatial_dims, features)
        self.act1 = get_act_layer(act)
        self.pool = symmetric_stride(spatial_dims, stride)
        self.conv2 = sre_layer(spatial_dims, features, features, bias=False, **conv)
        self.bn2 = get_norm_layer(norm, spatial_dims, features)
        self.act2 = get_act_layer(act)
        self.conv3 = _pointwise(spatial_dims, features, out_channels)
        self.bn3 = get_norm_layer(norm, spatial_dims, out_channels)
        self.downsample = _shortcut(spatial_dims, in_channels, out_channels, stride, norm)
        self.act3 = get_act_layer(act)

    def forward(self, x: Tensor) -> Tensor:
        """Add the convolutions to the shortcut.

        Args:
            x: (batch, in_channels, *spatial*).

        Returns:
            (batch, 4 · features, *spatial* / stride), rounded up.
        """
        y = self.act1(self.bn1(self.conv1(x)))
        y = self.act2(self.bn2(self.conv2(self.pool(y))))
        y = self.bn3(self.conv3(y))
        return self.act3(y + self.downsample(self.pool(x)))


def symmetric_stride(spatial_dims: int, stride: int) -> nn.Module:
    """Make symmetric average pooling by a power of two.

    Args:
        spatial_dims: 1, 2 or 3.
        stride: 1, 2, 4, 8, …

    Returns:
        The pooling layer, equal to average pooling at sizes divisible by the stride; the identity for stride 1.

    Raises:
        ValueError: if the stride is not a power of two.

    Examples:
        >>> symmetric_stride(2, 4)(torch.randn(1, 3, 32, 33)).shape
        torch.Size([1, 3, 8, 9])
    """
    if stride < 1 or stride & (stride - 1):
        raise ValueError(f"a stride must be 1, 2, 4, 8 …, got {stride}.")
    pools = [SymmetricAvgPool(spatial_dims) for _ in range(stride.bit_length() - 1)]
    return nn.Sequential(*pools) if pools else nn.Identity()


def _shortcut(spatial_dims: int, in_channels: int, out_channels: int, stride: int, norm: str | tuple) -> nn.Module:
    """Make the shortcut after the pooling; the identity if the shape does not change."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    pointwise = _pointwise(spatial_dims, in_channels, out_channels)
    return nn.Sequential(pointwise, get_norm_layer(norm, spatial_dims, out_channels))


def _pointwise(spatial_dims: int, in_channels: int, out_channels: int) -> nn.Module:
    return Conv["conv", spatial_dims](in_channels, out_channels, kernel_size=1, bias=False)
