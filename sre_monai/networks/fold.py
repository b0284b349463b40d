"""Fold SRE convolutions into standard ones, for runtimes that support these only."""

from __future__ import annotations

import copy
from typing import Any

import torch
from monai.networks.layers import Conv
from torch import nn

from sre_monai.networks.layers.sre_conv import RingModule

__all__ = ["fold_sre"]


def fold_sre(network: nn.Module) -> nn.Module:
    """Replace every SRE convolution by a standard one with the same dense kernel.

    The folded network computes the same function and is meant for deployment: ONNX, TensorRT, TorchScript,
    ``torch.export``, quantisation. Further training would not keep the kernels symmetric. Load weights before folding:
    the folded parameters have the same names but other shapes.

    Args:
        network: any network with SRE convolutions, or one such layer; it is copied, not modified.

    Returns:
        The folded network.

    Examples:
        >>> from sre_monai.networks.nets import SREUNet
        >>> folded = fold_sre(SREUNet(2, 3, 2))
        >>> type(folded.encoder[0].conv_0.conv).__name__, folded.encoder[0].conv_0.conv.weight.shape
        ('Conv2d', torch.Size([32, 3, 9, 9]))
    """
    return _fold(copy.deepcopy(network), {})


def _fold(module: nn.Module, done: dict[nn.Module, nn.Module]) -> nn.Module:
    """Fold a module in place or replace it; a module used in several places stays shared."""
    if module not in done:
        done[module] = _dense(module) if isinstance(module, RingModule) else module
        for name, child in list(module._modules.items()):  # named_children() would skip shared modules
            if child is not None:
                setattr(module, name, _fold(child, done))
    return done[module]


@torch.no_grad()
def _dense(layer: Any) -> nn.Module:
    """Make the standard convolution with the kernel of an SRE convolution."""
    kind = "convtrans" if layer.transposed else "conv"
    own = {"output_padding": layer.output_padding} if layer.transposed else {"padding_mode": layer.padding_mode}
    dense: Any = Conv[kind, layer.spatial_dims](
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias is not None,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
        **own,
    )
    dense.weight.copy_(layer.kernel())
    if layer.bias is not None:
        dense.bias.copy_(layer.bias)
    dense.requires_grad_(layer.weight.requires_grad)
    return dense.train(layer.training)
