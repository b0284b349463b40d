"""The ring convolution in C: filters, products and bias in one pass."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from sre_monai.networks.layers.arguments import check_ring_values
from sre_monai.networks.layers.kernels.library import RingJob, run
from sre_monai.networks.layers.kernels.tap_plan import TapPlan, plan_taps
from sre_monai.networks.layers.layout import channels_last, empty_output

DTYPES = (torch.float32, torch.bfloat16)


def forward(
    x: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None,
    padding: Sequence[int],
    dilation: Sequence[int],
    variant: str | None = None,
) -> Tensor:
    """Compute y = Σ_j W_j (ring_j ∗ x) + b, as :func:`sre_monai.networks.layers.strips.forward`.

    Args:
        x: of one of :data:`DTYPES`, on the CPU; all other arguments as there.
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).
        bias: (out_channels,) or None.
        padding: zeros added on both sides of every spatial axis.
        dilation: spacing of the kernel's taps per spatial axis.
        variant: one of the library's variants, default the best.

    Returns:
        The output, channels last in memory.
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
    """Compute ∂x = Σ_j W_jᵀ G_j and ∂W_j = ⟨G_j, x⟩, as :func:`sre_monai.networks.layers.strips.backward`."""
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
        weight_strides=pair(weight.stride()[:2]),
        gradient_strides=pair(gradient.stride()[:2]),
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
        """Give the float32 weights (…, rings) of the plan's rings, in memory of their own size."""
        weight = weight.detach().float()
        weight = weight if self._exchange is None else weight @ self._exchange
        return weight if weight.is_contiguous() or weight.transpose(0, 1).is_contiguous() else weight.contiguous()

    def exchange_back(self, gradient: Tensor) -> Tensor:
        """Give the gradient of the weights from that of the exchanged ones."""
        return gradient if self._exchange is None else gradient @ self._exchange.T


def load_plan(rings: Tensor, dilation: Sequence[int], is_volume: bool = False) -> LoadedPlan:
    """Plan the taps of a ring basis, or recall how it was done before.

    Args:
        rings: (rings, *k*, …, *k*).
        dilation: spacing of the taps per spatial axis.
        is_volume: whether an image is described as a volume whose middle axis has size 1.

    Returns:
        The plan.

    Raises:
        ValueError: when the rings are not symmetric.
    """
    return _plan(rings.detach().float().numpy().tobytes(), tuple(rings.shape), tuple(dilation), is_volume)


@lru_cache(maxsize=256)
def _plan(content: bytes, shape: tuple[int, ...], dilation: tuple[int, ...], is_volume: bool) -> LoadedPlan:
    rings = np.frombuffer(content, dtype=np.float32).reshape(shape)
    check_ring_values(rings)
    if is_volume and len(dilation) == 2:
        rings, dilation = rings[:, :, None], (dilation[0], 1, dilation[1])
    return LoadedPlan(plan_taps(rings, dilation))


def pair(values: Sequence[int]) -> ctypes.Array:
    """Give two numbers to the library."""
    return (ctypes.c_int64 * 2)(*values)


def triple(values: Sequence[int], fill: int) -> ctypes.Array:
    """Give three numbers to the library: missing ones lead."""
    return (ctypes.c_int64 * 3)(*(fill,) * (3 - len(values)), *values)
