"""The layers and networks that are timed side by side: ours, the published ones and standard ones."""

from collections.abc import Callable, Mapping
from functools import partial

from monai.networks.layers import Conv
from monai.networks.nets import BasicUNet
from monai.networks.utils import set_named_module
from torch import nn

from sre_monai.networks import mixed_precision
from sre_monai.networks.layers import SREConv2d
from sre_monai.networks.layers.kernels.library import VARIANTS
from sre_monai.networks.nets import SREUNet, build_classifier, build_segmenter
from tests.published import PublishedUNet, sre_conv, sre_resnet
from tests.published_gmr import gmr

REFERENCE, ORDINARY = "SRE-Conv 1.0.2", "nn.Conv 3×3"
"""What the others are compared with."""

Subjects = Mapping[str, Callable[..., nn.Module]]


def sre_layer(spatial_dims: int, channels: int, kernel_size: int, kind: str = "sre", **options: str) -> nn.Module:
    """Make our layer."""
    return Conv[kind, spatial_dims](channels, channels, kernel_size, padding="same", **options)


def ordinary_layer(spatial_dims: int, channels: int, kernel_size: int, size: int | None = None) -> nn.Module:
    """Make PyTorch's layer, if requested of another size."""
    size = size or kernel_size
    return Conv["conv", spatial_dims](channels, channels, size, padding=size // 2)


def published_layer(spatial_dims: int, channels: int, kernel_size: int, kind: str) -> nn.Module:
    """Make the layer of SRE-Conv or GMR-Conv."""
    package = sre_conv() if kind == "SRE" else gmr("gmr_conv")
    return getattr(package, f"{kind}_Conv{spatial_dims}d")(channels, channels, kernel_size, padding=kernel_size // 2)


LAYERS: Subjects = {
    "ours, bands": sre_layer,
    "ours, gaussian": partial(sre_layer, profile="gaussian"),
    "ours, harmonics": partial(sre_layer, kind="sre_harmonic"),
    **({"ours, bands, PyTorch alone": partial(sre_layer, algorithm="rings")} if VARIANTS else {}),
    REFERENCE: partial(published_layer, kind="SRE"),
    "GMR-Conv 1.0.3": partial(published_layer, kind="GMR"),
    "nn.Conv": ordinary_layer,
    ORDINARY: partial(ordinary_layer, size=3),
}
"""Layers by name, made of spatial dimensions, channels and kernel size."""


def pytorch_alone() -> nn.Module:
    """Make our U-Net without compiled layers, but for those of few input channels."""
    network = SREUNet(2, 3, 2)
    for module in network.modules():
        if isinstance(module, SREConv2d) and module.in_channels >= 4:
            module.algorithm = "rings"
    return network


def published_unet_of_3x3() -> nn.Module:
    """Make the published U-Net with ordinary convolutions: MONAI's blocks."""
    network = PublishedUNet()
    for name, module in list(network.named_modules()):
        if isinstance(module, sre_conv().SRE_Conv2d):
            set_named_module(network, name, nn.Conv2d(module.in_channels, module.out_channels, 3, padding=1))
    return network


def published_resnet() -> nn.Module:
    """Make the ResNet-18 of SRE-Conv 1.0.2, as its experiments do."""
    return sre_resnet().sre_resnet18(sre_conv_size=[9, 9, 5, 5], skip_first_maxpool=True, num_classes=2)


def in_bfloat16(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a network that computes in bfloat16 on a CPU."""
    return mixed_precision(make(), amp=True)


OURS, BASIC = partial(build_segmenter, "sre_harmonic_unet", 2, 3, 2), partial(BasicUNet, 2, 3, 2)
SAME_FEATURES = partial(BASIC, features=(16, 32, 48, 64, 96, 16))
UNETS: Subjects = {
    "ours, bands": partial(SREUNet, 2, 3, 2),
    "ours, gaussian": partial(SREUNet, 2, 3, 2, profile="gaussian"),
    "ours, bands, PyTorch alone": pytorch_alone,
    "ours, the bundle's with harmonics": OURS,
    "the same without harmonics": partial(OURS, harmonics=()),
    "BasicUNet, the same features": SAME_FEATURES,
    REFERENCE: PublishedUNet,
    ORDINARY: published_unet_of_3x3,
    "BasicUNet, 1.98 M": partial(BASIC, features=(32, 32, 64, 128, 256, 32)),
}
if "avx512_bf16" in VARIANTS:
    UNETS = {
        **UNETS,
        "ours, the bundle's with harmonics, mixed precision": partial(in_bfloat16, OURS),
        "BasicUNet, the same features, mixed precision": partial(in_bfloat16, SAME_FEATURES),
    }

RESNETS: Subjects = {
    "ours, bands": partial(build_classifier, "sre_resnet18", 2, 3, 2),
    "ours, gaussian": partial(build_classifier, "sre_resnet18", 2, 3, 2, profile="gaussian"),
    "ours, harmonics and 3×3": partial(build_classifier, "sre_harmonic_resnet18", 2, 3, 2),
    REFERENCE: published_resnet,
    ORDINARY: partial(build_classifier, "resnet18", 2, 3, 2),
}
