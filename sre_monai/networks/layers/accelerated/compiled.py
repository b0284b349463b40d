"""The ring convolution in C, where the package was built with a compiler at hand."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from sre_monai.networks.layers.accelerated.layout import channels_last, empty_output
from sre_monai.networks.layers.accelerated.library import VARIANTS, run
from sre_monai.networks.layers.accelerated.tap_plan import TapPlan, plan_taps

__all__ = ["DTYPES", "VARIANTS", "RingJob", "backward", "describe", "forward", "load_plan", "triple"]

DTYPES = (torch.float32, torch.bfloat16)

_Address, _Integer, _Triple = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64 * 3


class RingJob(ctypes.Structure):
    """`ring_job` of ring_kernel.h."""

    _fields_ = (
        *((name, _Address) for name in ("input", "out", "partner", "bias", "weight", "weight_gradient")),
        *((name, _Integer * 2) for name in ("weight_strides", "gradient_strides")),
        ("batch", _Integer),
        *((name, _Triple) for name in ("in_size", "out_size", "shift")),
        *((name, _Integer) for name in ("in_channels", "out_channels", "in_half", "out_half")),
        *((name, _Integer) for name in ("reach", "rings", "lines", "classes")),
        *((name, _Address) for name in ("line_rows", "line_ends", "class_terms", "class_ends", "mix")),
    )


def forward(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    padding: Sequence[int],
    dilation: Sequence[int],
    variant: str | None = None,
) -> Tensor:
    """Compute y = Σ_j W_j (ring_j ∗ x) + b.

    Args:
        x: (batch, in_channels, *spatial*), of one of :data:`DTYPES`, on the CPU.
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).
        bias: (out_channels,) or None.
        padding: zeros added on both sides of every spatial axis.
        dilation: spacing of the kernel's taps per spatial axis.
        variant: one of :data:`VARIANTS`, default the best.

    Returns:
        (batch, out_channels, *spatial'*), channels last in memory.

    Raises:
        ValueError: for an unknown variant.
    """
    shift = [d * (rings.shape[-1] // 2) - p for d, p in zip(dilation, padding)]
    out = empty_output(x, weight, rings, padding, dilation)
    _run(channels_last(x), out, None, weight.transpose(0, 1), rings, bias, shift, dilation, variant)
    return out


def backward(
    g: Tensor,
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    padding: Sequence[int],
    dilation: Sequence[int],
    variant: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Compute ∂x = Σ_j W_jᵀ G_j and ∂W_j = ⟨G_j, x⟩ with G_j = ring_j ∗ g.

    Args:
        g: gradient of the output.
        x: (batch, in_channels, *spatial*), the input.
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*), symmetric.
        padding: of the forward pass.
        dilation: of the forward pass.
        variant: one of :data:`VARIANTS`, default the best.

    Returns:
        The gradients of the input, channels last in memory, and of the weights.

    Raises:
        ValueError: for an unknown variant.
    """
    shift = [p - d * (rings.shape[-1] // 2) for d, p in zip(dilation, padding)]
    x = channels_last(x)
    grad_x = torch.empty_like(x)
    grad_weight = _run(channels_last(g), grad_x, x, weight, rings, None, shift, dilation, variant)
    return grad_x, grad_weight.to(weight.dtype).contiguous()


def _run(
    source: Tensor,
    out: Tensor,
    partner: Tensor | None,
    weight: Tensor,  # (channels of source, channels of out, rings)
    rings: Tensor,
    bias: Tensor | None,
    shift: Sequence[int],
    dilation: Sequence[int],
    variant: str | None,
) -> Tensor:
    """Run a job: write `out`; where there is a partner, give the weights' gradient, shaped as `weight`."""
    plan = load_plan(rings, dilation)
    weight = plan.exchange(weight)
    gradient = torch.empty_like(weight if partner is not None else weight[:0])
    bias = None if bias is None else bias.detach().float().contiguous()
    job = describe(source, out, weight, bias, gradient, plan)
    job.partner = None if partner is None else partner.data_ptr()
    job.in_size, job.out_size = triple(source.shape[2:], 1), triple(out.shape[2:], 1)
    job.shift = triple(shift, 0)
    run("ring_convolve", job, variant)
    return plan.exchange_back(gradient)


def describe(
    source: Tensor, out: Tensor, weight: Tensor, bias: Tensor | None, gradient: Tensor, plan: LoadedPlan
) -> RingJob:
    """Describe a job but for the sizes of its maps.

    Args:
        source: the map that is read, channels last in memory.
        out: the map that is written.
        weight: (channels of source, channels of out, rings), exchanged.
        bias: (channels of out,) in float32 and contiguous, or None.
        gradient: where the weights' gradient is written.
        plan: of the rings.

    Returns:
        The job. All tensors must outlive it.
    """
    return RingJob(
        input=source.data_ptr(),
        out=out.data_ptr(),
        bias=None if bias is None else bias.data_ptr(),
        weight=weight.data_ptr(),
        weight_gradient=gradient.data_ptr(),
        weight_strides=(_Integer * 2)(*weight.stride()[:2]),
        gradient_strides=(_Integer * 2)(*gradient.stride()[:2]),
        batch=source.shape[0],
        in_channels=source.shape[1],
        out_channels=weight.shape[1],
        in_half=int(source.dtype == torch.bfloat16),
        out_half=int(out.dtype == torch.bfloat16),
        **plan.fields,
    )


class LoadedPlan:
    """A plan as the library reads it. The arrays must outlive the call."""

    def __init__(self, plan: TapPlan) -> None:
        self._exchange = None if plan.exchange is None else torch.from_numpy(plan.exchange)
        tables = {
            "line_rows": [row for rows in plan.lines for row in rows],
            "line_ends": np.cumsum([len(rows) for rows in plan.lines]),
            "class_terms": [term for terms in plan.classes for term in terms],
            "class_ends": np.cumsum([len(terms) for terms in plan.classes]),
        }
        self._arrays = {name: np.ascontiguousarray(table, dtype=np.int32) for name, table in tables.items()}
        if plan.mix is not None:
            self._arrays["mix"] = np.ascontiguousarray(plan.mix, dtype=np.float32)
        self.fields = {name: array.ctypes.data for name, array in self._arrays.items()} | {
            "reach": plan.reach,
            "rings": len(plan.classes if plan.mix is None else plan.mix),
            "lines": len(plan.lines),
            "classes": len(plan.classes),
        }

    def exchange(self, weight: Tensor) -> Tensor:
        """Give the float32 weights (…, rings) of the plan's rings."""
        weight = weight.detach().float()
        weight = weight if self._exchange is None else weight @ self._exchange
        return weight if weight.stride(-1) == 1 else weight.contiguous()

    def exchange_back(self, gradient: Tensor) -> Tensor:
        """Give the gradient of the weights from that of the exchanged ones."""
        return gradient if self._exchange is None else gradient @ self._exchange.T


def load_plan(rings: Tensor, dilation: Sequence[int]) -> LoadedPlan:
    """Plan the taps of a ring basis, or recall how it was done before."""
    return _plan(rings.detach().float().numpy().tobytes(), tuple(rings.shape), tuple(dilation))


@lru_cache(maxsize=256)
def _plan(content: bytes, shape: tuple[int, ...], dilation: tuple[int, ...]) -> LoadedPlan:
    return LoadedPlan(plan_taps(np.frombuffer(content, dtype=np.float32).reshape(shape), dilation))


def triple(values: Sequence[int], fill: int) -> ctypes.Array:
    """Give three numbers: missing ones lead."""
    return _Triple(*(fill,) * (3 - len(values)), *values)
