"""Fold SRE convolutions into standard ones, for runtimes that support these only."""

from __future__ import annotations

import copy

from torch import nn

from sre_monai.networks.layers.foldable import Foldable, Scriptable

__all__ = ["FoldedByScript", "fold_sre"]


def fold_sre(network: nn.Module) -> nn.Module:
    """Replace every SRE convolution by a standard one with the same dense kernel.

    The folded network computes the same function and is meant for deployment: ONNX, TensorRT, TorchScript,
    ``torch.export``, quantisation. Further training would not keep the kernels symmetric. Load weights before folding:
    the folded parameters have the same names but other shapes.

    ``torch.jit.script`` folds the networks of this package by itself.

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
        done[module] = module.fold() if isinstance(module, Foldable) else module
        for name, child in list(done[module]._modules.items()):  # named_children() would skip shared modules
            if child is not None:
                setattr(done[module], name, _fold(child, done))
    return done[module]


class FoldedByScript(Scriptable):
    """A network that ``torch.jit.script`` folds by itself."""

    def scriptable(self) -> nn.Module:
        """Make a folded copy."""
        return fold_sre(self)
