"""Blocks of MONAI whose own code breaks equivariance: subclasses that a converted network uses instead."""

from __future__ import annotations

from typing import Any

import torch
from monai.networks.blocks.dints_block import FactorizedReduceBlock
from monai.networks.blocks.mednext_block import MedNeXtDownBlock, MedNeXtUpBlock
from monai.networks.nets.autoencoderkl import AEKLDownsample
from monai.networks.nets.dints import _FactorizedReduceBlockWithRAMCost
from monai.networks.nets.hovernet import _ResidualBlock as HoVerNetBlock
from torch import Tensor, nn


class _SymmetricReduceBlock(FactorizedReduceBlock):
    """Apply both strided convolutions to the same pixels; MONAI's block shifts the second one by a pixel."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(x)
        return self.norm(torch.cat([self.conv_1(x), self.conv_2(x)], dim=1))


class _SymmetricReduceBlockWithRAMCost(_SymmetricReduceBlock, _FactorizedReduceBlockWithRAMCost):
    """The same for a network of DiNTS."""


_ADAPTED: dict[type[nn.Module], type[nn.Module]] = {
    MedNeXtUpBlock: MedNeXtDownBlock,  # its forward pads one side; the down block is identical except for that
    FactorizedReduceBlock: _SymmetricReduceBlock,
    _FactorizedReduceBlockWithRAMCost: _SymmetricReduceBlockWithRAMCost,
}
_CONSTANT_PADS = (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)


def adapt_block(block: nn.Module) -> None:
    """Change a block of MONAI in place so that its own code is equivariant, where there is a way.

    Args:
        block: any module.
    """
    _absorb_padding(block)
    _pad_alike(block)
    if type(block) in _ADAPTED:
        block.__class__ = _ADAPTED[type(block)]  # type: ignore[assignment]


def _pad_alike(block: Any) -> None:
    """Pad both sides of strided convolutions alike."""
    kind = type(block)
    if kind is AEKLDownsample:  # pads one side before its convolution
        block.pad, block.conv.conv.padding = nn.Identity(), (1,) * len(block.conv.conv.padding)
    if kind is HoVerNetBlock and block.shortcut.stride == (2, 2):  # pads by one more, and crops one side
        block.layers.denselayer_0.layers.conv2.padding = (1, 1)


def _absorb_padding(parent: nn.Module) -> None:
    """Replace padding modules by symmetric padding of the convolutions.

    MONAI's EfficientNet pads asymmetrically by ``X_padding`` before its convolution ``X``, for one image size.
    """
    for name, conv in list(parent.named_children()):
        pad: Any = getattr(parent, f"{name}_padding", None)
        if isinstance(pad, _CONSTANT_PADS) and isinstance(conv, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
            conv.padding = tuple(d * (k - 1) // 2 for d, k in zip(conv.dilation, conv.kernel_size))
            setattr(parent, f"{name}_padding", nn.Identity())
