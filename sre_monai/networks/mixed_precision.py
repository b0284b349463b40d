"""Mixed precision on CPUs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def mixed_precision(network: nn.Module, amp: bool) -> nn.Module:
    """Let a network on a CPU compute in bfloat16 where PyTorch's autocast does.

    MONAI's engines use mixed precision on GPUs only. Weights, gradients and what the network returns remain float32.
    CPUs with instructions for bfloat16 (AVX512-BF16) become faster; others hardly do.

    Args:
        network: the network, on its device.
        amp: whether to use mixed precision.

    Returns:
        A module that shares the network's parameters; the network itself without `amp` and on other devices.

    Examples:
        >>> network = mixed_precision(nn.Conv2d(3, 1, 3), amp=True)
        >>> network(torch.rand(1, 3, 8, 8)).dtype
        torch.float32
    """
    on_cpu = all(parameter.device.type == "cpu" for parameter in network.parameters())
    return _CPUAutocast(network) if amp and on_cpu else network


class _CPUAutocast(nn.Module):
    """A network under autocast."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.network(*args, **kwargs).float()
