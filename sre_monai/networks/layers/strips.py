"""The ring convolution in PyTorch alone: strips of filtered rows that stay in the cache until they are multiplied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sre_monai.networks.layers.arguments import check_ring_values
from sre_monai.networks.layers.layout import adjoint, channels_last, empty_output, pixels, without_margin

# Bytes of one strip of a feature map: the filtered strip stays in the cache until its 1×1 product is done.
_STRIP_BYTES = 4 << 20

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def forward(
    x: Tensor, weight: Tensor, rings: Tensor, bias: Tensor | None, padding: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    """Compute y = Σ_j W_j (ring_j ∗ x) + b, strip by strip.

    Args:
        x: (batch, in_channels, *spatial*).
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*).
        bias: (out_channels,) or None.
        padding: zeros added on both sides of every spatial axis.
        dilation: spacing of the kernel's taps per spatial axis.

    Returns:
        (batch, out_channels, *spatial'*), channels last in memory.
    """
    out = empty_output(x, weight, rings, padding, dilation)
    columns = [w.t().contiguous() for w in weight.unbind(-1)]
    for rows, features in _filtered_strips(x, rings, padding, dilation):
        target = pixels(rows(out))
        target.copy_(bias) if bias is not None else target.zero_()
        for feature, column in zip(features, columns):
            target.addmm_(pixels(feature), column)
    return out


def backward(
    g: Tensor, x: Tensor, weight: Tensor, rings: Tensor, padding: Sequence[int], dilation: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Compute ∂x = Σ_j W_jᵀ G_j and ∂W_j = ⟨G_j, x⟩ from the same filtered gradients G_j = ring_j ∗ g.

    Args:
        g: gradient of the output.
        x: (batch, in_channels, *spatial*), the input.
        weight: (out_channels, in_channels, rings).
        rings: (rings, *k*, …, *k*), symmetric.
        padding: of the forward pass.
        dilation: of the forward pass.

    Returns:
        The gradients of the input, channels last in memory, and of the weights.
    """
    x = channels_last(x)
    grad_x, grad_weight = torch.empty_like(x), torch.zeros(weight.shape[::-1], dtype=x.dtype, device=x.device)
    rows_of_weight = [w.contiguous() for w in weight.unbind(-1)]
    for rows, features in _filtered_strips(g, rings, adjoint(padding, dilation, rings), dilation):
        target, source = pixels(rows(grad_x)), pixels(rows(x))
        target.zero_()
        for feature, w, grad_w in zip(map(pixels, features), rows_of_weight, grad_weight):
            target.addmm_(feature, w)
            grad_w.addmm_(source.t(), feature)
    return grad_x, grad_weight.permute(2, 1, 0).contiguous()


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
    check_ring_values(rings.detach().float().cpu().numpy())
    filters = [_trim(ring) for ring in rings.to(x.dtype)]
    for item in range(x.shape[0]):
        for rows in _strips(item, size, x):
            slab = padded[item : item + 1, :, rows.start : rows.stop + 2 * half[0]]
            yield rows, (_filter(slab, ring, half, dilation, dims) for ring in filters)


def _filter(slab: Tensor, ring: Tensor, half: Sequence[int], dilation: Sequence[int], dims: int) -> Tensor:
    """Filter every channel with one ring, whose support may be smaller than the slab's margin."""
    reach = ring.shape[-1] // 2
    inner = without_margin(slab, [h - d * reach for h, d in zip(half, dilation)])
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


def _pad(x: Tensor, padding: Sequence[int]) -> Tensor:
    """Zero-pad and lay out channels last in one copy."""
    size = [n + 2 * p for n, p in zip(x.shape[2:], padding)]
    padded = x.new_zeros((x.shape[0], *size, x.shape[1])).movedim(-1, 1)
    without_margin(padded, padding).copy_(x)
    return padded
