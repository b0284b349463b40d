"""Two symmetric rotation-equivariant U-Nets in a row."""

# no `from __future__ import annotations`: TorchScript cannot read annotations that are strings

from typing import Any

import torch
from torch import Tensor

from sre_monai.networks.blocks import concatenate
from sre_monai.networks.fold import FoldedByScript
from sre_monai.networks.nets.sre_unet import SREUNet

__all__ = ["SREWNet"]


class SREWNet(FoldedByScript):
    """W-Net of two SRE U-Nets: the second one sees the image and the logits of the first one, and corrects them.

    As equivariant as :class:`SREUNet`.

    Args:
        spatial_dims: 2 for images, 3 for volumes, 1 for signals.
        in_channels: number of input channels.
        out_channels: number of output channels.
        deep_supervision: while training, return the logits of both U-Nets, as MONAI's ``DynUNet`` does, so that the
            loss can supervise both.
        kwargs: further arguments of :class:`SREUNet`, the same for both.

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
        self, spatial_dims: int, in_channels: int, out_channels: int, deep_supervision: bool = False, **kwargs: Any
    ) -> None:
        super().__init__()
        self.deep_supervision = deep_supervision
        self.first = SREUNet(spatial_dims, in_channels, out_channels, **kwargs)
        self.second = SREUNet(spatial_dims, in_channels + out_channels, out_channels, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image to logits.

        Args:
            x: (batch, in_channels, *spatial*), any spatial size.

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
