"""The ring profiles.

Every module in this folder is a profile. The profile is named after its file, and is the class ``Profile`` in it, a
:class:`~sre_monai.networks.layers.ring_profile.RingProfile`. Nothing else has to be changed to add one.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from sre_monai.networks.layers.ring_profile import RingProfile

__all__ = ["PROFILES", "get_profile"]

PROFILES: dict[str, RingProfile] = {
    module.name: import_module(f"{__name__}.{module.name}").Profile() for module in iter_modules(__path__)
}
"""The profiles by name."""


def get_profile(name: str) -> RingProfile:
    """Get a profile by name.

    Args:
        name: one of :data:`PROFILES`.

    Returns:
        The profile.

    Raises:
        ValueError: when there is no profile of that name.

    Examples:
        >>> get_profile("square")
        Traceback (most recent call last):
        ValueError: profile must be one of bands, gaussian, gmr, got 'square'.
    """
    if name not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {name!r}.")
    return PROFILES[name]
