"""Fold SRE convolutions into standard ones, for runtimes that support these only."""

from __future__ import annotations

from torch import nn

from sre_monai.networks.copy_network import copy_network
from sre_monai.networks.layers.modules.ring_module import RingModule


def fold_sre(network: nn.Module) -> nn.Module:
    """Replace every SRE convolution by a standard one with the same dense kernel.

    The folded network computes the same function and is meant for deployment: ONNX, TensorRT, ``torch.export``,
    quantisation. Further training would not keep the kernels symmetric. Load weights before folding: the folded
    parameters have the same names but other shapes.

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
    return _fold(copy_network(network), {})


def _fold(module: nn.Module, done: dict[nn.Module, nn.Module]) -> nn.Module:
    """Fold a module in place or replace it; a module used in several places stays shared."""
    if module not in done:
        done[module] = module.fold() if isinstance(module, RingModule) else module
        for name, child in list(done[module]._modules.items()):  # named_children() would skip shared modules
            if child is not None:
                setattr(done[module], name, _fold(child, done))
    return done[module]
