"""Symmetric rotation-equivariant (SRE) networks for MONAI."""

from sre_monai.networks.layers.factories import register_layers

__version__ = "0.1.0"

register_layers()
