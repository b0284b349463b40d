"""Converted networks for ``torch.jit.script``."""

# no `from __future__ import annotations`: TorchScript cannot read annotations that are strings

from typing import Any

import torch
from torch import Tensor, nn

from sre_monai.networks.fold import fold_sre
from sre_monai.networks.layers import SizeMemory, SymmetricAvgPool, SymmetricMaxPool, SymmetricUpsample
from sre_monai.networks.layers.foldable import hand_over
from sre_monai.networks.layers.upsampling import ScriptableSizes

__all__ = ["ScriptableConverted"]


class ScriptableConverted:
    """Answer of a converted network to ``torch.jit.script``, which asks for it by ``__prepare_scriptable__``.

    Args:
        network: the converted network.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def __call__(self) -> nn.Module:
        """Make a folded copy whose poolings and upsamplings share their memory of sizes in TorchScript."""
        network = fold_sre(self.network)
        network.__dict__.pop("__prepare_scriptable__", None)
        for key, hook in list(network._forward_pre_hooks.items()):
            if isinstance(getattr(hook, "__self__", None), SizeMemory):
                del network._forward_pre_hooks[key]
        if not any(isinstance(module, SymmetricUpsample) for module in network.modules()):
            return hand_over(self.network, network)
        sizes = torch.jit.script(ScriptableSizes())
        root = nn.Sequential(network)
        for module in list(root.modules()):
            for name, child in list(module._modules.items()):
                if isinstance(child, (SymmetricAvgPool, SymmetricMaxPool, SymmetricUpsample)):
                    setattr(module, name, child.scriptable(sizes))
        return hand_over(self.network, _Forgetting(root[0], sizes))


class _Forgetting(nn.Module):
    """A network whose memory of sizes is emptied before each forward pass."""

    def __init__(self, network: nn.Module, sizes: Any) -> None:
        super().__init__()
        self.network, self.sizes = network, sizes

    def forward(self, input: Tensor):  # whatever the network returns
        self.sizes.forget()
        return self.network(input)
