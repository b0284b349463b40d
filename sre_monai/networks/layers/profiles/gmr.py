r"""The rings of GMR-Conv: bands that are blended by Gaussians over the band index, their widths trained.

With one width for each ring, :math:`w'_l = \sum_j w_j \, g_j(l)`, where :math:`g_j` is the normal density about *j*.

References:
    Du et al., "GMR-Conv: An Efficient Rotation and Reflection Equivariant Convolution Kernel Using Gaussian Mixture
    Rings", arXiv 2504.02819, https://arxiv.org/abs/2504.02819.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sre_monai.networks.layers.profiles import bands

__all__ = ["Profile"]

_FULL_WIDTH = 2.355  # full width at half maximum of a normal density, in units of its sigma, as published
_SQRT_TWO_PI = 2.5066  # as published
_MIN_SIGMA = 1e-2


class Profile(bands.Profile):
    """Bands whose weights are blended. The parameter ``log_sigmas``, (num_rings,), has the widths' logarithms.

    Examples:
        >>> Profile().ring_weight(torch.tensor([1.0, 0.0]), log_sigmas=torch.zeros(2))  # the normal density at 0 and 1
        tensor([0.3989, 0.2420])
    """

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
