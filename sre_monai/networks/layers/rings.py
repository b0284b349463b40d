r"""Rings: the fixed patterns whose weighted sums are symmetric rotation-equivariant kernels.

A kernel is :math:`K = \sum_j w_j \, \mathrm{ring}_j`, where every ring depends on the distance *d* from the kernel's
centre alone. A *profile* is what the rings look like along that distance. With :math:`c = \lfloor k/2 \rfloor`:

- ``"bands"``, the rings of SRE-Conv: ring *j* is one where :math:`e_j \le d < e_{j+1}`, with edges evenly spaced from 0
  to :math:`c + \frac12`; farther offsets, the corners, are zero. Where the corners are kept, the edges run from 0 to
  the corner's distance, and the last ring is the corners alone.
- ``"gaussian"``, smooth rings, which follow a rotation by any angle far more closely:
  :math:`\exp(-(d - r_j)^2 / 2\sigma^2)` with :math:`\sigma = 0.6` px and radii :math:`r_j` evenly spaced from 0 to *c*,
  and zero beyond :math:`c + \frac12`.
- ``"gmr"``, the rings of GMR-Conv: bands whose weights are blended by Gaussians over the band index, their widths
  trained: :math:`w'_l = \sum_j w_j \, g_j(l)`, where :math:`g_j` is the normal density about *j*.

References:
    Du et al., "SRE-Conv: Symmetric Rotation Equivariant Convolution for Biomedical Image Classification", ISBI 2025,
    https://arxiv.org/abs/2501.09753; "GMR-Conv: An Efficient Rotation and Reflection Equivariant Convolution Kernel
    Using Gaussian Mixture Rings", arXiv 2504.02819, https://arxiv.org/abs/2504.02819.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

_SIGMA = 0.6  # px, of smooth rings; the smallest width at which neighbours still blend without a gap between them
_FULL_WIDTH = 2.355  # full width at half maximum of a normal density, in units of its sigma, as published for GMR-Conv
_SQRT_TWO_PI = 2.5066  # as published
_MIN_SIGMA = 1e-2


def ring_basis(
    kernel_size: int,
    spatial_dims: int,
    profile: str = "bands",
    num_rings: int | None = None,
    circular: bool = True,
) -> Tensor:
    """Make the ring basis of a cubic kernel.

    Args:
        kernel_size: edge length *k* in pixels, odd.
        spatial_dims: 1 (symmetric pairs), 2 (rings) or 3 (shells).
        profile: one of :data:`PROFILES`. The rings of ``"gmr"`` are those of ``"bands"``.
        num_rings: number of rings; by default *k* // 2 + 1, and one more when ``circular`` is False.
        circular: if False the corners are kept, as one ring more; not for ``"gaussian"``.

    Returns:
        Tensor of shape (rings, *k*, …, *k*), float64, values in [0, 1].

    Raises:
        ValueError: when an argument is outside the values above.

    Examples:
        >>> ring_basis(3, spatial_dims=2)[1]
        tensor([[1., 1., 1.],
                [1., 0., 1.],
                [1., 1., 1.]], dtype=torch.float64)
    """
    return torch.from_numpy(_ring_basis(kernel_size, spatial_dims, profile, num_rings, circular).copy())


@lru_cache(maxsize=256)  # networks repeat a few kernel sizes many times
def _ring_basis(kernel_size: int, spatial_dims: int, profile: str, num_rings: int | None, circular: bool) -> np.ndarray:
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd and positive for a kernel that has a centre, got {kernel_size}.")
    if spatial_dims not in (1, 2, 3):
        raise ValueError(f"spatial_dims must be 1, 2 or 3, got {spatial_dims}.")
    if num_rings is not None and num_rings < 1:
        raise ValueError(f"num_rings must be at least 1, got {num_rings}.")
    rings = num_rings or kernel_size // 2 + (1 if circular else 2)
    return get_profile(profile).basis(_distance(kernel_size, spatial_dims), rings, circular)


def _distance(kernel_size: int, spatial_dims: int) -> np.ndarray:
    """Distance of every kernel offset from the centre, in pixels."""
    axis = np.arange(kernel_size) - kernel_size // 2
    grid = np.meshgrid(*[axis] * spatial_dims, indexing="ij")
    return np.sqrt(sum(offset**2 for offset in grid))


class RingProfile(ABC):
    r"""The shape of the rings, and how the weights of a layer become weights of its rings.

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


class _Bands(RingProfile):
    """Rings that are one between two successive edges and zero elsewhere."""

    def basis(self, distance: np.ndarray, num_rings: int, circular: bool) -> np.ndarray:
        if circular:
            edges = np.linspace(0.0, len(distance) // 2 + 0.5, num_rings + 1)
        else:  # the corner's own distance is the last edge, and the offsets on it are a ring of their own
            edges = np.append(np.linspace(0.0, distance.max(), num_rings), np.inf)
        return np.stack([(lower <= distance) & (distance < upper) for lower, upper in pairwise(edges)]).astype(float)


class _Gaussian(RingProfile):
    """Rings that fall off smoothly on both sides of their radius."""

    def basis(self, distance: np.ndarray, num_rings: int, circular: bool) -> np.ndarray:
        if not circular:
            raise ValueError("circular=False keeps the kernel's corners, where profile='gaussian' has no rings.")
        centre = len(distance) // 2
        radii = np.linspace(0.0, centre, num_rings).reshape(-1, *[1] * distance.ndim)
        return np.exp(-((distance - radii) ** 2) / (2 * _SIGMA**2)) * (distance < centre + 0.5)


class _GaussianMixture(_Bands):
    """Bands whose weights are blended. The parameter ``log_sigmas``, (num_rings,), has the widths' logarithms."""

    def parameters(self, kernel_size: int, num_rings: int) -> dict[str, Tensor]:
        """Give the first widths: one band is as wide as the density at half its maximum."""
        if num_rings < 2:
            raise ValueError(
                f"profile='gmr' blends at least 2 rings, got {num_rings}; "
                "use another profile, a larger kernel_size or more num_rings."
            )
        width = kernel_size / (2 * (num_rings - 1)) / _FULL_WIDTH
        return {"log_sigmas": torch.full((num_rings,), math.log(width))}

    def ring_weight(self, weight: Tensor, *, log_sigmas: Tensor) -> Tensor:  # type: ignore[override]
        """Blend the weights; widths are kept between 0.01 and twice the number of rings, as published."""
        rings = len(log_sigmas)
        sigmas = log_sigmas.exp().clamp(min=_MIN_SIGMA, max=2 * rings)[:, None]
        index = torch.arange(rings, dtype=weight.dtype, device=weight.device)
        density = torch.exp(-0.5 * ((index - index[:, None]) / sigmas) ** 2) / (sigmas * _SQRT_TWO_PI)
        return weight @ density.to(weight.dtype)


PROFILES: dict[str, RingProfile] = {"bands": _Bands(), "gaussian": _Gaussian(), "gmr": _GaussianMixture()}
"""The ring profiles by name."""


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
        >>> get_profile("gmr").ring_weight(torch.tensor([1.0, 0.0]), log_sigmas=torch.zeros(2))  # density at 0 and 1
        tensor([0.3989, 0.2420])
    """
    if name not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {name!r}.")
    return PROFILES[name]
