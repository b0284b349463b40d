r"""The rings of SRE-Conv: bands of constant value.

With :math:`c = \lfloor k/2 \rfloor`, ring *j* is one where :math:`e_j \le d < e_{j+1}`, with edges evenly spaced from 0
to :math:`c + \frac12`; farther offsets, the corners, are zero. Where the corners are kept, the edges run from 0 to the
corner's distance, and the last ring is the corners alone.

References:
    Du et al., "SRE-Conv: Symmetric Rotation Equivariant Convolution for Biomedical Image Classification", ISBI 2025,
    https://arxiv.org/abs/2501.09753.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sre_monai.networks.layers.ring_profile import RingProfile

__all__ = ["Profile"]


class Profile(RingProfile):
    """Rings that are one between two successive edges and zero elsewhere."""

    def basis(self, distance: np.ndarray, num_rings: int, circular: bool) -> np.ndarray:
        """Make the rings, see :meth:`RingProfile.basis`."""
        if circular:
            edges = np.linspace(0.0, len(distance) // 2 + 0.5, num_rings + 1)
        else:  # the corner's own distance is the last edge, and the offsets on it are a ring of their own
            edges = np.append(np.linspace(0.0, distance.max(), num_rings), np.inf)
        return np.stack([(lower <= distance) & (distance < upper) for lower, upper in pairwise(edges)]).astype(float)
