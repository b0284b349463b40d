r"""What a ring profile is: the shape of the rings, and how the weights of a layer become weights of its rings."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from torch import Tensor

__all__ = ["RingProfile"]


class RingProfile(ABC):
    r"""The radial profile of the rings and its trainable parameters.

    A kernel is :math:`K = \sum_j w'_j \, \mathrm{ring}_j`: :meth:`basis` gives the rings, and :meth:`ring_weight` gives
    :math:`w'` of a layer's weights :math:`w` and its further :meth:`parameters`. A profile has no state of its own.
    """

    @abstractmethod
    def basis(self, distance: np.ndarray, num_rings: int, circular: bool) -> np.ndarray:
        """Make the rings.

        Args:
            distance: (*k*, …, *k*), the distance of every offset from the kernel's centre, in pixels.
            num_rings: number of rings, at least 1.
            circular: if False, the kernel keeps its corners.

        Returns:
            (num_rings, *k*, …, *k*), values that depend on the distance alone, zero beyond *k* / 2 if ``circular``.

        Raises:
            ValueError: when the profile cannot keep the corners.
        """

    def parameters(self, kernel_size: int, num_rings: int) -> dict[str, Tensor]:
        """Return the initial parameters of a layer in addition to weight and bias; none by default.

        Args:
            kernel_size: edge length of the kernel in pixels.
            num_rings: number of rings.

        Returns:
            Initial values by name.

        Raises:
            ValueError: when the profile is not possible with so many rings.
        """
        return {}

    def ring_weight(self, weight: Tensor, **parameters: Tensor) -> Tensor:
        """Compute the weights of the rings; by default those of the layer.

        Args:
            weight: (…, num_rings).
            parameters: the layer's parameters of this profile, by name.

        Returns:
            (…, num_rings), linear in ``weight`` and differentiable in all arguments.
        """
        return weight
