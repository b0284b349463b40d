r"""The ring convolution: one function of input, weights and rings, computed in whichever way is fastest.

The kernel of a symmetric rotation-equivariant convolution is :math:`K = \sum_j W_j \, \mathrm{ring}_j`. The same sum
can be read in two ways:

- *dense*: expand :math:`K` and call an ordinary convolution. Always possible.
- *rings*: :math:`y = \sum_j W_j (\mathrm{ring}_j * x)`, a few depthwise filters shared by all output channels, then
  1×1 products. An order of magnitude less arithmetic for large kernels.

A ring filter is symmetric, hence its own adjoint. With :math:`G_j = \mathrm{ring}_j * g` for the output's gradient
*g*, both gradients come from one set of filtered maps and nothing but *x* is kept:
:math:`\partial x = \sum_j W_j^T G_j` and :math:`\partial W_j = \langle G_j, x \rangle`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["ALGORITHMS", "choose_algorithm", "expand_kernel", "ring_conv"]

ALGORITHMS = ("auto", "dense", "rings")

# Bytes of one strip of a feature map: the filtered strip stays in the cache until its 1×1 product is done.
_STRIP_BYTES = 2 << 20

# Fewer input channels than these make the 1×1 product too thin.
_MIN_CHANNELS = 8

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def ring_conv(
    input: Tensor,
    weight: Tensor,
    rings: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    groups: int = 1,
    algorithm: str = "auto",
) -> Tensor:
    """Convolve with the kernel whose rings have the given weights.

    Args:
        input: (batch, in_channels, *spatial*).
        weight: (out_channels, in_channels / groups, rings).
        rings: (rings, *k*, …, *k*), symmetric, see :func:`~sre_monai.networks.layers.ring_basis`.
        bias: (out_channels,) or None.
        stride: step of the output grid per spatial axis, default 1.
        padding: zeros added on both sides of every spatial axis, default 0.
        dilation: spacing of the kernel's offsets per spatial axis, default 1.
        groups: number of channel groups.
        algorithm: ``"dense"``, ``"rings"``, or ``"auto"`` for the one expected to be faster.

    Returns:
        (batch, out_channels, *spatial'*), as an ordinary convolution would give; differentiable to any order.

    Raises:
        ValueError: for an unknown algorithm, ``"rings"`` where only the dense form is possible, or an input that does
            not fit the weights.

    Examples:
        >>> x, weight = torch.randn(1, 16, 64, 64), torch.randn(32, 16, 5)
        >>> ring_conv(x, weight, ring_basis(9, 2).float(), padding=(4, 4)).shape
        torch.Size([1, 32, 64, 64])
    """
    dims = rings.ndim - 1
    stride, padding, dilation = stride or (1,) * dims, padding or (0,) * dims, dilation or (1,) * dims
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {ALGORITHMS}, got {algorithm!r}.")
    if input.ndim != dims + 2 or input.shape[1] != weight.shape[1] * groups:
        raise ValueError(
            f"input must have the shape (batch, {weight.shape[1] * groups}, {dims} spatial axes), "
            f"got {tuple(input.shape)}."
        )
    reach = [d * (rings.shape[-1] - 1) for d in dilation]
    if any(n + 2 * p <= r for n, p, r in zip(input.shape[2:], padding, reach)):
        raise ValueError(f"the kernel's reach of {reach} exceeds the padded input of shape {tuple(input.shape)}.")
    possible = groups == 1 and all(s == 1 for s in stride) and all(p <= r for p, r in zip(padding, reach))
    if algorithm == "rings" and not possible:
        raise ValueError(
            "algorithm='rings' needs stride 1, groups 1 and padding of at most dilation * (kernel_size - 1), got "
            f"stride={tuple(stride)}, groups={groups}, padding={tuple(padding)}; use 'dense' or 'auto'."
        )
    if algorithm == "auto":
        algorithm = choose_algorithm(input, weight, rings) if possible else "dense"
    if algorithm == "dense":
        kernel = expand_kernel(weight, rings)
        return _CONV[dims](input, kernel, bias, tuple(stride), tuple(padding), tuple(dilation), groups)
    input, weight, bias = _autocast(input, weight, bias)
    return _ring_conv(input, weight, rings.to(input.dtype), bias, list(padding), list(dilation))


def expand_kernel(weight: Tensor, rings: Tensor) -> Tensor:
    """Sum the weighted rings to a dense kernel.

    Args:
        weight: (out_channels, in_channels / groups, rings).
        rings: (rings, *k*, …, *k*).

    Returns:
        (out_channels, in_channels / groups, *k*, …, *k*).
    """
    return torch.tensordot(weight, rings.to(weight.dtype), dims=1)


def choose_algorithm(input: Tensor, weight: Tensor, rings: Tensor) -> str:
    """Choose the faster way for a layer to which both apply.

    On the CPU ring filters were measured faster at every kernel size from 3 as soon as there are channels enough to
    make the 1×1 product worth its while; a first layer of three channels is as fast dense. On accelerators the dense
    form is kept: vendor libraries are at their best there, and depthwise filters of large kernels at their worst. An
    exported network is dense too, since other runtimes don't know our operator.

    Args:
        input: (batch, in_channels, *spatial*).
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).

    Returns:
        ``"dense"`` or ``"rings"``.
    """
    if torch.compiler.is_exporting():
        return "dense"
    # depthwise filters have no fast implementation in float64
    fast_filters = input.device.type == "cpu" and input.dtype != torch.float64
    return "rings" if fast_filters and rings.shape[-1] > 1 and weight.shape[1] >= _MIN_CHANNELS else "dense"


def _autocast(input: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """Cast as autocast does for the convolutions it knows."""
    device = input.device.type
    if not torch.is_autocast_enabled(device):
        return input, weight, bias
    dtype = torch.get_autocast_dtype(device)
    return input.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)


# --- The rings form as an operator: a forward, a backward, and a derivative of the backward in terms of both ----------


@torch.library.custom_op("sre_monai::ring_conv", mutates_args=())
def _ring_conv(
    x: Tensor, weight: Tensor, rings: Tensor, bias: Tensor | None, padding: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    """Compute y = Σ_j W_j (ring_j ∗ x) + b, strip by strip."""
    out = _empty_output(x, weight, rings, padding, dilation)
    columns = [w.t().contiguous() for w in weight.unbind(-1)]
    for rows, features in _filtered_strips(x, rings, padding, dilation):
        target = _pixels(rows(out))
        target.copy_(bias) if bias is not None else target.zero_()
        for feature, column in zip(features, columns):
            target.addmm_(_pixels(feature), column)
    return out


@torch.library.custom_op("sre_monai::ring_conv_backward", mutates_args=())
def _ring_conv_backward(
    g: Tensor, x: Tensor, weight: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Compute ∂x = Σ_j W_jᵀ G_j and ∂W_j = ⟨G_j, x⟩ from the same filtered gradients G_j = ring_j ∗ g."""
    x = _channels_last(x)
    grad_x, grad_weight = torch.empty_like(x), torch.zeros(weight.shape[::-1], dtype=x.dtype, device=x.device)
    rows_of_weight = [w.contiguous() for w in weight.unbind(-1)]
    for rows, features in _filtered_strips(g, rings, _adjoint(padding, dilation, rings), dilation):
        target, source = _pixels(rows(grad_x)), _pixels(rows(x))
        target.zero_()
        for feature, w, grad_w in zip(map(_pixels, features), rows_of_weight, grad_weight):
            target.addmm_(feature, w)
            grad_w.addmm_(source.t(), feature)
    return grad_x, grad_weight.permute(2, 1, 0).contiguous()


