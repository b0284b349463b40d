from sre_monai import register_layers
from sre_monai.networks.layers.angular_harmonics import harmonic_magnitude
from sre_monai.networks.layers.harmonic_conv import harmonic_conv
from sre_monai.networks.layers.modules.sre_conv import SREConv1d, SREConv2d, SREConv3d
from sre_monai.networks.layers.modules.sre_conv_transpose import (
    SREConvTranspose1d,
    SREConvTranspose2d,
    SREConvTranspose3d,
)
from sre_monai.networks.layers.modules.sre_harmonic_conv import SREHarmonicConv2d, SREHarmonicConv3d
from sre_monai.networks.layers.pooling import SymmetricAvgPool, SymmetricMaxPool
from sre_monai.networks.layers.ring_conv import expand_kernel, ring_conv
from sre_monai.networks.layers.rings import PROFILES, RingProfile, ring_basis
from sre_monai.networks.layers.upsampling import SizeMemory, SymmetricUpsample, upsample_to

__all__ = [
    "PROFILES",
    "RingProfile",
    "SREConv1d",
    "SREConv2d",
    "SREConv3d",
    "SREConvTranspose1d",
    "SREConvTranspose2d",
    "SREConvTranspose3d",
    "SREHarmonicConv2d",
    "SREHarmonicConv3d",
    "SizeMemory",
    "SymmetricAvgPool",
    "SymmetricMaxPool",
    "SymmetricUpsample",
    "expand_kernel",
    "harmonic_conv",
    "harmonic_magnitude",
    "register_layers",
    "ring_basis",
    "ring_conv",
    "upsample_to",
]
