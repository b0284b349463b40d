"""Magnitudes of angular harmonics in two dimensions in C, where the package was built with a compiler at hand."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from sre_monai.networks.layers.accelerated import library
from sre_monai.networks.layers.accelerated.layout import channels_last

__all__ = ["VARIANTS", "backward", "can_run", "forward"]

# The instruction sets as of the ring convolution; none where the library is older than this kernel.
VARIANTS = library.VARIANTS if hasattr(library.LIBRARY, "harmonic_run") else ()


class _Map(ctypes.Structure):
    """`harmonic_map` of harmonic_kernel.c."""

    _fields_ = (("data", ctypes.c_void_p), ("strides", ctypes.c_int64 * 3))


class _Job(ctypes.Structure):
    """`harmonic_job` of harmonic_kernel.c."""

    _fields_ = (
        *((name, _Map) for name in ("input", "grad")),
        ("out", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("batch", "height", "width", "channels", "order")),
    )


def can_run(x: Tensor) -> bool:
    """Tell whether there is a kernel for a map: in two dimensions, float32, on the CPU."""
    return x.ndim == 4 and x.dtype == torch.float32 and x.device.type == "cpu" and bool(VARIANTS)


# Operators, so that whatever computes with shapes alone, as torch.compile does, knows what comes out.


@torch.library.custom_op("sre_monai::harmonic_magnitude", mutates_args=())
def forward(x: Tensor, order: int, variant: str | None = None) -> Tensor:
    """Compute the magnitude.

    Args:
        x: (batch, channels, *height*, *width*) for which there is a kernel. A slice of the channels of a channels-last
            map is not copied.
        order: 1 or 2.
        variant: one of :data:`VARIANTS`, default the best.

    Returns:
        The same shape, channels last in memory.

    Raises:
        ValueError: for an unknown variant.
    """
    return _run(x, None, order, variant)


@torch.library.custom_op("sre_monai::harmonic_magnitude_backward", mutates_args=())
def backward(g: Tensor, x: Tensor, order: int, variant: str | None = None) -> Tensor:
    """Compute the gradient of the input.

    Args:
        g: gradient of the magnitude.
        x: the input.
        order: of the forward pass.
        variant: one of :data:`VARIANTS`, default the best.

    Returns:
        The same shape, channels last in memory.

    Raises:
        ValueError: for an unknown variant.
    """
    return _run(x, g, order, variant)


@forward.register_fake
def _(x, order, variant=None):
    return _empty(x)


@backward.register_fake
def _(g, x, order, variant=None):
    return _empty(x)


def _run(x: Tensor, g: Tensor | None, order: int, variant: str | None) -> Tensor:
    x, g, out = _adjacent_channels(x), None if g is None else _adjacent_channels(g), _empty(x)
    batch, channels, height, width = x.shape
    job = _Job(_map(x), _Map() if g is None else _map(g), out.data_ptr(), batch, height, width, channels, order)
    library.run("harmonic_run", job, variant)
    return out


def _empty(x: Tensor) -> Tensor:
    return torch.empty_like(x, memory_format=torch.channels_last)


def _adjacent_channels(x: Tensor) -> Tensor:
    return x if x.stride(1) == 1 or x.shape[1] == 1 else channels_last(x)


def _map(x: Tensor) -> _Map:
    return _Map(x.data_ptr(), (ctypes.c_int64 * 3)(*(x.stride(axis) for axis in (0, 2, 3))))
