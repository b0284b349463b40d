"""The harmonic convolution's Triton kernels; :mod:`~sre_monai.networks.layers.accelerated.fused_harmonics` starts them.

Maps are channels last with three spatial axes, the first of which has size 1 in two dimensions. One program works on a
tile of pixels for a block of channels of one order, the `in_channels`. The stencils are those of
:mod:`~sre_monai.networks.layers.angular_harmonics`, but arranged so that few derivatives have to be stored: with the
second derivatives *s* along the axes and their mean *s̄*, the squared magnitude of order 2 is

    Σ_a 2 (s_a - s̄)² + Σ_{a<b} (shear_ab)²

in two dimensions as well as three. The deviations from the mean add up to nothing, so that the last is not stored.
"""
# ruff: noqa: N803, N806 -- capitals are Triton's custom for what is known at compile time

from __future__ import annotations

import triton
import triton.language as tl

from sre_monai.networks.layers.accelerated.fused_kernels import find_tile
from sre_monai.networks.layers.angular_harmonics import FLOOR

__all__ = ["correlate_magnitudes", "differentiate", "gather", "mix_magnitudes"]

# image sizes change from call to call, and are not worth another compilation
_SIZES = ["size_z", "size_y", "size_x", "batch"]

_FLOOR = tl.constexpr(FLOOR)
_ROOT_2 = tl.constexpr(2**0.5)


@triton.jit
def _find_pixels(tile, size_z, size_y, size_x, TILE_Y: tl.constexpr, PIXELS: tl.constexpr):
    """Indices and coordinates (z, y, x) of a tile's pixels, and which of them are in the image."""
    TILE_X: tl.constexpr = PIXELS // TILE_Y
    image, z0, y0, x0 = find_tile(tile, size_z, size_y, size_x, TILE_Y, TILE_X)
    z = z0 + tl.zeros([PIXELS], tl.int32)
    y = y0 + tl.arange(0, PIXELS) // TILE_X
    x = x0 + tl.arange(0, PIXELS) % TILE_X
    return ((image.to(tl.int64) * size_z + z) * size_y + y) * size_x + x, z, y, x, (y < size_y) & (x < size_x)


# --- Stencils on a map at `pointers`, with `stride` numbers for a pixel. Opposite taps are added up in pairs, so that
# turns and flips change no more than the last digit ---


@triton.jit
def _near(
    pointers,
    keep,
    z,
    y,
    x,
    size_z,
    size_y,
    size_x,
    stride,
    A: tl.constexpr,
    DA: tl.constexpr,
    B: tl.constexpr,
    DB: tl.constexpr,
):
    """The map moved by DA and DB pixels along the axes A and B; zero beyond the image and where not to be kept."""
    dz: tl.constexpr = (DA if A == 0 else 0) + (DB if B == 0 else 0)
    dy: tl.constexpr = (DA if A == 1 else 0) + (DB if B == 1 else 0)
    dx: tl.constexpr = (DA if A == 2 else 0) + (DB if B == 2 else 0)
    if dz != 0:
        keep = keep & ((z + dz >= 0) & (z + dz < size_z))[:, None]
    if dy != 0:
        keep = keep & ((y + dy >= 0) & (y + dy < size_y))[:, None]
    if dx != 0:
        keep = keep & ((x + dx >= 0) & (x + dx < size_x))[:, None]
    offset = ((dz * size_y + dy) * size_x + dx).to(tl.int64) * stride
    return tl.load(pointers + offset, mask=keep, other=0.0)


@triton.jit
def _slope(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A: tl.constexpr):
    """The first derivative along an axis."""
    near = _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, 1, A, 0)
    near -= _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, -1, A, 0)
    far = _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, 2, A, 0)
    far -= _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, -2, A, 0)
    return near * (2 / 3) - far * (1 / 12)


@triton.jit
def _bend(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A: tl.constexpr):
    """The second derivative along an axis, but for what all axes have in common."""
    near = _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, 1, A, 0)
    near += _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, -1, A, 0)
    far = _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, 2, A, 0)
    far += _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, -2, A, 0)
    return near * (2 / 3) + far * (1 / 12)


