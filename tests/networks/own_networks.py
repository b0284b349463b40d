"""Small networks of this package."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sre_monai.networks.nets import SREUNet, SREWNet, sre_r3d_18, sre_resnet18, sre_resnet50

UNET = {"features": (4, 6, 8, 4), "kernel_size": 3, "profile": "gaussian"}
RESNET = {"features": (4, 4, 4, 4), "kernel_size": 3}

OWN: dict[str, Callable[[], nn.Module]] = {
    "rings": lambda: SREUNet(2, 3, 2, **UNET),
    "harmonics": lambda: SREUNet(2, 3, 2, **UNET, harmonics=(1, 2)),
    "one harmonic": lambda: SREUNet(2, 3, 2, **UNET, harmonics=(2,)),
    "average pooling": lambda: SREUNet(2, 3, 2, **UNET, pooling="average", norm=None, dropout=0.1),
    "signals": lambda: SREUNet(1, 3, 2, **UNET),
    "volumes": lambda: SREUNet(3, 3, 2, **UNET, harmonics=(1, 2)),
    "W-Net": lambda: SREWNet(2, 3, 2, **UNET, harmonics=(1, 2)),
    "ResNet-18": lambda: sre_resnet18(3, 2, **RESNET, harmonics=(1, 2)),
    "ResNet-50": lambda: sre_resnet50(3, 2, features=(4, 4, 4, 4), first_pool=True),
    "R3D-18": lambda: sre_r3d_18(3, 2, **RESNET),
}
SIZES = {1: (35,), 2: (20, 33), 3: (16, 17, 18)}


def trained(build: Callable[[], nn.Module]) -> tuple[nn.Module, Tensor]:
    """Build a network whose normalisations have their own statistics and weights, for evaluation; and an input."""
    torch.manual_seed(0)
    network = build()
    spatial_dims = getattr(network, "spatial_dims", 2)
    x = torch.randn(2, 3, *SIZES[spatial_dims])
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    with torch.no_grad():
        for _ in range(3):
            network.train()(x)
    return network.eval(), x[:1]
