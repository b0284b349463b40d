"""The SRE kernel nearest to an ordinary one, by least squares over the rings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["project_kernel", "project_onto"]


def project_kernel(kernel: Tensor, rings: Tensor) -> tuple[Tensor, float]:
    r"""Find the ring weights whose kernel is nearest to a given one.

    Least squares: :math:`\min_w \lVert K - \sum_j w_j \, \mathrm{ring}_j \rVert_2` for every pair of channels. For
    ``bands`` it is the mean over each ring.

    Args:
        kernel: (out_channels, in_channels, *k*, …, *k*).
        rings: (rings, *k*, …, *k*), see :func:`~sre_monai.networks.layers.ring_basis`.

    Returns:
        The weights, (out_channels, in_channels, rings); and what of the kernel is lost, as its relative L2 norm: 0 for
        a kernel made of rings, 1 for one without any symmetric part.

    Raises:
        ValueError: when kernel and rings differ in size.

    Examples:
        >>> from sre_monai.networks.layers import ring_basis
        >>> weight, loss = project_kernel(torch.tensor([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]]), ring_basis(3, 2))
        >>> weight.abs().max().item(), loss  # an edge filter sees nothing but direction
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
    """Set an SRE convolution to the nearest of an ordinary kernel.

    A smaller kernel is laid at the centre of the target's, a larger one cut to its centre, and an even one averaged
    over its two places along every axis.

    Args:
        target: the SRE convolution, of the kernel's channels.
        kernel: (out_channels, in_channels / groups, …), of any size.
        bias: (out_channels,) or None.

    Returns:
        What of the kernel is lost, as its relative L2 norm.
    """
    weight, loss = project_kernel(_centred(kernel, target.kernel_size[0]), target.kernel_basis())
    target.weight.copy_(weight)
    if bias is not None:
        target.bias.copy_(bias)
    return loss


def _centred(kernel: Tensor, size: int) -> Tensor:
    """Bring a kernel to an odd size about its centre."""
    for axis in range(2, kernel.ndim):
        margin, is_even = divmod(size - kernel.shape[axis], 2)
        if is_even:
            kernel = (_pad_axis(kernel, axis, 0, 1) + _pad_axis(kernel, axis, 1, 0)) / 2
        kernel = _pad_axis(kernel, axis, margin, margin)
    return kernel


def _pad_axis(kernel: Tensor, axis: int, before: int, after: int) -> Tensor:
    amounts = [0, 0] * (kernel.ndim - 1 - axis) + [before, after]
    return nn.functional.pad(kernel, amounts)