@triton.jit
def _shear(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A: tl.constexpr, B: tl.constexpr):
    """Twice the mixed second derivative."""
    same = _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, 1, B, 1)
    same += _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, -1, B, -1)
    opposite = _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, 1, B, -1)
    opposite += _near(pointers, keep, z, y, x, size_z, size_y, size_x, stride, A, -1, B, 1)
    return (same - opposite) * 0.5


@triton.jit
def _derive(pointers, keep, z, y, x, size_z, size_y, size_x, stride, DIMS: tl.constexpr, ORDER: tl.constexpr):
    """Derivatives whose squares add up to the magnitude's: one for each axis, then one for each pair of axes.

    Those that an order or two dimensions lack are zero.
    """
    none = tl.zeros(pointers.shape, tl.float32)
    a, ab, ac, bc = none, none, none, none
    if ORDER == 1:
        if DIMS == 3:
            a = _slope(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 0)
        b = _slope(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 1)
        c = _slope(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 2)
    else:
        b = _bend(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 1)
        c = _bend(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 2)
        bc = _shear(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 1, 2)
        mean = (b + c) * 0.5
        if DIMS == 3:
            a = _bend(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 0)
            ab = _shear(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 0, 1)
            ac = _shear(pointers, keep, z, y, x, size_z, size_y, size_x, stride, 0, 2)
            mean = (a + b + c) * (1 / 3)
            a = (a - mean) * _ROOT_2
        b = (b - mean) * _ROOT_2
        c = (c - mean) * _ROOT_2
    return a, b, c, ab, ac, bc


@triton.jit
def _norm(a, b, c, ab, ac, bc):
    return tl.sqrt(a * a + b * b + c * c + ab * ab + ac * ac + bc * bc + _FLOOR * _FLOOR)


# --- Kernels ---


