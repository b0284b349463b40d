"""Two U-Nets in a row."""

# no `from __future__ import annotations`: TorchScript cannot read annotations that are strings

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sre_monai.networks.blocks.concatenate import concatenate
from sre_monai.networks.nets.sre_unet import SREUNet


class SREWNet(nn.Module):
    """W-Net: the second U-Net sees the image and the logits of the first one, and corrects them.

    As equivariant as its U-Nets.

    Args:
        spatial_dims: 2 for images, 3 for volumes, 1 for signals.
        in_channels: number of input channels.
        out_channels: number of output channels.
        deep_supervision: while training, return the logits of both U-Nets, as MONAI's ``DynUNet`` does, so that the
            loss can supervise both.
        unet: class of both U-Nets, with arguments named ``spatial_dims``, ``in_channels`` and ``out_channels``.
        kwargs: further arguments of both U-Nets.

    Examples:
        >>> network = SREWNet(2, 3, 2, features=(8, 16, 8), kernel_size=3, deep_supervision=True)
        >>> network(torch.randn(1, 3, 65, 97)).shape
        torch.Size([1, 2, 2, 65, 97])
        >>> network.eval()(torch.randn(1, 3, 65, 97)).shape
        torch.Size([1, 2, 65, 97])

    References:
        Galdran et al., "State-of-the-art retinal vessel segmentation with minimalistic models", Scientific Reports 12,
        2022, https://arxiv.org/abs/2009.01907.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        deep_supervision: bool = False,
        unet: Callable[..., nn.Module] = SREUNet,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        self.deep_supervision = deep_supervision
        sizes = {"spatial_dims": spatial_dims, "out_channels": out_channels}
        self.first = unet(in_channels=in_channels, **sizes, **kwargs)
        self.second = unet(in_channels=in_channels + out_channels, **sizes, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image to logits.

        Args:
            x: (batch, in_channels, *spatial*), any spatial size that the U-Nets take.

        Returns:
            (batch, out_channels, *spatial*), logits of the second U-Net; with deep supervision, while training,
            (batch, 2, out_channels, *spatial*), those of the second and the first one.
        """
        first = self.first(x)
        both = torch.cat([x, first], dim=1) if torch.jit.is_scripting() else concatenate(x, first)
        second = self.second(both)
        if self.deep_supervision and self.training:
            return torch.stack([second, first], dim=1)
        return second

    def __prepare_scriptable__(self) -> nn.Module:
        """Give ``torch.jit.script`` a copy, since it replaces SRE U-Nets in place."""
        return copy.deepcopy(self)
