"""Registration in MONAI's layer factory: ``Conv["sre", 2]`` is :class:`SREConv2d`."""

from __future__ import annotations

from monai.networks.layers import Conv

from sre_monai.networks.layers import sre_conv

__all__ = ["register_layers"]


def register_layers() -> None:
    """Add ``Conv["sre", dims]`` and ``Conv["sretrans", dims]``; called once when ``sre_monai`` is imported."""
    Conv.add_factory_callable("sre", lambda dims: getattr(sre_conv, f"SREConv{dims}d"))
    Conv.add_factory_callable("sretrans", lambda dims: getattr(sre_conv, f"SREConvTranspose{dims}d"))