@triton.jit(do_not_specialize=_SIZES)
def mix_magnitudes(
    maps,  # (batch, size_z, size_y, size_x, out_channels + orders * in_channels)
    mix,  # (orders * in_channels, out_channels)
    out,  # (batch, size_z, size_y, size_x, out_channels)
    size_z,
    size_y,
    size_x,
    in_channels,
    out_channels,
    negative_slope,
    DIMS: tl.constexpr,
    ORDER: tl.constexpr,
    ORDERS: tl.constexpr,
    TILE_Y: tl.constexpr,
    PIXELS: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Write act(isotropic + M |harmonics|) for a tile of pixels (grid axis 0) and a block of output channels (axis 1).

    ORDER is that of the first profiles; where there are two ORDERS, the others have the other one.
    """
    pixels, z, y, x, inside = _find_pixels(tl.program_id(0), size_z, size_y, size_x, TILE_Y, PIXELS)
    outputs = tl.program_id(1) * OUT_BLOCK + tl.arange(0, OUT_BLOCK)
    wanted = inside[:, None] & (outputs < out_channels)[None, :]
    stride = out_channels + ORDERS * in_channels
    rows = maps + pixels[:, None] * stride

    sums = tl.load(rows + outputs[None, :], mask=wanted, other=0.0)
    for place in tl.static_range(ORDERS):
        for block in tl.range(0, in_channels, IN_BLOCK, num_stages=1):  # taps of a later block would fill the memory
            inputs = block + tl.arange(0, IN_BLOCK)
            pointers = rows + (out_channels + place * in_channels + inputs)[None, :]
            keep = inside[:, None] & (inputs < in_channels)[None, :]
            a, b, c, ab, ac, bc = _derive(
                pointers, keep, z, y, x, size_z, size_y, size_x, stride, DIMS, ORDER if place == 0 else 3 - ORDER
            )
            w = tl.load(
                mix + (place * in_channels + inputs)[:, None] * out_channels + outputs[None, :],
                mask=(inputs < in_channels)[:, None] & (outputs < out_channels)[None, :],
                other=0.0,
            )
            sums = tl.dot(_norm(a, b, c, ab, ac, bc), w, sums, input_precision=PRECISION)
    sums = tl.where(sums > 0, sums, sums * negative_slope)
    tl.store(out + pixels[:, None] * out_channels + outputs[None, :], sums.to(out.dtype.element_ty), mask=wanted)


@triton.jit(do_not_specialize=_SIZES)
def differentiate(
    profiles,  # (batch, size_z, size_y, size_x, stride), of which in_channels are one order's
    gradient,  # (batch, size_z, size_y, size_x, out_channels), of the output
    mix,  # (in_channels, out_channels)
    parts,  # (parts, batch, size_z, size_y, size_x, in_channels)
    size_z,
    size_y,
    size_x,
    batch,
    in_channels,
    out_channels,
    stride,
    DIMS: tl.constexpr,
    ORDER: tl.constexpr,
    TILE_Y: tl.constexpr,
    PIXELS: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Write the gradients of the derivatives for a tile of pixels (grid axis 0) and a block of profiles (axis 1).

    They are the magnitudes' gradients Mᵀg times at most 1, since a derivative is not greater than its magnitude.
    """
    pixels, z, y, x, inside = _find_pixels(tl.program_id(0), size_z, size_y, size_x, TILE_Y, PIXELS)
    inputs = tl.program_id(1) * IN_BLOCK + tl.arange(0, IN_BLOCK)
    keep = inside[:, None] & (inputs < in_channels)[None, :]

    sums = tl.zeros([PIXELS, IN_BLOCK], tl.float32)
    for block in range(0, out_channels, OUT_BLOCK):
        outputs = block + tl.arange(0, OUT_BLOCK)
        g = tl.load(
            gradient + pixels[:, None] * out_channels + outputs[None, :],
            mask=inside[:, None] & (outputs < out_channels)[None, :],
            other=0.0,
        )
        w = tl.load(
            mix + inputs[None, :] * out_channels + outputs[:, None],
            mask=(inputs < in_channels)[None, :] & (outputs < out_channels)[:, None],
            other=0.0,
        )
        sums = tl.dot(g.to(tl.float32), w, sums, input_precision=PRECISION)

    pointers = profiles + pixels[:, None] * stride + inputs[None, :]
    a, b, c, ab, ac, bc = _derive(pointers, keep, z, y, x, size_z, size_y, size_x, stride, DIMS, ORDER)
    ratio = sums / _norm(a, b, c, ab, ac, bc)
    part = parts + pixels[:, None] * in_channels + inputs[None, :]
    size = batch.to(tl.int64) * size_z * size_y * size_x * in_channels
    if DIMS == 3:
        tl.store(part, ratio * a, mask=keep)
        part += size
    tl.store(part, ratio * b, mask=keep)
    part += size
    if ORDER == 1:
        tl.store(part, ratio * c, mask=keep)
    else:
        tl.store(part, ratio * bc, mask=keep)
        if DIMS == 3:
            tl.store(part + size, ratio * ab, mask=keep)
            tl.store(part + 2 * size, ratio * ac, mask=keep)


@triton.jit(do_not_specialize=_SIZES)
def gather(
    parts,  # (parts, batch, size_z, size_y, size_x, in_channels)
    out,  # (batch, size_z, size_y, size_x, stride), of which in_channels are one order's
    size_z,
    size_y,
    size_x,
    batch,
    in_channels,
    stride,
    DIMS: tl.constexpr,
    ORDER: tl.constexpr,
    TILE_Y: tl.constexpr,
    PIXELS: tl.constexpr,
    IN_BLOCK: tl.constexpr,
):
    """Write the profiles' gradients for a tile of pixels (grid axis 0) and a block of channels (axis 1)."""
    pixels, z, y, x, inside = _find_pixels(tl.program_id(0), size_z, size_y, size_x, TILE_Y, PIXELS)
    inputs = tl.program_id(1) * IN_BLOCK + tl.arange(0, IN_BLOCK)
    keep = inside[:, None] & (inputs < in_channels)[None, :]
    part = parts + pixels[:, None] * in_channels + inputs[None, :]
    size = batch.to(tl.int64) * size_z * size_y * size_x * in_channels

    sums = tl.zeros([PIXELS, IN_BLOCK], tl.float32)
    if ORDER == 1:
        for axis in tl.static_range(3 - DIMS, 3):
            sums -= _slope(part, keep, z, y, x, size_z, size_y, size_x, in_channels, axis)
            part += size
    else:
        for axis in tl.static_range(3 - DIMS, 2):
            sums += _bend(part, keep, z, y, x, size_z, size_y, size_x, in_channels, axis)
            sums -= _bend(part, keep, z, y, x, size_z, size_y, size_x, in_channels, 2)
            part += size
        sums *= _ROOT_2
        sums += _shear(part, keep, z, y, x, size_z, size_y, size_x, in_channels, 1, 2)
        if DIMS == 3:
            sums += _shear(part + size, keep, z, y, x, size_z, size_y, size_x, in_channels, 0, 1)
            sums += _shear(part + 2 * size, keep, z, y, x, size_z, size_y, size_x, in_channels, 0, 2)
    place = out + pixels[:, None] * stride + inputs[None, :]
    tl.store(place, sums.to(out.dtype.element_ty), mask=keep)


@triton.jit(do_not_specialize=_SIZES)
def correlate_magnitudes(
    profiles,  # (batch, size_z, size_y, size_x, stride), of which in_channels are one order's
    gradient,  # (batch, size_z, size_y, size_x, out_channels), of the output
    sums_of_parts,  # (parts, in_channels, out_channels)
    size_z,
    size_y,
    size_x,
    batch,
    in_channels,
    out_channels,
    stride,
    DIMS: tl.constexpr,
    ORDER: tl.constexpr,
    TILE_Y: tl.constexpr,
    PIXELS: tl.constexpr,
    IN_BLOCK: tl.constexpr,
    OUT_BLOCK: tl.constexpr,
    PRECISION: tl.constexpr,
):
    """Write ⟨magnitude, gradient⟩ over a part of the tiles (grid axis 0), for two blocks of channels (axis 1)."""
    in_blocks = tl.cdiv(in_channels, IN_BLOCK)
    inputs = tl.program_id(1) % in_blocks * IN_BLOCK + tl.arange(0, IN_BLOCK)
    outputs = tl.program_id(1) // in_blocks * OUT_BLOCK + tl.arange(0, OUT_BLOCK)

    tiles = batch * size_z * tl.cdiv(size_y, TILE_Y) * tl.cdiv(size_x, PIXELS // TILE_Y)
    sums = tl.zeros([IN_BLOCK, OUT_BLOCK], tl.float32)
    for tile in tl.range(tl.program_id(0), tiles, tl.num_programs(0), num_stages=1):
        pixels, z, y, x, inside = _find_pixels(tile, size_z, size_y, size_x, TILE_Y, PIXELS)
        pointers = profiles + pixels[:, None] * stride + inputs[None, :]
        keep = inside[:, None] & (inputs < in_channels)[None, :]
        a, b, c, ab, ac, bc = _derive(pointers, keep, z, y, x, size_z, size_y, size_x, stride, DIMS, ORDER)
        g = tl.load(
            gradient + pixels[:, None] * out_channels + outputs[None, :],
            mask=inside[:, None] & (outputs < out_channels)[None, :],
            other=0.0,
        )
        sums = tl.dot(tl.trans(_norm(a, b, c, ab, ac, bc)), g.to(tl.float32), sums, input_precision=PRECISION)

    cells = (tl.program_id(0).to(tl.int64) * in_channels + inputs[:, None]) * out_channels + outputs[None, :]
    tl.store(sums_of_parts + cells, sums, mask=(inputs < in_channels)[:, None] & (outputs < out_channels)[None, :])
