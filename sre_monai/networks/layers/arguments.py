"""The arguments of the layers' operations, checked in one place before anything computes with them.

Each check raises a ``ValueError``, or a ``TypeError`` for what is no tensor or number, with one sentence: which
argument is wrong, what was expected, and what came. The registered operators run them too, so that nothing wrong
reaches C, also when an operator is called by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

ORDERS = (1, 2)
"""The orders of the angular harmonics."""

_DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
_INTEGERS = (int, np.integer, torch.SymInt)


def check_types(**tensors: Tensor | None) -> None:
    """Check that all are tensors; only ``bias`` may be None."""
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) and (tensor is not None or name != "bias"):
            raise TypeError(f"{name} must be a tensor, got {type(tensor).__name__}.")


def check_tensors(**tensors: Tensor | None) -> None:
    """Check that all are dense, of one floating-point type and on one device; only ``rings`` may have another type."""
    first = next(tensor for tensor in tensors.values() if tensor is not None)
    dtype, device = first.dtype, first.device
    for name, tensor in tensors.items():
        if tensor is None:
            continue
        if tensor.layout is not torch.strided or tensor.dtype not in _DTYPES:
            raise ValueError(f"{name} must be dense and of one of {_DTYPES}, got {tensor.dtype}, {tensor.layout}.")
        if tensor.dtype is not dtype and name != "rings":
            raise ValueError(f"{name} must be of the first tensor's type, {dtype}, got {tensor.dtype}.")
        if tensor.device != device:
            raise ValueError(f"{name} must be on the first tensor's device, {device}, got {tensor.device}.")


def check_geometry(
    rings: Tensor, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], groups: int
) -> None:
    """Check rings and the numbers that describe a convolution with them: all that its algorithm is chosen by."""
    if torch.jit.is_tracing():  # sizes are tensors then; what is traced are PyTorch's operators, which check theirs
        return
    shape = tuple(rings.shape)
    if not 2 <= len(shape) <= 4 or shape[0] < 1 or shape[1] % 2 == 0 or shape[1:] != (shape[1],) * (len(shape) - 1):
        raise ValueError(
            f"rings must have the shape (rings, k, …, k) with one to three axes of the same odd size k, got {shape}."
        )
    _check_numbers("stride", stride, len(shape) - 1, 1)
    _check_numbers("padding", padding, len(shape) - 1, 0)
    _check_numbers("dilation", dilation, len(shape) - 1, 1)
    if not isinstance(groups, int) or groups < 1:
        raise ValueError(f"groups must be a positive integer, got {groups!r}.")


def check_ring_values(rings: np.ndarray) -> None:
    """Check that rings are finite, not all zero, and the same under flips and swapped axes."""
    axes = range(1, rings.ndim)
    moved = [*(np.flip(rings, axis) for axis in axes), *(rings.swapaxes(1, axis) for axis in axes)]
    tolerance = 1e-5 * np.abs(rings).max()
    if not (0 < tolerance < np.inf and all(np.abs(rings - other).max() <= tolerance for other in moved)):
        raise ValueError(
            "rings must be finite, not all zero, and the same when they are flipped or two of their axes are swapped, "
            "which these are not; make them by ring_basis."
        )


def _check_numbers(name: str, values: Sequence[int], dims: int, least: int) -> None:
    if not isinstance(values, list | tuple):
        raise TypeError(f"{name} must be {dims} integers, one for each spatial axis, got {values!r}.")
    for value in values:
        if not isinstance(value, _INTEGERS):
            raise TypeError(f"{name} must be {dims} integers, one for each spatial axis, got {values!r}.")
        if value < least:
            raise ValueError(f"{name} must be {dims} numbers of at least {least}, got {values!r}.")
    if len(values) != dims:
        raise ValueError(f"{name} must be {dims} numbers, one for each spatial axis, got {values!r}.")


def check_ring_conv(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    padding: Sequence[int],
    dilation: Sequence[int],
) -> None:
    """Check the arguments of a ring convolution with stride 1 and one group."""
    check_geometry(rings, (1,) * len(padding), padding, dilation, 1)
    check_tensors(input=input, weight=weight, rings=rings, bias=bias)
    check_shapes(input, weight, rings, bias, padding, dilation, 1)


def check_shapes(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> None:
    """Check that input, weight and bias fit rings and numbers that have been checked."""
    if torch.jit.is_tracing():
        return
    number, *kernel = rings.shape
    dims, reach = len(kernel), kernel[0] - 1
    shape = tuple(weight.shape)
    if len(shape) != 3 or shape[2] != number or shape[0] < 1 or shape[1] < 1 or shape[0] % groups:
        raise ValueError(
            f"weight must have the shape (out_channels, in_channels / groups, {number} rings), out_channels a multiple "
            f"of groups={groups}, got {shape}."
        )
    if bias is not None and tuple(bias.shape) != shape[:1]:
        raise ValueError(f"bias must have the shape ({shape[0]},), got {tuple(bias.shape)}.")
    size = tuple(input.shape)
    if len(size) != dims + 2 or size[1] != shape[1] * groups or min(size[2:]) < 1:
        raise ValueError(
            f"input must have the shape (batch, {shape[1] * groups}, {dims} spatial axes that are not empty), "
            f"got {size}."
        )
    for n, p, d in zip(size[2:], padding, dilation):
        if n + 2 * p <= d * reach:
            raise ValueError(
                f"the kernel's reach of {[d * reach for d in dilation]} exceeds the padded input of {size}."
            )


def check_orders(orders: Sequence[int], negative_slope: float = 1.0) -> None:
    """Check the orders of harmonics, and the slope of the activation that follows."""
    if not isinstance(orders, list | tuple) or not all(isinstance(order, int) for order in orders):
        raise TypeError(f"orders must be one or more of {ORDERS}, each once, got {orders!r}.")
    if not orders or not set(orders) <= set(ORDERS) or len(set(orders)) < len(orders):
        raise ValueError(f"orders must be one or more of {ORDERS}, each once, got {orders!r}.")
    if not isinstance(negative_slope, float | int) or not 0 <= negative_slope < float("inf"):
        raise ValueError(f"negative_slope must be a number that is not negative, got {negative_slope!r}.")


def check_harmonic_geometry(rings: Tensor, dilation: Sequence[int]) -> list[int]:
    """Check rings and dilation of a harmonic convolution, and give the padding that keeps the size."""
    ones = (1,) * (rings.ndim - 1)
    check_geometry(rings, ones, ones, dilation, 1)
    if rings.ndim < 3:
        raise ValueError(f"rings must have two or three spatial axes, got {tuple(rings.shape)}.")
    return [d * (rings.shape[-1] // 2) for d in dilation]


def check_harmonic_conv(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    mix: Tensor,
    orders: Sequence[int],
    dilation: Sequence[int],
    negative_slope: float,
) -> None:
    """Check the arguments of :func:`~sre_monai.networks.layers.harmonic_conv`."""
    check_tensors(input=input, weight=weight, rings=rings, bias=bias, mix=mix)
    padding = check_harmonic_geometry(rings, dilation)
    check_shapes(input, weight, rings, bias, padding, dilation, 1)
    check_orders(orders, negative_slope)
    if torch.jit.is_tracing():
        return
    shape = tuple(mix.shape)
    if len(shape) < 2 or min(shape) < 1 or shape[1] % len(orders) or shape[0] + shape[1] != weight.shape[0]:
        raise ValueError(
            f"mix must have the shape (out_channels, profiles), together the weight's {weight.shape[0]} outputs, with "
            f"as many profiles for each of the orders {tuple(orders)}, got {shape}."
        )
    if shape[2:] != (1,) * (len(shape) - 2):
        raise ValueError(f"mix may have further axes of size 1 alone, got {shape}.")


def check_transposed(
    input: Tensor,
    weight: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    kernel_size: Sequence[int],
) -> None:
    """Check the arguments of a transposed convolution with weights (in_channels, out_channels / groups, rings)."""
    check_types(input=input)
    check_tensors(input=input, weight=weight)
    if torch.jit.is_tracing():
        return
    dims, size = len(stride), tuple(input.shape)
    if len(size) != dims + 2 or size[1] != weight.shape[0] or min(size[2:]) < 1:
        raise ValueError(
            f"input must have the shape (batch, {weight.shape[0]}, {dims} spatial axes that are not empty), got {size}."
        )
    for n, s, p, o, d, k in zip(size[2:], stride, padding, output_padding, dilation, kernel_size):
        if (n - 1) * s - 2 * p + d * (k - 1) + o < 0:
            raise ValueError(f"padding={tuple(padding)} leaves nothing of the output for an input of {size}.")


def check_gradient(gradient: Tensor, input: Tensor, shape: Sequence[Any]) -> None:
    """Check that a gradient is like the output that it belongs to."""
    check_tensors(input=input, gradient=gradient)
    if tuple(gradient.shape) != tuple(shape):
        raise ValueError(f"gradient must have the output's shape {tuple(shape)}, got {tuple(gradient.shape)}.")


def check_magnitude(input: Tensor, order: int) -> None:
    """Check the arguments of :func:`~sre_monai.networks.layers.harmonic_magnitude`."""
    check_types(input=input)
    check_tensors(input=input)
    if order not in ORDERS:
        raise ValueError(f"order must be one of {ORDERS}, got {order!r}.")
    if input.ndim not in (4, 5):
        raise ValueError(f"input must be (batch, channels, 2 or 3 spatial axes), got {tuple(input.shape)}.")
