r"""The rings of GMR-Conv: bands that are blended by Gaussians over the band index, their widths trained.

With one width for each ring, :math:`w'_l = \sum_j w_j \, g_j(l)`, where :math:`g_j` is the normal density about *j*. So
the layer is one of ``bands`` whose weights are mixed: the widths are parameters, and differentiable like the weights.

References:
    Du et al., "GMR-Conv: An Efficient Rotation and Reflection Equivariant Convolution Kernel Using Gaussian Mixture
    Rings", arXiv 2504.02819, https://arxiv.org/abs/2504.02819.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["initial_log_sigmas", "mix_bands"]

_FULL_WIDTH = 2.355  # full width at half maximum of a normal density, in units of its sigma, as published
_SQRT_TWO_PI = 2.5066  # as published
_MIN_SIGMA = 1e-2


def initial_log_sigmas(kernel_size: int, rings: int) -> Tensor:
    """Give the logarithms of the widths that a new layer has: one band is as wide as the density at half its maximum.

    Args:
        kernel_size: edge length of the kernel in pixels.
        rings: number of rings, at least 2.

    Returns:
        (rings,), float32.

    Examples:
        >>> initial_log_sigmas(9, 5).exp()[0]
        tensor(0.4777)
    """
    width = kernel_size / (2 * (rings - 1)) / _FULL_WIDTH
    return torch.full((rings,), math.log(width))


def mix_bands(weight: Tensor, log_sigmas: Tensor) -> Tensor:
    """Blend the weights of rings into weights of bands.

    Args:
        weight: (…, rings).
        log_sigmas: (rings,), logarithms of the widths, in bands; widths are kept between 0.01 and twice the number of
            rings, as published.

    Returns:
        (…, rings), the weights of the bands.

    Examples:
        >>> mix_bands(torch.tensor([1.0, 0.0]), torch.zeros(2))  # the normal density at 0 and 1
        tensor([0.3989, 0.2420])
    """
    rings = len(log_sigmas)
    sigmas = log_sigmas.exp().clamp(min=_MIN_SIGMA, max=2 * rings)[:, None]
    index = torch.arange(rings, dtype=weight.dtype, device=weight.device)
    density = torch.exp(-0.5 * ((index - index[:, None]) / sigmas) ** 2) / (sigmas * _SQRT_TWO_PI)
    return weight @ density.to(weight.dtype)
