"""Ring bases: the fixed patterns whose weighted sums are symmetric rotation-equivariant kernels."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from sre_monai.networks.layers.profiles import get_profile

__all__ = ["ring_basis"]


def ring_basis(
    kernel_size: int,
    spatial_dims: int,
    profile: str = "bands",
    num_rings: int | None = None,
    circular: bool = True,
) -> torch.Tensor:
    r"""Make the ring basis of a cubic kernel.

    A symmetric rotation-equivariant kernel is :math:`K = \sum_j w_j \, \mathrm{ring}_j`, where every ring depends on
    the distance from the kernel's centre alone.

    Args:
        kernel_size: edge length *k* in pixels, odd.
        spatial_dims: 1 (symmetric pairs), 2 (rings) or 3 (shells).
        profile: ``"bands"``, ``"gaussian"`` or ``"gmr"``, each defined in a module of
            :mod:`sre_monai.networks.layers.profiles`. The rings of ``"gmr"`` are those of ``"bands"``.
        num_rings: number of rings; by default :math:`\lfloor k/2 \rfloor + 1`, and one more when ``circular`` is False.
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
    return _ring_basis(kernel_size, spatial_dims, profile, num_rings, circular).clone()


@lru_cache(maxsize=256)
def _ring_basis(
    kernel_size: int, spatial_dims: int, profile: str, num_rings: int | None, circular: bool
) -> torch.Tensor:
    """Cached `ring_basis`: networks repeat a few kernel sizes many times; callers must not write into the result."""
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size must be odd and positive for a kernel that has a centre, got {kernel_size}.")
    if spatial_dims not in (1, 2, 3):
        raise ValueError(f"spatial_dims must be 1, 2 or 3, got {spatial_dims}.")
    if num_rings is not None and num_rings < 1:
        raise ValueError(f"num_rings must be at least 1, got {num_rings}.")
    rings = num_rings or kernel_size // 2 + (1 if circular else 2)
    return torch.from_numpy(get_profile(profile).basis(_distance(kernel_size, spatial_dims), rings, circular))


def _distance(kernel_size: int, spatial_dims: int) -> np.ndarray:
    """Distance of every kernel offset from the centre, in pixels."""
    axis = np.arange(kernel_size) - kernel_size // 2
    grid = np.meshgrid(*[axis] * spatial_dims, indexing="ij")
    return np.sqrt(sum(offset**2 for offset in grid))
