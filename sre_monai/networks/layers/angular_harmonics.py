r"""Angular harmonics: rotation-equivariant responses to edges and lines.

A ring does not respond to direction. An angular harmonic does: the filter :math:`f(r)\,e^{im\theta}` responds to an
edge (*m* = 1) or a line (*m* = 2), and the phase of its complex response encodes the direction. When the image is
rotated by :math:`\alpha`, the response rotates with it and is multiplied by :math:`e^{-im\alpha}`; its magnitude is an
equivariant scalar map. So a network can detect edges and lines and stay equivariant.

No oriented filters are needed. A harmonic of any radial profile is a derivative of an isotropic filter,

.. math:: (\partial_x + i \partial_y)^m \, g(r) = f(r) \, e^{im\theta},

so a ring convolution learns the profile *g*, and two stencils of a few pixels compute its harmonic. For volumes the
counterparts are the norms of the gradient and of the Hessian without its trace: spherical harmonics of degree 1 and 2.
"""

# no `from __future__ import annotations`: TorchScript cannot read annotations that are strings

from collections.abc import Iterator
from functools import reduce
from itertools import combinations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sre_monai.networks.layers.arguments import check_magnitude

REACH = 2  # px; of the longest tap below
FLOOR = 0.01  # keeps the root differentiable where nothing varies

# Offsets along the axes a, b and their weights. Each pair has the same error to the fourth order in every direction of
# the plane, so that the magnitude depends on the direction by the sixth only. They and the floor are in
# harmonic_variant.h once more.
_GRADIENT = (((1, 0), 2 / 3), ((-1, 0), -2 / 3), ((2, 0), -1 / 12), ((-2, 0), 1 / 12))
_STRETCH = (
    *(((step, 0), 2 / 3) for step in (-1, 1)),
    *(((0, step), -2 / 3) for step in (-1, 1)),
    *(((step, 0), 1 / 12) for step in (-2, 2)),
    *(((0, step), -1 / 12) for step in (-2, 2)),
)
_SHEAR = (((1, 1), 0.5), ((-1, -1), 0.5), ((1, -1), -0.5), ((-1, 1), -0.5))

_Stencil = tuple[tuple[tuple[int, int], float], ...]


def harmonic_magnitude(input: Tensor, order: int) -> Tensor:
    r"""Measure how much a map varies about each point with the angular order *m*.

    Order 1 is the norm of the gradient, high on edges. Order 2 is
    :math:`\sqrt{(\partial_{xx} - \partial_{yy})^2 + (2\partial_{xy})^2}`, the difference of the principal curvatures,
    high on lines; in three dimensions the norm of the Hessian without its trace, scaled to the same value on a line.
    Exact under turns by 90° and mirroring; beyond the border the map counts as zero.

    Args:
        input: (batch, channels, *spatial*) with two or three spatial axes.
        order: 1 or 2.

    Returns:
        The same shape, at least 0.01.

    Raises:
        ValueError: for another order or number of axes.

    Examples:
        >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
        >>> [round(harmonic_magnitude(ramp, order)[0, 0, 4, 4].item(), 2) for order in (1, 2)]
        [1.0, 0.01]

    References:
        Freeman and Adelson, "The design and use of steerable filters", IEEE Transactions on Pattern Analysis and
        Machine Intelligence 13(9), 1991, https://doi.org/10.1109/34.93808; Worrall et al., "Harmonic Networks",
        CVPR 2017, https://arxiv.org/abs/1612.04642.
    """
    check_magnitude(input, order)
    if input.dtype == torch.float16:  # which ends at 65504: the squares would overflow
        return harmonic_magnitude(input.float(), order).half()
    if torch.jit.is_tracing() or torch.compiler.is_exporting():
        return filtered_magnitude(input, harmonic_filters(input.ndim - 2, order).to(input))
    return _Magnitude.apply(input, order)  # type: ignore[no-any-return]


