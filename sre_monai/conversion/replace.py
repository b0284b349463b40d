"""Equivariant replacements of standard layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from monai.networks.blocks import SubpixelUpsample
from monai.networks.layers import Conv
from torch import Tensor, nn

from sre_monai.conversion.project import project_onto
from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool, SymmetricUpsample

_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONV_TRANSPOSE = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_MAX_POOL = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
_AVG_POOL = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)


class Replacement(NamedTuple):
    """A layer's equivariant replacement, and the relative projection error of its kernel, if it was projected."""

    layer: nn.Module
    loss: float | None = None


class Resampled(nn.Sequential):
    """Resampling and a convolution, whose attributes are forwarded for networks that read them, such as the stride."""

    def __getattr__(self, name: str) -> Any:
        """Forward unknown attributes to the last layer."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            layers = self.__dict__.get("_modules")
            if not layers or name.startswith("__"):
                raise
            return getattr(next(reversed(layers.values())), name)


class Replacer:
    """Makes the equivariant replacements of layers.

    Args:
        kernel_size: kernel size of all convolutions larger than 1×1; None keeps each size, even ones become the next
            odd size.
        profile: ring profile.
        project: whether to initialise from the SRE kernels nearest to the layers' weights.
    """

    def __init__(self, kernel_size: int | None, profile: str, project: bool) -> None:
        self.kernel_size, self.profile, self.project = kernel_size, profile, project

    def replace(self, layer: nn.Module) -> Replacement | None:
        """Make a layer's replacement; None if it is equivariant already or has no replacement."""
        if isinstance(layer, _CONV):
            return self._replace_conv(layer)
        if isinstance(layer, _CONV_TRANSPOSE):
            return self._replace_conv_transpose(layer)
        if isinstance(layer, _MAX_POOL + _AVG_POOL):
            return self._replace_pool(layer)
        if isinstance(layer, nn.Upsample):
            return self._replace_upsample(layer)
        if isinstance(layer, SubpixelUpsample):
            return self._replace_subpixel_upsample(layer)
        return None

    def _replace_conv(self, conv: Any) -> Replacement | None:
        """Use an SRE convolution, after average pooling if there was a stride."""
        is_strided = max(conv.stride) > 1
        if max(conv.kernel_size) == 1:
            if not is_strided:
                return None
            pool = SymmetricAvgPool(len(conv.stride), conv.stride)
            conv.stride, conv.padding = (1,) * len(conv.stride), (0,) * len(conv.stride)
            return Replacement(Resampled(pool, conv))
        if not is_strided:
            if not isinstance(conv.padding, str):
                return self._replace_unstrided(conv, conv.weight, conv.padding)
            padding = [
                d * (k - 1) / 2 if conv.padding == "same" else 0 for d, k in zip(conv.dilation, conv.kernel_size)
            ]
            return self._replace_unstrided(conv, conv.weight, padding)
        convolved = self._rings(conv, conv.weight, padding="same")
        pool = SymmetricAvgPool(len(conv.stride), conv.stride)
        return Replacement(Resampled(*_cut(_border(conv)), pool, convolved.layer), convolved.loss)

    def _replace_conv_transpose(self, conv: Any) -> Replacement | None:
        """Upsample, then apply an SRE convolution."""
        kernel = conv.weight.unflatten(0, (conv.groups, -1)).transpose(1, 2).flatten(0, 1)
        if max(conv.stride) == 1:
            adjoint = [d * (k - 1) - p for d, k, p in zip(conv.dilation, conv.kernel_size, conv.padding)]
            return self._replace_unstrided(conv, kernel, adjoint)
        # each output pixel received about 1 / stride^dims of the taps; after interpolation it receives all of them
        convolved = self._rings(conv, kernel / math.prod(conv.stride), padding="same")
        cells = [p // s if s == k and p % s == 0 else 0 for p, s, k in zip(conv.padding, conv.stride, conv.kernel_size)]
        layers = [*_cut(cells), SymmetricUpsample(conv.stride), convolved.layer]  # what was cropped from the output
        return Replacement(Resampled(*layers), convolved.loss)

    def _replace_unstrided(self, conv: Any, kernel: Tensor, padding: Sequence[float]) -> Replacement | None:
        """Use an SRE convolution of the same output size; None if an even kernel prevents that."""
        size = self._size(conv.kernel_size)
        wider = [p + d * (size - k) / 2 for p, d, k in zip(padding, conv.dilation, conv.kernel_size)]
        if any(p != int(p) for p in wider):
            return None
        return self._rings(conv, kernel, [max(0, int(p)) for p in wider])

    def _replace_pool(self, pool: Any) -> Replacement | None:
        dims = next(d for d, types in enumerate(zip(_MAX_POOL, _AVG_POOL), start=1) if isinstance(pool, types))
        stride = _per_axis(pool.stride, dims)
        if max(stride) == 1 or getattr(pool, "return_indices", False):
            return None
        symmetric = SymmetricMaxPool if isinstance(pool, _MAX_POOL) else SymmetricAvgPool
        layers = [*_cut(_border(pool, dims)), symmetric(dims, stride)]
        return Replacement(layers[0] if len(layers) == 1 else Resampled(*layers))

    def _replace_upsample(self, upsample: nn.Upsample) -> Replacement | None:
        scale = upsample.scale_factor
        factors = (scale,) if isinstance(scale, (int, float)) else scale
        if upsample.size is not None or factors is None or any(f != int(f) for f in factors):
            return None
        whole = tuple(int(f) for f in factors)
        return Replacement(SymmetricUpsample(whole if len(whole) > 1 else whole[0]))

    def _replace_subpixel_upsample(self, upsample: Any) -> Replacement | None:
        """Upsample, then apply an SRE convolution to the mean over the sub-pixel channels."""
        conv, dims = upsample.conv_block, upsample.dimensions
        if not isinstance(conv, _CONV) or conv.groups != 1 or max(conv.stride) > 1:
            return None
        cells = upsample.scale_factor**dims
        with torch.no_grad():
            kernel = conv.weight.unflatten(0, (-1, cells)).mean(1)
            bias = None if conv.bias is None else conv.bias.unflatten(0, (-1, cells)).mean(1)
        mean = Conv["conv", dims](conv.in_channels, len(kernel), conv.kernel_size, dilation=conv.dilation)
        mean.weight, mean.bias = nn.Parameter(kernel), None if bias is None else nn.Parameter(bias)
        convolved = self._rings(mean, mean.weight, padding="same")
        resize = SymmetricUpsample((upsample.scale_factor,) * dims)
        return Replacement(Resampled(resize, convolved.layer), convolved.loss)

    def _rings(self, conv: Any, kernel: Tensor, padding: str | Sequence[int]) -> Replacement:
        """Make an SRE convolution of stride 1 with the channels of a standard one."""
        sre_conv = Conv["sre", len(conv.kernel_size)](
            conv.in_channels,
            conv.out_channels,
            self._size(conv.kernel_size),
            padding=padding,
            dilation=conv.dilation,
            groups=conv.groups,
            bias=conv.bias is not None,
            padding_mode=conv.padding_mode,
            profile=self.profile,
            device=conv.weight.device,
            dtype=conv.weight.dtype,
        )
        return Replacement(sre_conv, project_onto(sre_conv, kernel, conv.bias) if self.project else None)

    def _size(self, kernel_size: Sequence[int]) -> int:
        largest = max(kernel_size)
        return largest + 1 - largest % 2 if self.kernel_size is None else self.kernel_size


def _border(layer: Any, dims: int | None = None) -> list[int]:
    """How many pixels windows of a stride leave out on each side of every axis; negative for padding.

    Without them the sizes of the output are those of the symmetric pooling, n / stride rounded up. Where windows do not
    overlap, they are meant to cover the image: these sizes are rounded up instead of down. An odd number, as of even
    kernels, leaves half a pixel on each side, and some sizes are rounded up, too.
    """
    dims = len(layer.stride) if dims is None else dims
    settings = [_per_axis(getattr(layer, name, 1), dims) for name in ("kernel_size", "stride", "padding", "dilation")]
    rounding = getattr(layer, "ceil_mode", False)
    reaches = [(d * (k - 1), s, p) for k, s, p, d in zip(*settings)]
    return [int((r - 2 * p - rounding * (s - 1)) / 2) if r >= s > 1 else 0 for r, s, p in reaches]


def _cut(cells: Sequence[int]) -> list[nn.Module]:
    """Cut pixels off both sides of every axis, or add zeros for negative numbers."""
    pad: Any = (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d)[len(cells) - 1]
    return [pad([-n for n in reversed(cells) for _ in range(2)], 0.0)] if any(cells) else []


def _per_axis(value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    return (value,) * dims if isinstance(value, int) else tuple(value)
