"""Project kernels onto the nearest SRE kernels, by least squares over the rings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def project_kernel(kernel: Tensor, rings: Tensor) -> tuple[Tensor, float]:
    r"""Find the ring weights whose kernel is nearest to a given kernel.

    Minimises :math:`\lVert K - \sum_j w_j \, \mathrm{ring}_j \rVert_2` over :math:`w` for every pair of channels. For
    ``bands`` the solution is the mean over each ring.

    Args:
        kernel: (out_channels, in_channels, *k*, …, *k*).
        rings: (rings, *k*, …, *k*), see :func:`~sre_monai.networks.layers.ring_basis`.

    Returns:
        The weights, (out_channels, in_channels, rings), and the relative L2 norm of the residual: 0 for an SRE kernel,
        1 for a kernel without any symmetric part.

    Raises:
        ValueError: if kernel and rings differ in size.

    Examples:
        >>> from sre_monai.networks.layers import ring_basis
        >>> weight, loss = project_kernel(torch.tensor([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]]), ring_basis(3, 2))
        >>> weight.abs().max().item(), loss  # an edge filter has no isotropic part
        (0.0, 1.0)
    """
    if kernel.shape[2:] != rings.shape[1:]:
        raise ValueError(f"kernel of size {tuple(kernel.shape[2:])} and rings of {tuple(rings.shape[1:])} differ.")
    basis = rings.flatten(1).to(torch.float64).cpu()
    taps = kernel.detach().flatten(2).to(torch.float64).cpu()
    weight = taps @ torch.linalg.pinv(basis)
    norm = taps.norm()
    loss = (taps - weight @ basis).norm() / norm if norm > 0 else norm
    return weight.to(kernel), loss.item()


@torch.no_grad()
def project_onto(target: Any, kernel: Tensor, bias: Tensor | None) -> float:
    """Set the weights of an SRE convolution to the projection of a standard kernel.

    A smaller kernel is padded, a larger one cropped to the centre, and an even one averaged over its two positions
    along every axis.

    Args:
        target: the SRE convolution, with as many channels as the kernel.
        kernel: (out_channels, in_channels / groups, …), of any size.
        bias: (out_channels,) or None.

    Returns:
        The relative L2 norm of the residual.
    """
    weight, loss = project_kernel(_centred(kernel, target.kernel_size[0]), target.kernel_basis())
    target.weight.copy_(weight)
    if bias is not None:
        target.bias.copy_(bias)
    return loss


def _centred(kernel: Tensor, size: int) -> Tensor:
    """Pad or crop a kernel to an odd size about its centre."""
    for axis in range(2, kernel.ndim):
        margin, is_even = divmod(size - kernel.shape[axis], 2)
        if is_even:
            kernel = (_pad_axis(kernel, axis, 0, 1) + _pad_axis(kernel, axis, 1, 0)) / 2
        kernel = _pad_axis(kernel, axis, margin, margin)
    return kernel


def _pad_axis(kernel: Tensor, axis: int, before: int, after: int) -> Tensor:
    amounts = [0, 0] * (kernel.ndim - 1 - axis) + [before, after]
    return nn.functional.pad(kernel, amounts)
