"""Symmetric rotation-equivariant (SRE) networks for MONAI.

What the package offers is listed in ``__init__.pyi`` and imported when it is first used.
"""

import lazy_loader
from monai.networks.layers import Conv

from sre_monai.former import offer_former_modules
from sre_monai_cli.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def register_layers() -> None:
    """Add ``Conv["sre", dims]``, ``"sretrans"`` and ``"sre_harmonic"`` to MONAI's layer factory.

    Called when ``sre_monai`` is imported; the layers are imported when they are first used.
    """
    Conv.add_factory_callable("sre", lambda dims: __getattr__(f"SREConv{dims}d"))
    Conv.add_factory_callable("sretrans", lambda dims: __getattr__(f"SREConvTranspose{dims}d"))
    Conv.add_factory_callable("sre_harmonic", lambda dims: __getattr__(f"SREHarmonicConv{dims}d"))


register_layers()
offer_former_modules()