@_ring_conv.register_fake
def _(x, weight, rings, bias, padding, dilation):
    return _empty_output(x, weight, rings, padding, dilation)


@_ring_conv_backward.register_fake
def _(g, x, weight, rings, padding, dilation):
    return torch.empty_like(_channels_last(x)), torch.empty_like(weight, memory_format=torch.contiguous_format)


def _save_forward(ctx, inputs, output) -> None:
    x, weight, rings, _, ctx.padding, ctx.dilation = inputs
    ctx.save_for_backward(x, weight, rings)


def _differentiate(ctx, g):
    x, weight, rings = ctx.saved_tensors
    grad_bias = g.sum((0, *range(2, g.ndim))) if ctx.needs_input_grad[3] else None
    if not any(ctx.needs_input_grad[:2]):
        return None, None, None, grad_bias, None, None
    grad_x, grad_weight = _ring_conv_backward(g, x, weight, rings, ctx.padding, ctx.dilation)
    return grad_x, grad_weight, None, grad_bias, None, None


def _save_backward(ctx, inputs, output) -> None:
    g, x, weight, rings, ctx.padding, ctx.dilation = inputs
    ctx.save_for_backward(g, x, weight, rings)


def _differentiate_backward(ctx, v, u):
    """Differentiate ⟨∂x, v⟩ + ⟨∂W, u⟩: being trilinear in (g, x, W), it is made of the same two operators."""
    g, x, weight, rings = ctx.saved_tensors
    conv = (rings, None, ctx.padding, ctx.dilation)
    grad_g = _ring_conv(v, weight, *conv) + _ring_conv(x, u, *conv)
    grad_x, grad_weight = _ring_conv_backward(g, v, u, rings, ctx.padding, ctx.dilation)
    return grad_g, grad_x, grad_weight, None, None, None


