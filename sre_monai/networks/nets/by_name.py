"""SRE networks of the bundles and ordinary ones for comparison, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from monai.networks.nets import BasicUNet, resnet18, resnet50
from torch import nn

from sre_monai.networks.nets.sre_resnet import sre_r3d_18, sre_resnet18, sre_resnet50
from sre_monai.networks.nets.sre_unet import SREUNet
from sre_monai.networks.nets.sre_wnet import SREWNet


def _video_resnet(spatial_dims: int, **kwargs: Any) -> nn.Module:
    if spatial_dims != 3:
        raise ValueError(f"net sre_r3d_18 is for volumes; for {spatial_dims} spatial axes take sre_resnet18.")
    return sre_r3d_18(**kwargs)


def _ordinary_resnet(
    resnet: Callable[..., nn.Module], spatial_dims: int, in_channels: int, num_classes: int, **kwargs: Any
) -> nn.Module:
    stem = {"conv1_t_size": 3 if spatial_dims == 3 else 5, "conv1_t_stride": 1, "no_max_pool": True}
    kwargs = {**stem, "bias_downsample": False, **kwargs}
    return resnet(spatial_dims=spatial_dims, n_input_channels=in_channels, num_classes=num_classes, **kwargs)


HARMONICS: dict[str, Any] = {"kernel_size": 3, "profile": "gaussian", "harmonics": (1, 2)}
SMALL: dict[str, Any] = {"features": (16, 16, 32, 48, 64, 16), **HARMONICS}
SEGMENTERS: dict[str, Callable[..., nn.Module]] = {
    "sre_harmonic_unet": partial(SREUNet, features=(16, 32, 48, 64, 96, 16), **HARMONICS),
    "sre_harmonic_unet_small": partial(SREUNet, **SMALL),
    "sre_harmonic_wnet": partial(SREWNet, **SMALL),
    "sre_gaussian_unet": partial(SREUNet, profile="gaussian"),
    "sre_unet": SREUNet,
    "unet": partial(BasicUNet, features=(32, 32, 64, 128, 256, 32), norm="batch"),
    "small_unet": partial(BasicUNet, features=(11, 11, 22, 44, 96, 11), norm="batch"),
    "small_wnet": partial(SREWNet, unet=BasicUNet, features=(8, 8, 16, 32, 64, 8), norm="batch"),
}
"""The networks of :func:`build_segmenter`."""
CLASSIFIERS: dict[str, Callable[..., nn.Module]] = {
    "sre_resnet18": sre_resnet18,
    "sre_resnet50": sre_resnet50,
    "sre_harmonic_resnet18": partial(sre_resnet18, **HARMONICS),
    "sre_r3d_18": _video_resnet,
    "resnet18": partial(_ordinary_resnet, resnet18),
    "resnet50": partial(_ordinary_resnet, resnet50),
}
"""The networks of :func:`build_classifier`."""


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
    return _build(
        SEGMENTERS, net, spatial_dims=spatial_dims, in_channels=in_channels, out_channels=out_channels, **kwargs
    )


def build_classifier(
    net: str,
    spatial_dims: int,
    in_channels: int,
    num_classes: int,
    settings: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> nn.Module:
    """Build an SRE or standard classifier by name.

    The standard networks are MONAI's with the SRE networks' stem (one 5×5 convolution of stride 1, 3×3×3 for volumes,
    no max pooling) and strides, so that both have features of the same resolution. They have 3×3 kernels and strided
    convolutions.

    Args:
        net: one of ``CLASSIFIERS``: ``"sre_resnet18"``, ``"sre_resnet50"`` and their standard counterparts
            ``"resnet18"`` and ``"resnet50"`` for images or volumes, ``"sre_r3d_18"`` for volumes, and
            ``"sre_harmonic_resnet18"``, an SRE ResNet-18 with 3×3 kernels and harmonics 1 and 2, for edges and lines.
        spatial_dims: 2 for images, 3 for volumes.
        in_channels: number of input channels.
        num_classes: number of logits.
        settings: further arguments of the network.
        kwargs: further arguments of the network, which override ``settings``.

    Returns:
        The network, which maps (batch, in_channels, *spatial*) to (batch, num_classes).

    Raises:
        ValueError: if the name is unknown or the network does not support the number of spatial axes.

    Examples:
        >>> networks = [build_classifier(net, 2, 1, 2) for net in ("sre_resnet18", "resnet18")]
        >>> [sum(p.numel() for p in network.parameters()) for network in networks]
        [3992130, 11169730]
    """
    kwargs = {**(settings or {}), **kwargs}
    return _build(
        CLASSIFIERS, net, spatial_dims=spatial_dims, in_channels=in_channels, num_classes=num_classes, **kwargs
    )


def _build(networks: Mapping[str, Callable[..., nn.Module]], net: str, **kwargs: Any) -> nn.Module:
    if net not in networks:
        raise ValueError(f"net must be one of {', '.join(networks)}, got {net!r}.")
    return networks[net](**kwargs)
