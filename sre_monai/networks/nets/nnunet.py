"""The U-Net with the interface that nnU-Net's plans call for."""

from __future__ import annotations

from typing import Any

from sre_monai.networks.nets.sre_unet import SREUNet


class SREUNetForNNUNet(SREUNet):
    """:class:`SREUNet`, to be named in a plans file of nnU-Net and trained by ``nnUNetv2_train``.

    The file's ``architecture`` gets ``network_class_name: sre_monai.networks.nets.SREUNetForNNUNet``, the arguments
    below as ``arch_kwargs``, and an empty ``_kw_requires_import``. The network has one output and no deep supervision:
    train with ``-tr nnUNetTrainerNoDeepSupervision``.

    Args:
        input_channels: number of input channels; nnU-Net gives it.
        num_classes: number of output channels; nnU-Net gives it.
        deep_supervision: what the trainer asks for; must be false.
        arguments: those of :class:`SREUNet` but for the channels, ``spatial_dims`` among them.

    Raises:
        ValueError: when the trainer asks for deep supervision, or as `SREUNet` says.

    Examples:
        >>> import torch
        >>> network = SREUNetForNNUNet(1, 3, spatial_dims=3, features=[8, 16, 8], kernel_size=3)
        >>> network(torch.randn(1, 1, 8, 9, 10)).shape
        torch.Size([1, 3, 8, 9, 10])
    """

    def __init__(self, input_channels: int, num_classes: int, deep_supervision: bool = False, **arguments: Any) -> None:
        if deep_supervision:
            raise ValueError(
                "this network has one output and no deep supervision; train with -tr nnUNetTrainerNoDeepSupervision."
            )
        super().__init__(in_channels=input_channels, out_channels=num_classes, **arguments)
