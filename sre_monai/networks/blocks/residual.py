"""Residual blocks of SRE networks: what is added to the shortcut, and the sum.

A block that halves the size pools by symmetric averages before its convolution, since a strided convolution samples a
grid that is anchored at a corner. The names of the modules are those of the published networks, so that their
checkpoints fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from monai.networks.layers import Conv, get_act_layer, get_norm_layer
from torch import Tensor, nn

from sre_monai.networks.blocks.convolution import sre_layer
from sre_monai.networks.layers import SymmetricAvgPool

__all__ = ["SREResidual", "basic_branch", "bottleneck_branch", "shortcut", "symmetric_stride", "video_branch"]

Branch = Callable[..., dict[str, nn.Module]]


class SREResidual(nn.Module):
    """``act(branch(x) + shortcut(x))``, the residual block of He et al. (https://arxiv.org/abs/1512.03385).

    Args:
        branch: the branch's modules by name, in the order in which they are applied; they become this module's own.
        downsample: the shortcut, see :func:`shortcut`; None for the identity.
        act: activation type and arguments, as MONAI's layer factory takes them.

    Examples:
        >>> block = SREResidual(basic_branch(2, 8, 16, kernel_size=9, stride=2), shortcut(2, 8, 16, stride=2))
        >>> block(torch.randn(1, 8, 33, 32)).shape
        torch.Size([1, 16, 17, 16])
    """

    def __init__(
        self, branch: Mapping[str, nn.Module], downsample: nn.Module | None = None, act: str | tuple = "relu"
    ) -> None:
        super().__init__()
        for name, module in branch.items():
            self.add_module(name, module)
        self.branch = tuple(branch)
        self.downsample = downsample
        self.act = get_act_layer(act)

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to the shortcut.

        Args:
            x: (batch, channels, *spatial*).

        Returns:
            (batch, features, *spatial* / stride), rounded up.
        """
        y = x
        for name in self.branch:
            y = self.get_submodule(name)(y)
        return self.act(y + (x if self.downsample is None else self.downsample(x)))


def symmetric_stride(spatial_dims: int, stride: int) -> nn.Module:
    """Pool by averages, symmetrically, as often as makes the stride.

    Args:
        spatial_dims: 1, 2 or 3.
        stride: 1, 2, 4, 8, …

    Returns:
        The pooling; at sizes divisible by the stride equal to average pooling by it.

    Raises:
        ValueError: when the stride is no power of two.

    Examples:
        >>> symmetric_stride(2, 4)(torch.randn(1, 3, 32, 33)).shape
        torch.Size([1, 3, 8, 9])
    """
    if stride < 1 or stride & (stride - 1):
        raise ValueError(f"a stride must be 1, 2, 4, 8 …, got {stride}.")
    pools = [SymmetricAvgPool(spatial_dims) for _ in range(stride.bit_length() - 1)]
    return nn.Sequential(*pools) if pools else nn.Identity()


def shortcut(
    spatial_dims: int, in_channels: int, out_channels: int, stride: int = 1, norm: str | tuple = "batch"
) -> nn.Module | None:
    """Make the shortcut of a block: pooling, 1×1 convolution, normalisation; None where nothing changes.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels that come in.
        out_channels: channels of the block's output.
        stride: the block's stride.
        norm: normalisation type and arguments.

    Returns:
        The module, or None for the identity.
    """
    if stride == 1 and in_channels == out_channels:
        return None
    pointwise = _pointwise(spatial_dims, in_channels, out_channels)
    return nn.Sequential(symmetric_stride(spatial_dims, stride), pointwise, _norm(norm, spatial_dims, out_channels))


def basic_branch(
    spatial_dims: int,
    in_channels: int,
    features: int,
    stride: int = 1,
    act: str | tuple = "relu",
    norm: str | tuple = "batch",
    **conv: Any,
) -> dict[str, nn.Module]:
    """Make the branch of a basic block: two SRE convolutions.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels that come in.
        features: channels that go out.
        stride: pooling before the first convolution.
        act: activation type and arguments.
        norm: normalisation type and arguments.
        conv: ``kernel_size``, ``harmonics`` and more of :func:`~sre_monai.networks.blocks.convolution.sre_layer`.

    Returns:
        The modules by name.
    """
    return {
        "conv1": _strided(spatial_dims, stride, sre_layer(spatial_dims, in_channels, features, bias=False, **conv)),
        "bn1": _norm(norm, spatial_dims, features),
        "relu": get_act_layer(act),
        "conv2": sre_layer(spatial_dims, features, features, bias=False, **conv),
        "bn2": _norm(norm, spatial_dims, features),
    }


def bottleneck_branch(
    spatial_dims: int,
    in_channels: int,
    features: int,
    stride: int = 1,
    act: str | tuple = "relu",
    norm: str | tuple = "batch",
    **conv: Any,
) -> dict[str, nn.Module]:
    """Make the branch of a bottleneck block: an SRE convolution between two 1×1 convolutions.

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels that come in.
        features: channels in the middle; four times as many go out.
        stride: pooling before the SRE convolution.
        act: activation type and arguments.
        norm: normalisation type and arguments.
        conv: ``kernel_size``, ``harmonics`` and more of :func:`~sre_monai.networks.blocks.convolution.sre_layer`.

    Returns:
        The modules by name.
    """
    return {
        "conv1": _pointwise(spatial_dims, in_channels, features),
        "bn1": _norm(norm, spatial_dims, features),
        "relu": get_act_layer(act),
        "conv2": _strided(spatial_dims, stride, sre_layer(spatial_dims, features, features, bias=False, **conv)),
        "bn2": _norm(norm, spatial_dims, features),
        "relu2": get_act_layer(act),
        "conv3": _pointwise(spatial_dims, features, 4 * features),
        "bn3": _norm(norm, spatial_dims, 4 * features),
    }


def video_branch(
    spatial_dims: int,
    in_channels: int,
    features: int,
    stride: int = 1,
    act: str | tuple = "relu",
    norm: str | tuple = "batch",
    **conv: Any,
) -> dict[str, nn.Module]:
    """Make the branch of a basic block with the module names of video ResNets (https://arxiv.org/abs/1711.11248).

    Args:
        spatial_dims: 1, 2 or 3.
        in_channels: channels that come in.
        features: channels that go out.
        stride: pooling before the first convolution.
        act: activation type and arguments.
        norm: normalisation type and arguments.
        conv: ``kernel_size``, ``harmonics`` and more of :func:`~sre_monai.networks.blocks.convolution.sre_layer`.

    Returns:
        The modules by name.
    """
    return {
        "conv1": nn.Sequential(
            symmetric_stride(spatial_dims, stride),
            sre_layer(spatial_dims, in_channels, features, bias=False, **conv),
            _norm(norm, spatial_dims, features),
            get_act_layer(act),
        ),
        "conv2": nn.Sequential(
            sre_layer(spatial_dims, features, features, bias=False, **conv), _norm(norm, spatial_dims, features)
        ),
    }


def _pointwise(spatial_dims: int, in_channels: int, out_channels: int) -> nn.Module:
    return Conv["conv", spatial_dims](in_channels, out_channels, kernel_size=1, bias=False)


def _norm(norm: str | tuple, spatial_dims: int, channels: int) -> nn.Module:
    return get_norm_layer(norm, spatial_dims, channels)


def _strided(spatial_dims: int, stride: int, conv: nn.Module) -> nn.Module:
    return conv if stride == 1 else nn.Sequential(symmetric_stride(spatial_dims, stride), conv)
