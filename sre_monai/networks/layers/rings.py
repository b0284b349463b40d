"""Ring bases: the fixed patterns whose weighted sums are symmetric rotation-equivariant kernels."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import torch

__all__ = ["PROFILES", "ring_basis"]

PROFILES = ("bands", "gaussian")

GAUSSIAN_SIGMA = 0.6  # px; the smallest width at which neighbouring rings still blend without a gap between them


def ring_basis(
    kernel_size: int,
    spatial_dims: int,
    profile: str = "bands",
    num_rings: int | None = None,
    circular: bool = True,
) -> torch.Tensor:
    r"""Make the ring basis of a cubic kernel.

    A symmetric rotation-equivariant kernel is :math:`K = \sum_j w_j \, \mathrm{ring}_j`, where every ring depends on
    the distance :math:`d` from the kernel's centre alone. With :math:`c = \lfloor k/2 \rfloor`:

    - ``bands``: ring *j* is one where :math:`e_j \le d < e_{j+1}`, with edges evenly spaced from 0 to
      :math:`c + \frac12`; farther offsets, the corners, are zero. The definition of SRE-Conv.
    - ``gaussian``: ring *j* is :math:`\exp(-(d - r_j)^2 / 2\sigma^2)` with :math:`\sigma = 0.6` px and radii
      :math:`r_j` evenly spaced from 0 to *c*, zero beyond :math:`c + \frac12`. Smooth rings follow a continuous
      rotation far more closely than bands.

    Args:
        kernel_size: edge length *k* in pixels, odd.
        spatial_dims: 1 (symmetric pairs), 2 (rings) or 3 (shells).
        profile: ``"bands"`` or ``"gaussian"``.
        num_rings: number of rings; by default *c* + 1, and one more when ``circular`` is False.
        circular: if False the corners are kept: the edges run from 0 to the corner's distance, and the last ring is the
            corners alone. Only for ``bands``.

    Returns:
        Tensor of shape (rings, *k*, …, *k*), float64, values in [0, 1].

    Raises:
        ValueError: when an argument is outside the values above.

    Examples:
        >>> ring_basis(3, spatial_dims=2)[1]
        tensor([[1., 1., 1.],
                [1., 0., 1.],
                [1., 1., 1.]], dtype=torch.float64)

    References:
        Du et al., "SRE-Conv: Symmetric Rotation Equivariant Convolution for Biomedical Image Classification",
        ISBI 2025, https://arxiv.org/abs/2501.09753.
    """
    return _ring_basis(kernel_size, spatial_dims, profile, num_rings, circular).clone()


@lru_cache(maxsize=256)
def _ring_basis(
    kernel_size: int, spatial_dims: int, profile: str, num_rings: int | None, circular: bool
) -> torch.Tensor:
    """Cached `ring_basis`: networks repeat a few kernel sizes many times; callers must not write into the result."""
    _check(kernel_size, spatial_dims, profile, num_rings, circular)
    distance = _distance(kernel_size, spatial_dims)
    rings = num_rings or kernel_size // 2 + (1 if circular else 2)
    if profile == "gaussian":
        basis = _gaussian(distance, kernel_size // 2, rings)
    elif circular:
        basis = _bands(distance, np.linspace(0.0, kernel_size // 2 + 0.5, rings + 1))
    else:
        # the corner's own distance is the last edge, and the offsets on it are a ring of their own
        basis = _bands(distance, np.append(np.linspace(0.0, distance.max(), rings), np.inf))
    return torch.from_numpy(basis)


def _check(kernel_size: int, spatial_dims: int, profile: str, num_rings: int | None, circular: bool) -> None:
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd and positive for a kernel that has a centre, got {kernel_size}.")
    if spatial_dims not in (1, 2, 3):
        raise ValueError(f"spatial_dims must be 1, 2 or 3, got {spatial_dims}.")
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {PROFILES}, got {profile!r}.")
    if not circular and profile != "bands":
        raise ValueError(f"circular=False keeps the corners of 'bands' kernels only, got profile={profile!r}.")
    if num_rings is not None and num_rings < 1:
        raise ValueError(f"num_rings must be at least 1, got {num_rings}.")


def _distance(kernel_size: int, spatial_dims: int) -> np.ndarray:
    """Distance of every kernel offset from the centre, in pixels."""
    axis = np.arange(kernel_size) - kernel_size // 2
    grid = np.meshgrid(*[axis] * spatial_dims, indexing="ij")
    return np.sqrt(sum(offset**2 for offset in grid))


def _bands(distance: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Rings that are one between two successive edges."""
    return np.stack([(lower <= distance) & (distance < upper) for lower, upper in pairwise(edges)]).astype(float)


def _gaussian(distance: np.ndarray, centre: int, rings: int) -> np.ndarray:
    """Rings that fall off smoothly on both sides of their radius."""
    radii = np.linspace(0.0, centre, rings).reshape(-1, *[1] * distance.ndim)
    return np.exp(-((distance - radii) ** 2) / (2 * GAUSSIAN_SIGMA**2)) * (distance < centre + 0.5)
