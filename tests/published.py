"""The published package SRE-Conv 1.0.2, an independent reference.

Importing it as a package fails without torchvision and torchio, which its layers don't need: they are loaded by file.
"""

import importlib.util
import sys
from functools import cache
from types import ModuleType
from unittest.mock import MagicMock, patch

import torch
from monai.networks.nets import BasicUNet
from monai.networks.nets.basic_unet import Down, TwoConv, UpCat
from monai.networks.utils import set_named_module
from torch import nn


def _load(name: str) -> ModuleType:
    """Load one file of the package, under another package name for its relative imports."""
    package = importlib.util.find_spec("SRE_Conv")
    assert package is not None, "SRE-Conv is missing: install the `test` extra"
    sys.modules.setdefault("published", ModuleType("published")).__path__ = []
    path = f"{package.submodule_search_locations[0]}/{name}.py"
    spec = importlib.util.spec_from_file_location(f"published.{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[f"published.{name}"] = module
    return module


@cache
def sre_conv() -> ModuleType:
    """The published module of layers."""
    return _load("sre_conv")


@cache
def sre_resnet() -> ModuleType:
    """The published module of 2D ResNets."""
    sre_conv()
    return _load("sre_resnet")


@cache
def sre_resnet_3d() -> ModuleType:
    """The published module of 3D ResNets; its imports from torchvision serve only networks without SRE layers."""
    sre_resnet()
    names = ["torchvision", "torchvision.utils", "torchvision.models", "torchvision.transforms"]
    names += ["torchvision.models._api", "torchvision.models._meta", "torchvision.models._utils"]
    stubs = {name: MagicMock() for name in [*names, "torchvision.transforms._presets"]}
    stubs["torchvision.models._api"].WeightsEnum = object
    with patch.dict(sys.modules, stubs):
        return _load("sre_resnet_3d")


class PublishedUNet(BasicUNet):
    """MONAI's BasicUNet cut to three levels, its 3×3 convolutions replaced by published 9×9 SRE convolutions."""

    def __init__(self, in_channels: int = 3, out_channels: int = 2) -> None:
        nn.Module.__init__(self)
        common = {
            "act": ("LeakyReLU", {"negative_slope": 0.1, "inplace": True}),
            "norm": "batch",
            "bias": True,
            "dropout": 0.0,
        }
        self.conv_0 = TwoConv(2, in_channels, 32, **common)
        self.down_1 = Down(2, 32, 32, **common)
        self.down_2 = Down(2, 32, 64, **common)
        self.down_3 = Down(2, 64, 128, **common)
        common["upsample"] = "nontrainable"
        self.upcat_3 = UpCat(2, 128, 64, 64, **common)
        self.upcat_2 = UpCat(2, 64, 32, 32, **common)
        self.upcat_1 = UpCat(2, 32, 32, 32, halves=False, **common)
        self.final_conv = nn.Conv2d(32, out_channels, kernel_size=1)
        for name, conv in list(self.named_modules()):
            if isinstance(conv, nn.Conv2d) and conv.kernel_size == (3, 3):
                published = sre_conv().SRE_Conv2d(conv.in_channels, conv.out_channels, 9, padding=4)
                set_named_module(self, name, published)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x0 = self.conv_0(x)
        x1 = self.down_1(x0)
        x2 = self.down_2(x1)
        x3 = self.down_3(x2)
        return self.final_conv(self.upcat_1(self.upcat_2(self.upcat_3(x3, x2), x1), x0))
