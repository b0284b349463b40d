"""Saliency of classifiers: feature maps and class activation maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from monai.visualize import GradCAM
from torch import nn

from sre_monai.networks.layers import upsample_to

ORANGE = (230, 159, 0)  # of Okabe and Ito's palette
OPACITY = 0.8
TILE = 112  # px, least edge length of a tile
GAP = 4  # px between tiles


class SaliencyMaps:
    """Compute the feature magnitude of a layer and its saliency for a class.

    The second is Grad-CAM (Selvaraju et al., ICCV 2017, https://arxiv.org/abs/1610.02391), by MONAI. Both maps of an
    equivariant network are equivariant too.

    Args:
        network: maps (1, C, *spatial*) to (1, K). The layer gets hooks that stay.
        target_layer: name of the layer, the last one with spatial axes for example.

    Raises:
        ValueError: when the network has no such layer.

    Examples:
        >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        >>> features, saliency = SaliencyMaps(network, "0")(torch.rand(1, 1, 16, 16), class_index=1)
        >>> saliency.shape
        torch.Size([1, 1, 16, 16])
    """

    def __init__(self, network: nn.Module, target_layer: str = "layer4") -> None:
        if target_layer not in dict(network.named_modules()):
            raise ValueError(f"target_layer must be the name of a module of the network, got {target_layer!r}.")
        self.target_layer = target_layer
        self.grad_cam = GradCAM(
            network, target_layer, upsampler=lambda size: partial(upsample_to, size=size), postprocessing=_to_unit
        )

    def __call__(self, x: torch.Tensor, class_index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute both maps of an image.

        Args:
            x: (1, C, *spatial*).
            class_index: the class to explain.

        Returns:
            Mean magnitude of the layer's features, and saliency: both (1, 1, *spatial*), scaled to 0–1.
        """
        with torch.enable_grad():
            saliency = self.grad_cam(x, class_idx=class_index)
        features = self.grad_cam.nn_module.activations[self.target_layer].detach().abs().mean(dim=1, keepdim=True)
        return _to_unit(upsample_to(features, list(x.shape[2:]))), saliency.detach()


def saliency_picture(rows: Sequence[Sequence[torch.Tensor]]) -> np.ndarray:
    """Arrange images beside their maps: image, features, and saliency as an orange tint over the image.

    Of volumes the middle slice across the first axis is shown.

    Args:
        rows: for each row image, features and saliency: (C, W, H) or (C, X, Y, Z), the maps with one channel and
            values 0–1. Images are scaled to their own range.

    Returns:
        The picture, uint8 of shape (height, width, 3).

    Examples:
        >>> saliency_picture([[torch.rand(1, 28, 28)] * 3] * 2).shape
        (228, 344, 3)
    """
    strips = []
    for image, features, saliency in rows:
        grey = _tile(_range_to_unit(image)).mean(axis=-1, keepdims=True)
        heat = OPACITY * _tile(saliency)
        overlay = grey * (1 - heat) + np.array(ORANGE) / 255 * heat
        strips.append(_join([_tile(_range_to_unit(image)), _tile(features), overlay], axis=1))
    return np.rint(255 * _join(strips, axis=0)).astype(np.uint8)


def _tile(x: torch.Tensor) -> np.ndarray:
    """One map as a picture (height, width, 3), its pixels enlarged."""
    plane = x.detach().float().cpu()
    if plane.ndim == 4:
        plane = plane[:, plane.shape[1] // 2]
    pixels = plane.numpy().transpose(2, 1, 0)
    scale = max(1, -(-TILE // max(pixels.shape[:2])))
    pixels = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3)) if pixels.shape[2] == 1 else pixels[..., :3]


def _join(tiles: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Put tiles side by side or one above the other, white between them."""
    shape = list(tiles[0].shape)
    shape[axis] = GAP
    parts = [part for tile in tiles for part in (np.ones(shape), tile)]
    return np.concatenate(parts[1:], axis=axis)


def _to_unit(x: torch.Tensor) -> torch.Tensor:
    """Scale maps that are nowhere negative to a maximum of one."""
    greatest = x.amax(dim=tuple(range(1, x.ndim)), keepdim=True)
    return x / greatest.clamp_min(torch.finfo(x.dtype).tiny)


def _range_to_unit(x: torch.Tensor) -> torch.Tensor:
    """Scale an image's range to 0–1."""
    return (x - x.min()) / (x.max() - x.min()).clamp_min(torch.finfo(x.dtype).tiny)
