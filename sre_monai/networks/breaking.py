"""Layers that no equivariant network can have: found by what they are, before anything is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.networks.blocks import SubpixelUpsample
from monai.networks.blocks.patchembedding import PatchEmbed, PatchEmbeddingBlock
from torch import nn

from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool, SymmetricUpsample

__all__ = ["find_breaking_layers"]

_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOL = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_POSITIONS = ("position_embed", "pos_embed", "relative_position", "rel_pos")


def find_breaking_layers(network: nn.Module) -> dict[str, str]:
    """Find layers that break equivariance, by their kind and arguments.

    What a network's ``forward`` does by itself, such as slicing or padding, is no layer: for that there is
    :func:`~sre_monai.networks.check_equivariance`.

    Args:
        network: any network.

    Returns:
        Names of layers and parameters, and why each breaks equivariance.

    Examples:
        >>> find_breaking_layers(torch.nn.Sequential(torch.nn.PixelShuffle(2)))
        {'0': 'PixelShuffle gives every corner of a cell channels of its own'}
    """
    found = {}
    for name, layer in network.named_modules():
        for types, rule in _RULES.items():
            reason = rule(layer) if isinstance(layer, types) else None
            if reason:
                found[name] = reason
    for name, _ in network.named_parameters():
        if any(word in name for word in _POSITIONS):
            found[name] = "a position embedding tells pixels apart by their place"
    return found


def _conv(conv: Any) -> str | None:
    if max(conv.kernel_size) == max(conv.stride) == 1:
        return None
    return f"{type(conv).__name__} has kernels that see directions"


def _pool(pool: Any) -> str | None:
    sizes = (pool.kernel_size, pool.stride)
    kernel, stride = ((size,) if isinstance(size, int) else size for size in sizes)
    if max(stride) > 1:
        return f"{type(pool).__name__} of stride {max(stride)} starts at a corner"
    return f"{type(pool).__name__} of an even size has no centre pixel" if any(k % 2 == 0 for k in kernel) else None


def _stride(layer: Any) -> str | None:
    stride = getattr(layer, "stride", None) or layer.scale
    different = not isinstance(stride, int) and len(set(stride)) > 1
    return f"strides {tuple(stride)} differ between axes: mirroring is exact, turns are not" if different else None


def _pad(pad: Any) -> str | None:
    amounts = tuple(pad.padding)
    return None if amounts[::2] == amounts[1::2] else f"{type(pad).__name__} pads one side more than the other"


def _layer_norm(norm: nn.LayerNorm) -> str | None:
    spatial = len(norm.normalized_shape) > 1 and norm.elementwise_affine
    return "LayerNorm has a weight for every pixel" if spatial else None


def _always(reason: str) -> Callable[[nn.Module], str]:
    return lambda layer: f"{type(layer).__name__} {reason}"


_PADS = tuple(
    getattr(nn, f"{kind}Pad{dims}d")
    for kind in ("Constant", "Zero", "Reflection", "Replication", "Circular")
    for dims in (1, 2, 3)
)
_RULES: dict[Any, Callable[[Any], str | None]] = {
    _CONV: _conv,
    _POOL: _pool,
    _PADS: _pad,
    (SymmetricMaxPool, SymmetricAvgPool, SymmetricUpsample): _stride,
    (nn.LayerNorm,): _layer_norm,
    (nn.PixelShuffle, nn.PixelUnshuffle, SubpixelUpsample): _always("gives every corner of a cell channels of its own"),
    (PatchEmbed, PatchEmbeddingBlock): _always("cuts the image into patches and reads each as a vector"),
    (nn.Unfold, nn.Fold): _always("orders the pixels of a patch in channels"),
    (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d): _always(
        "puts each value where a pooling that broke ties found it"
    ),
}
