"""SRE classifiers and standard ones for comparison, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from monai.networks.nets import resnet18, resnet50
from torch import nn

from sre_monai.networks.nets.sre_resnet import sre_r3d_18, sre_resnet18, sre_resnet50

__all__ = ["CLASSIFIERS", "build_classifier"]

HARMONICS: dict[str, Any] = {"kernel_size": 3, "profile": "gaussian", "harmonics": (1, 2)}
SRE: dict[str, Callable[..., nn.Module]] = {
    "sre_resnet18": sre_resnet18,
    "sre_resnet50": sre_resnet50,
    "sre_harmonic_resnet18": partial(sre_resnet18, **HARMONICS),
}
ORDINARY = {"resnet18": resnet18, "resnet50": resnet50}
CLASSIFIERS = (*SRE, "sre_r3d_18", *ORDINARY)
"""Names of the networks."""


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
    if net not in CLASSIFIERS:
        raise ValueError(f"net must be one of {', '.join(CLASSIFIERS)}, got {net!r}.")
    if net == "sre_r3d_18":
        if spatial_dims != 3:
            raise ValueError(f"net sre_r3d_18 is for volumes; for {spatial_dims} spatial axes take sre_resnet18.")
        return sre_r3d_18(in_channels, num_classes, **kwargs)
    if net in SRE:
        return SRE[net](in_channels, num_classes, spatial_dims, **kwargs)
    stem = {"conv1_t_size": 3 if spatial_dims == 3 else 5, "conv1_t_stride": 1, "no_max_pool": True}
    return ORDINARY[net](
        spatial_dims=spatial_dims, n_input_channels=in_channels, num_classes=num_classes,
        **{**stem, "bias_downsample": False, **kwargs},
    )  # fmt: skip
