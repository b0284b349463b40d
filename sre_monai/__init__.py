"""Symmetric rotation-equivariant (SRE) networks for MONAI.

What the package offers is listed in ``__init__.pyi`` and imported when it is first used.
"""

from importlib import import_module

import lazy_loader
import wrapt

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

# Importing this package does not import MONAI. Once both are imported, in either order, MONAI's layer factory has the
# layers: Conv["sre", 2].
wrapt.register_post_import_hook(lambda monai: import_module("sre_monai.layer_factory").register_layers(), "monai")