_ring_conv.register_autograd(_differentiate, setup_context=_save_forward)
_ring_conv_backward.register_autograd(_differentiate_backward, setup_context=_save_backward)


# --- How the strips are cut ---------------------------------------------------------------------------------------


def _filtered_strips(
    x: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]
) -> Iterator[tuple[_Rows, Iterator[Tensor]]]:
    """Cut the output grid into strips along its first axis and filter each with every ring in turn.

    Yields:
        The strip's rows, and an iterator over ring_j ∗ x on them; each is gone from the cache once the next is made.
    """
    dims = rings.ndim - 1
    half = [d * (rings.shape[-1] // 2) for d in dilation]
    padded = _pad(x, padding)
    size = [n - 2 * h for n, h in zip(padded.shape[2:], half)]
    filters = [_trim(ring) for ring in rings]
    for item in range(x.shape[0]):
        for rows in _strips(item, size, x):
            slab = padded[item : item + 1, :, rows.start : rows.stop + 2 * half[0]]
            yield rows, (_filter(slab, ring, half, dilation, dims) for ring in filters)


def _filter(slab: Tensor, ring: Tensor, half: Sequence[int], dilation: Sequence[int], dims: int) -> Tensor:
    """Filter every channel with one ring, whose support may be smaller than the slab's margin."""
    reach = ring.shape[-1] // 2
    inner = _without_margin(slab, [h - d * reach for h, d in zip(half, dilation)])
    if reach == 0:
        return inner if bool(ring == 1) else inner * ring.flatten()
    channels = slab.shape[1]
    return _CONV[dims](inner, ring.expand(channels, 1, *ring.shape), dilation=tuple(dilation), groups=channels)


def _trim(ring: Tensor) -> Tensor:
    """Cut the empty margin off a ring: its inner rings need a fraction of the kernel's taps."""
    while ring.shape[-1] > 1 and not ring[0].any():
        ring = ring[(slice(1, -1),) * ring.ndim]
    return ring


class _Rows:
    """A strip of one item's rows; called with a channels-last map, it cuts the strip out."""

    def __init__(self, item: int, start: int, stop: int) -> None:
        self.item, self.start, self.stop = item, start, stop

    def __call__(self, x: Tensor) -> Tensor:
        return x[self.item : self.item + 1, :, self.start : self.stop]


def _strips(item: int, size: Sequence[int], x: Tensor) -> Iterator[_Rows]:
    """Strips of about `_STRIP_BYTES`; on accelerators, which hide latency with size, one strip."""
    row_bytes = x.element_size() * x.shape[1]
    for n in size[1:]:
        row_bytes *= n
    step = max(1, _STRIP_BYTES // max(1, row_bytes)) if x.device.type == "cpu" else size[0]
    for start in range(0, size[0], step):
        yield _Rows(item, start, min(start + step, size[0]))


# --- Memory layout: pixels are rows of channels, so that a 1×1 convolution is a matrix product ------------------------


def _channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1).contiguous().movedim(-1, 1)


def _pixels(x: Tensor) -> Tensor:
    """View a channels-last map as the matrix (pixels, channels)."""
    return x.movedim(1, -1).reshape(-1, x.shape[1])


def _pad(x: Tensor, padding: Sequence[int]) -> Tensor:
    """Zero-pad and lay out channels last in one copy."""
    size = [n + 2 * p for n, p in zip(x.shape[2:], padding)]
    padded = x.new_zeros((x.shape[0], *size, x.shape[1])).movedim(-1, 1)
    _without_margin(padded, padding).copy_(x)
    return padded


def _without_margin(x: Tensor, margin: Sequence[int]) -> Tensor:
    """View the inside of a map."""
    for axis, m in enumerate(margin, start=2):
        x = x.narrow(axis, m, x.shape[axis] - 2 * m)
    return x


def _empty_output(x: Tensor, weight: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]) -> Tensor:
    reach = _adjoint([0] * len(padding), dilation, rings)
    size = [n + 2 * p - r for n, p, r in zip(x.shape[2:], padding, reach)]
    return x.new_empty((x.shape[0], *size, weight.shape[0])).movedim(-1, 1)


def _adjoint(padding: Sequence[int], dilation: Sequence[int], rings: Tensor) -> list[int]:
    """Padding of the adjoint convolution, which maps the output's size back to the input's."""
    return [d * (rings.shape[-1] - 1) - p for p, d in zip(padding, dilation)]
