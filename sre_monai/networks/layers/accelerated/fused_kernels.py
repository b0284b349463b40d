"""The ring convolution's kernels in Triton; :mod:`~sre_monai.networks.layers.accelerated.fused` launches them.

Maps are channels last with three spatial axes, the first of which may have size 1. One program works on a tile of
pixels: for a block of channels it adds up the map under the taps of one class, in registers, and multiplies the sum at
once. The shifted tiles of neighbouring taps come from the first-level cache; filtered maps are never stored.

`taps` holds offsets (z, y, x) from an output pixel: first the lowest and the highest of each axis, then class after
class, where class *c* has the rows `starts[c]` to `starts[c + 1]`. Taps are averaged rather than added, so that float16
does not overflow; the weights make up for it.
"""
# ruff: noqa: N803, N806 -- capitals are Triton's custom for what is known at compile time

from __future__ import annotations

import triton
import triton.language as tl

__all__ = ["convolve", "correlate", "find_tile"]

# image sizes change from call to call, and are not worth another compilation
_SIZES = ["in_z", "in_y", "in_x", "out_z", "out_y", "out_x", "batch", "classes"]


@triton.jit
def find_tile(tile, out_z, out_y, out_x, TILE_Y: tl.constexpr, TILE_X: tl.constexpr):
    """Image and first pixel (z, y, x) of a tile."""
    across = tl.cdiv(out_x, TILE_X)
    down = tl.cdiv(out_y, TILE_Y)
    row = tile // across
    plane = row // down
    return plane // out_z, plane % out_z, row % down * TILE_Y, tile % across * TILE_X


@triton.jit
def _reaches_inside(z, y, x, in_z, in_y, in_x, taps, TILE_Y: tl.constexpr, TILE_X: tl.constexpr):
    """Whether every tap of every pixel of a tile lies in the image."""
    inside = (z + tl.load(taps) >= 0) & (z + tl.load(taps + 3) < in_z)
    inside &= (y + tl.load(taps + 1) >= 0) & (y + tl.load(taps + 4) + TILE_Y <= in_y)
    return inside & (x + tl.load(taps + 2) >= 0) & (x + tl.load(taps + 5) + TILE_X <= in_x)


@triton.jit
def _average(pointers, keep, z, y, x, in_z, in_y, in_x, channels, taps, first, last, MASKED: tl.constexpr):
    """Average the taps from first to last: (pixels, channels)."""
    sums = tl.zeros(pointers.shape, tl.float32)
    for tap in tl.range(first, last, loop_unroll_factor=4):
        dz, dy, dx = tl.load(taps + 3 * tap), tl.load(taps + 3 * tap + 1), tl.load(taps + 3 * tap + 2)
        offset = ((dz * in_y + dy) * in_x + dx).to(tl.int64) * channels
        if MASKED:
            inside = (z + dz >= 0) & (z + dz < in_z) & (y + dy >= 0) & (y + dy < in_y) & (x + dx >= 0) & (x + dx < in_x)
            sums += tl.load(pointers + offset, mask=keep & inside[:, None], other=0.0).to(tl.float32)
        else:
            sums += tl.load(pointers + offset, mask=keep, other=0.0).to(tl.float32)
    return sums / (last - first).to(tl.float32)


@triton.jit
def _filter(pointers, keep, whole, z, y, x, in_z, in_y, in_x, channels, taps, first, last):
    """Average the taps, with a look at the image's borders only where the tile is near them."""
    if whole:
        feature = _average(pointers, keep, z, y, x, in_z, in_y, in_x, channels, taps, first, last, False)
    else:
        feature = _average(pointers, keep, z, y, x, in_z, in_y, in_x, channels, taps, first, last, True)
    return feature


