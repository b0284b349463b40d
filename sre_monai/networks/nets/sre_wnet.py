"""Two symmetric rotation-equivariant U-Nets in a row."""

from __future__ import annotations

from typing import Any

from sre_monai.networks.nets.sre_unet import SREUNet
from sre_monai.networks.nets.wnet import WNet

__all__ = ["SREWNet"]


class SREWNet(WNet):
    """W-Net of two SRE U-Nets, as equivariant as :class:`SREUNet`.

    Args:
        spatial_dims: 2 for images, 3 for volumes, 1 for signals.
        in_channels: number of input channels.
        out_channels: number of output channels.
        deep_supervision: while training, return the logits of both U-Nets, see :class:`WNet`.
        kwargs: further arguments of :class:`SREUNet`, the same for both.

    Examples:
        >>> import torch
        >>> network = SREWNet(2, 3, 2, features=(8, 16, 8), kernel_size=3, deep_supervision=True)
        >>> network(torch.randn(1, 3, 65, 97)).shape
        torch.Size([1, 2, 2, 65, 97])
    """

    def __init__(
        self, spatial_dims: int, in_channels: int, out_channels: int, deep_supervision: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(SREUNet, spatial_dims, in_channels, out_channels, deep_supervision, **kwargs)
