"""SRE segmentation networks and standard ones for comparison, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from monai.networks.nets import BasicUNet
from torch import nn

from sre_monai.networks.nets.sre_unet import SREUNet
from sre_monai.networks.nets.sre_wnet import SREWNet
from sre_monai.networks.nets.wnet import WNet

__all__ = ["SEGMENTERS", "build_segmenter"]

HARMONICS: dict[str, Any] = {"kernel_size": 3, "profile": "gaussian", "harmonics": (1, 2)}
SMALL = {"features": (16, 16, 32, 48, 64, 16), **HARMONICS}
SEGMENTERS: dict[str, Callable[..., nn.Module]] = {
    "sre_harmonic_unet": partial(SREUNet, features=(16, 32, 48, 64, 96, 16), **HARMONICS),
    "sre_harmonic_unet_small": partial(SREUNet, **SMALL),
    "sre_harmonic_wnet": partial(SREWNet, **SMALL),
    "sre_gaussian_unet": partial(SREUNet, profile="gaussian"),
    "sre_unet": SREUNet,
    "unet": partial(BasicUNet, features=(32, 32, 64, 128, 256, 32), norm="batch"),
    "small_unet": partial(BasicUNet, features=(11, 11, 22, 44, 96, 11), norm="batch"),
    "small_wnet": partial(WNet, BasicUNet, features=(8, 8, 16, 32, 64, 8), norm="batch"),
}
"""The networks by name, without the arguments of :func:`build_segmenter`."""


def build_segmenter(net: str, spatial_dims: int, in_channels: int, out_channels: int, **kwargs: Any) -> nn.Module:
    """Build an SRE or standard segmentation network by name.

    =============================  ===================================================================  ==========
    net                            network                                                              parameters
    =============================  ===================================================================  ==========
    ``"sre_harmonic_unet"``        SRE U-Net of five levels, 3×3 kernels, smooth rings, harmonics       258,250
    ``"sre_harmonic_unet_small"``  the same with fewer channels                                         125,098
    ``"sre_harmonic_wnet"``        two of these in a row                                                250,324
    ``"sre_unet"``                 the published SRE U-Net of four levels, 9×9 kernels, constant rings  274,306
    ``"sre_gaussian_unet"``        the same with smooth rings                                           274,306
    ``"unet"``                     MONAI's ``BasicUNet``, 3×3 kernels, batch normalisation, published   1,979,042
    ``"small_unet"``               the same with about as many parameters as ``"sre_harmonic_unet"``    256,156
    ``"small_wnet"``               two in a row, about as many as ``"sre_harmonic_wnet"``               249,700
    =============================  ===================================================================  ==========

    Parameters are those of images, 3 to 2 channels. Harmonics are of order 1 and 2, constant rings of constant width.
    The published networks are those of Zhang et al., ISBI 2025, https://arxiv.org/abs/2501.14592.

    Args:
        net: one of ``SEGMENTERS``.
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: number of input channels.
        out_channels: number of logits per pixel.
        kwargs: further arguments of the network, which override those of the name.

    Returns:
        The network, which maps (batch, in_channels, *spatial*) to (batch, out_channels, *spatial*).

    Raises:
        ValueError: if the name is unknown.

    Examples:
        >>> sum(p.numel() for p in build_segmenter("sre_harmonic_unet", 2, 3, 2).parameters())
        258250
    """
    if net not in SEGMENTERS:
        raise ValueError(f"net must be one of {', '.join(SEGMENTERS)}, got {net!r}.")
    return SEGMENTERS[net](spatial_dims=spatial_dims, in_channels=in_channels, out_channels=out_channels, **kwargs)
