"""Registration in MONAI's layer factory: ``Conv["sre", 2]`` is :class:`SREConv2d`."""

from __future__ import annotations

from monai.networks.layers import Conv

import sre_monai  # the layers are looked up when they are used

__all__ = ["register_layers"]


def register_layers() -> None:
    """Add ``Conv["sre", dims]``, ``"sretrans"`` and ``"sre_harmonic"``; called when ``sre_monai`` is imported."""
    Conv.add_factory_callable("sre", lambda dims: getattr(sre_monai, f"SREConv{dims}d"))
    Conv.add_factory_callable("sretrans", lambda dims: getattr(sre_monai, f"SREConvTranspose{dims}d"))
    Conv.add_factory_callable("sre_harmonic", lambda dims: getattr(sre_monai, f"SREHarmonicConv{dims}d"))