@triton.jit(do_not_specialize=_SIZES)
def convolve(
    source,  # (batch, in_z, in_y, in_x, in_channels)
    weight,  # (classes, in_channels, out_channels)
    bias,  # (out_channels)
    out,  # (batch, out_z, out_y, out_x, out_channels)
    taps,
    starts,
    in_z,
    in_y,
    in_x,
    out_z,
    out_y,
    out_x,
    classes,
    in_channels,
    out_channels,
    HAS_BIAS: tl.constexpr,
    TILE_Y: tl.constexpr,
    PIXELS: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Write bias + Σ_c W_c F_c for a tile of pixels (grid axis 0) and a block of output channels (axis 1)."""
    TILE_X: tl.constexpr = PIXELS // TILE_Y
    image, z0, y0, x0 = find_tile(tl.program_id(0), out_z, out_y, out_x, TILE_Y, TILE_X)
    whole = _reaches_inside(z0, y0, x0, in_z, in_y, in_x, taps, TILE_Y, TILE_X)
    z = z0 + tl.zeros([PIXELS], tl.int32)  # a scalar's comparison would be broadcast as int32 by the interpreter
    y = y0 + tl.arange(0, PIXELS) // TILE_X
    x = x0 + tl.arange(0, PIXELS) % TILE_X
    outputs = tl.program_id(1) * OUT_BLOCK + tl.arange(0, OUT_BLOCK)
    pixels = ((image.to(tl.int64) * in_z + z) * in_y + y) * in_x + x

    sums = tl.zeros([PIXELS, OUT_BLOCK], tl.float32)
    if HAS_BIAS:
        sums += tl.load(bias + outputs, mask=outputs < out_channels, other=0.0).to(tl.float32)[None, :]
    for block in range(0, in_channels, IN_BLOCK):
        inputs = block + tl.arange(0, IN_BLOCK)
        pointers = source + pixels[:, None] * in_channels + inputs[None, :]
        columns = weight + inputs[:, None] * out_channels + outputs[None, :]
        wanted = (inputs < in_channels)[:, None] & (outputs < out_channels)[None, :]
        keep = (inputs < in_channels)[None, :]
        for c in range(0, classes):
            first, last = tl.load(starts + c), tl.load(starts + c + 1)
            feature = _filter(pointers, keep, whole, z, y, x, in_z, in_y, in_x, in_channels, taps, first, last)
            w = tl.load(columns + c * in_channels * out_channels, mask=wanted, other=0.0)
            sums = tl.dot(feature.to(w.dtype), w, sums, input_precision=PRECISION)

    pixels = ((image.to(tl.int64) * out_z + z) * out_y + y) * out_x + x
    inside = (y < out_y)[:, None] & (x < out_x)[:, None] & (outputs < out_channels)[None, :]
    tl.store(out + pixels[:, None] * out_channels + outputs[None, :], sums.to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=_SIZES)
def correlate(
    source,  # (batch, in_z, in_y, in_x, in_channels)
    partner,  # (batch, out_z, out_y, out_x, out_channels)
    parts,  # (parts, classes, in_channels, out_channels)
    taps,
    starts,
    in_z,
    in_y,
    in_x,
    out_z,
    out_y,
    out_x,
    batch,
    classes,
    in_channels,
    out_channels,
    TILE_Y: tl.constexpr,
    PIXELS: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Write ⟨F_c, partner⟩ over a part of the tiles (grid axis 0), for two blocks of channels (1) and a class (2)."""
    TILE_X: tl.constexpr = PIXELS // TILE_Y
    part, c = tl.program_id(0), tl.program_id(2)
    in_blocks = tl.cdiv(in_channels, IN_BLOCK)
    inputs = tl.program_id(1) % in_blocks * IN_BLOCK + tl.arange(0, IN_BLOCK)
    outputs = tl.program_id(1) // in_blocks * OUT_BLOCK + tl.arange(0, OUT_BLOCK)
    first, last = tl.load(starts + c), tl.load(starts + c + 1)
    keep = (inputs < in_channels)[None, :]

    tiles = batch * out_z * tl.cdiv(out_y, TILE_Y) * tl.cdiv(out_x, TILE_X)
    sums = tl.zeros([IN_BLOCK, OUT_BLOCK], tl.float32)
    for tile in range(part, tiles, tl.num_programs(0)):
        image, z0, y0, x0 = find_tile(tile, out_z, out_y, out_x, TILE_Y, TILE_X)
        whole = _reaches_inside(z0, y0, x0, in_z, in_y, in_x, taps, TILE_Y, TILE_X)
        z = z0 + tl.zeros([PIXELS], tl.int32)  # a scalar's comparison would be broadcast as int32 by the interpreter
        y = y0 + tl.arange(0, PIXELS) // TILE_X
        x = x0 + tl.arange(0, PIXELS) % TILE_X
        pixels = ((image.to(tl.int64) * in_z + z) * in_y + y) * in_x + x
        pointers = source + pixels[:, None] * in_channels + inputs[None, :]
        feature = _filter(pointers, keep, whole, z, y, x, in_z, in_y, in_x, in_channels, taps, first, last)

        pixels = ((image.to(tl.int64) * out_z + z) * out_y + y) * out_x + x
        inside = (y < out_y)[:, None] & (x < out_x)[:, None]
        p = tl.load(
            partner + pixels[:, None] * out_channels + outputs[None, :],
            mask=inside & (outputs < out_channels)[None, :],
            other=0.0,
        )
        feature = tl.where(inside, feature, 0.0)  # beyond the map: nothing, even where the taps find no number
        sums = tl.dot(tl.trans(feature.to(p.dtype)), p, sums, input_precision=PRECISION)

    cells = ((part.to(tl.int64) * classes + c) * in_channels + inputs[:, None]) * out_channels + outputs[None, :]
    tl.store(parts + cells, sums, mask=(inputs < in_channels)[:, None] & (outputs < out_channels)[None, :])
