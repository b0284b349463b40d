r"""Smooth rings, which follow a rotation by any angle far more closely than bands.

Ring *j* is :math:`\exp(-(d - r_j)^2 / 2\sigma^2)` with :math:`\sigma = 0.6` px and radii :math:`r_j` evenly spaced from
0 to :math:`c = \lfloor k/2 \rfloor`, and zero beyond :math:`c + \frac12`.
"""

from __future__ import annotations

import numpy as np

from sre_monai.networks.layers.ring_profile import RingProfile

__all__ = ["Profile"]

_SIGMA = 0.6  # px; the smallest width at which neighbouring rings still blend without a gap between them


class Profile(RingProfile):
    """Rings that fall off smoothly on both sides of their radius."""

    def basis(self, distance: np.ndarray, num_rings: int, circular: bool) -> np.ndarray:
        """Make the rings, see :meth:`RingProfile.basis`."""
        if not circular:
            raise ValueError("circular=False keeps the kernel's corners, where profile='gaussian' has no rings.")
        centre = len(distance) // 2
        radii = np.linspace(0.0, centre, num_rings).reshape(-1, *[1] * distance.ndim)
        return np.exp(-((distance - radii) ** 2) / (2 * _SIGMA**2)) * (distance < centre + 0.5)
