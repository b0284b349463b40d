"""Symmetric rotation-equivariant (SRE) networks for MONAI.

What the package offers is listed in ``__init__.pyi`` and imported when it is first used.
"""

import lazy_loader

from sre_monai.layer_factory import register_layers

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register_layers()  # Conv["sre", 2] in MONAI's layer factory