class _Magnitude(torch.autograd.Function):
    """The same function with a backward pass that keeps little; a stencil is (anti)symmetric, so self-adjoint.

    Recording every slice of :func:`_magnitude` took three times as long.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor, order: int) -> Tensor:
        squares = (
            _apply(input, axes, stencil).square() * weight
            for axes, stencil, weight in _components(input.ndim - 2, order)
        )
        return torch.sqrt(reduce(torch.add, squares) + FLOOR**2)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        input, ctx.order = inputs
        ctx.save_for_backward(input, output)

    @staticmethod
    def backward(ctx, grad):
        input, magnitude = ctx.saved_tensors
        return _gradient(grad, input, magnitude, ctx.order), None


def _gradient(grad: Tensor, input: Tensor, magnitude: Tensor, order: int) -> Tensor:
    parity = -1.0 if order == 1 else 1.0
    ratio = grad / magnitude
    parts = (
        _apply(ratio * _apply(input, axes, stencil), axes, stencil) * (parity * weight)
        for axes, stencil, weight in _components(input.ndim - 2, order)
    )
    return reduce(torch.add, parts)


def _components(spatial_dims: int, order: int) -> Iterator[tuple[tuple[int, int], _Stencil, float]]:
    """The derivatives whose weighted squares add up, each with its two axes."""
    if order == 1:
        for axis in range(spatial_dims):
            yield (axis, (axis + 1) % spatial_dims), _GRADIENT, 1.0
        return
    for axes in combinations(range(spatial_dims), 2):
        yield axes, _STRETCH, 2 / spatial_dims
        yield axes, _SHEAR, 1.0


def _apply(input: Tensor, axes: tuple[int, int], stencil: _Stencil) -> Tensor:
    """Sum shifted copies, which is several times as fast as a library's depthwise convolution."""
    padded = F.pad(input, (REACH,) * (2 * (input.ndim - 2)))

    def shifted(offsets: tuple[int, int]) -> Tensor:
        view = padded
        for axis in range(input.ndim - 2):
            step = sum(offset for a, offset in zip(axes, offsets) if a == axis)
            view = view.narrow(axis + 2, REACH + step, input.shape[axis + 2])
        return view

    (offsets, weight), *others = stencil
    output = shifted(offsets) * weight
    for offsets, weight in others:
        output.add_(shifted(offsets), alpha=weight)
    return output


def harmonic_filters(spatial_dims: int, order: int) -> Tensor:
    """Give the filters whose responses have :func:`harmonic_magnitude` as their norm.

    Args:
        spatial_dims: 2 or 3.
        order: 1 or 2.

    Returns:
        (filters, 1, 5, …, 5), float64.

    Examples:
        >>> harmonic_filters(2, order=1).shape
        torch.Size([2, 1, 5, 5])
    """
    filters = []
    for axes, stencil, weight in _components(spatial_dims, order):
        filter = np.zeros((2 * REACH + 1,) * spatial_dims)
        for offsets, tap in stencil:
            place = [REACH] * spatial_dims
            for axis, offset in zip(axes, offsets):
                place[axis] += offset
            filter[tuple(place)] = tap * weight**0.5
        filters.append(filter)
    return torch.from_numpy(np.stack(filters)[:, None])


def filtered_magnitude(input: Tensor, filters: Tensor) -> Tensor:
    """Compute :func:`harmonic_magnitude` by one depthwise convolution, for exported and scripted networks.

    Their graphs would be huge with the slices of many shifted copies.

    Args:
        input: (batch, channels, *spatial*).
        filters: those of :func:`harmonic_filters`, with the input's device and dtype.

    Returns:
        The input's shape, at least 0.01.
    """
    channels = input.shape[1]
    if input.dim() == 4:
        responses = F.conv2d(input, filters.repeat(channels, 1, 1, 1), padding=2, groups=channels)
    else:
        responses = F.conv3d(input, filters.repeat(channels, 1, 1, 1, 1), padding=2, groups=channels)
    squares = responses.square().unflatten(1, (channels, filters.shape[0])).sum(2)
    return torch.sqrt(squares + 0.0001)  # FLOOR²; TorchScript reads no globals
