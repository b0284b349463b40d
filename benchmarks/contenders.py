"""The layers and networks compared: ours, the published ones and standard ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from monai.networks.layers import Conv
from monai.networks.nets import BasicUNet
from monai.networks.utils import set_named_module
from torch import nn

from sre_monai.networks import mixed_precision
from sre_monai.networks.layers import SREConv2d
from sre_monai.networks.layers.accelerated import compiled
from sre_monai.networks.nets import SREUNet, build_classifier, build_segmenter
from tests.published import PublishedUNet, sre_conv, sre_resnet
from tests.published_gmr import gmr

__all__ = ["LAYERS", "RESNETS", "UNETS"]

Layer = Callable[[int, int, int, int], nn.Module]  # of spatial_dims, in_channels, out_channels, kernel_size


def ours(**options: str) -> Layer:
    """Make our layers."""

    def make(spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
        return Conv["sre", spatial_dims](in_channels, out_channels, kernel_size, padding="same", **options)

    return make


def ours_with_harmonics(spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """Make our layer with angular harmonics."""
    return Conv["sre_harmonic", spatial_dims](in_channels, out_channels, kernel_size)


def published_sre(spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """Make the layer of SRE-Conv 1.0.2."""
    layer = getattr(sre_conv(), f"SRE_Conv{spatial_dims}d")
    return layer(in_channels, out_channels, kernel_size, padding=kernel_size // 2)


def published_gmr(spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """Make the layer of GMR-Conv 1.0.3."""
    layer = getattr(gmr("gmr_conv"), f"GMR_Conv{spatial_dims}d")
    return layer(in_channels, out_channels, kernel_size, padding=kernel_size // 2)


def ordinary(spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """Make PyTorch's layer."""
    return Conv["conv", spatial_dims](in_channels, out_channels, kernel_size, padding=kernel_size // 2)


def ordinary_3(spatial_dims: int, in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    """Make PyTorch's 3×3 layer, for every kernel size."""
    return ordinary(spatial_dims, in_channels, out_channels, 3)


LAYERS: dict[str, Layer] = {
    "ours, bands": ours(),
    "ours, gaussian": ours(profile="gaussian"),
    "ours, harmonics": ours_with_harmonics,
    **({"ours, bands, PyTorch alone": ours(algorithm="rings")} if compiled.VARIANTS else {}),
    "SRE-Conv 1.0.2": published_sre,
    "GMR-Conv 1.0.3": published_gmr,
    "nn.Conv": ordinary,
    "nn.Conv 3×3": ordinary_3,
}


def our_unet(**options: str) -> Callable[[], nn.Module]:
    """Make our U-Net with the published settings."""
    return lambda: SREUNet(spatial_dims=2, in_channels=3, out_channels=2, **options)


def bundle_unet(**options: object) -> Callable[[], nn.Module]:
    """Make the retina bundle's U-Net."""
    return lambda: build_segmenter("sre_harmonic_unet", spatial_dims=2, in_channels=3, out_channels=2, **options)


def basic_unet(*features: int, **options: str) -> Callable[[], nn.Module]:
    """Make MONAI's U-Net."""
    return lambda: BasicUNet(2, 3, 2, features=features, **options)


def unet_of(layer: Layer) -> Callable[[], nn.Module]:
    """Make the published U-Net: MONAI's blocks with other convolutions."""

    def make() -> nn.Module:
        network = PublishedUNet()
        for name, module in list(network.named_modules()):
            if isinstance(module, sre_conv().SRE_Conv2d):
                set_named_module(network, name, layer(2, module.in_channels, module.out_channels, 9))
        return network

    return make


def with_algorithm(make: Callable[[], nn.Module], algorithm: str, least_channels: int = 1) -> Callable[[], nn.Module]:
    """Make a network whose layers of at least so many input channels are computed in one way."""

    def change() -> nn.Module:
        network = make()
        for module in network.modules():
            if isinstance(module, SREConv2d) and module.in_channels >= least_channels:
                module.algorithm = algorithm
        return network

    return change


def in_mixed_precision(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Make a network that computes in bfloat16 on a CPU."""
    return lambda: mixed_precision(make(), amp=True)


UNETS: dict[str, Callable[[], nn.Module]] = {
    "ours, bands": our_unet(),
    "ours, gaussian": our_unet(profile="gaussian"),
    "ours, bands, PyTorch alone": with_algorithm(our_unet(), "rings", least_channels=4),
    "ours, the bundle's with harmonics": bundle_unet(),
    "the same without harmonics": bundle_unet(harmonics=()),
    "BasicUNet, the same features": basic_unet(16, 32, 48, 64, 96, 16),
    "SRE-Conv 1.0.2": unet_of(published_sre),
    "nn.Conv 3×3": unet_of(ordinary_3),
    "BasicUNet, 1.98 M": basic_unet(32, 32, 64, 128, 256, 32),
}
if "avx512_bf16" in compiled.VARIANTS:
    UNETS |= {
        f"{name}, mixed precision": in_mixed_precision(UNETS[name])
        for name in ("ours, the bundle's with harmonics", "BasicUNet, the same features")
    }


def published_resnet() -> nn.Module:
    """Make the ResNet-18 of SRE-Conv 1.0.2, as its experiments do."""
    return sre_resnet().sre_resnet18(sre_conv_size=[9, 9, 5, 5], skip_first_maxpool=True, num_classes=2)


RESNETS: dict[str, Callable[[], nn.Module]] = {
    "ours, bands": partial(build_classifier, "sre_resnet18", 2, 3, 2),
    "ours, gaussian": partial(build_classifier, "sre_resnet18", 2, 3, 2, profile="gaussian"),
    "ours, harmonics and 3×3": partial(build_classifier, "sre_harmonic_resnet18", 2, 3, 2),
    "SRE-Conv 1.0.2": published_resnet,
    "nn.Conv 3×3": partial(build_classifier, "resnet18", 2, 3, 2),
}
