"""Find layers that break equivariance by their type and arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.networks.blocks import SubpixelUpsample
from monai.networks.blocks.patchembedding import PatchEmbed, PatchEmbeddingBlock
from torch import nn

from sre_monai.networks.layers import SymmetricAvgPool, SymmetricMaxPool, SymmetricUpsample

_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_POOL = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
_POSITIONS = ("position_embed", "pos_embed", "relative_position", "rel_pos")


def find_breaking_layers(network: nn.Module) -> dict[str, str]:
    """Find layers that break equivariance by their type and arguments.

    Operations in a network's ``forward``, such as slicing or padding, are not layers; use
    :func:`~sre_monai.conversion.check_equivariance` to find them.

    Args:
        network: any network.

    Returns:
        Names of layers and parameters, with the reason why each breaks equivariance.

    Examples:
        >>> find_breaking_layers(torch.nn.Sequential(torch.nn.PixelShuffle(2)))
        {'0': 'PixelShuffle maps channels to fixed sub-pixel positions'}
    """
    found = {}
    for name, layer in network.named_modules():
        for types, rule in _RULES.items():
            reason = rule(layer) if isinstance(layer, types) else None
            if reason:
                found[name] = reason
    for name, _ in network.named_parameters():
        if any(word in name for word in _POSITIONS):
            found[name] = "a position embedding depends on the pixel's position"
    return found


def _conv(conv: Any) -> str | None:
    if max(conv.kernel_size) == max(conv.stride) == 1:
        return None
    if max(conv.stride) == 1 and any(k % 2 == 0 for k in conv.kernel_size):
        return f"{type(conv).__name__} of an even size has no centre pixel"
    return f"{type(conv).__name__} has kernels that are not isotropic"


def _pool(pool: Any) -> str | None:
    sizes = (pool.kernel_size, pool.stride)
    kernel, stride = ((size,) if isinstance(size, int) else size for size in sizes)
    if max(stride) > 1:
        return f"{type(pool).__name__} of stride {max(stride)} has windows anchored at a corner"
    return f"{type(pool).__name__} of an even size has no centre pixel" if any(k % 2 == 0 for k in kernel) else None


def _stride(layer: Any) -> str | None:
    stride = getattr(layer, "stride", None) or layer.scale
    different = not isinstance(stride, int) and len(set(stride)) > 1
    return f"strides {tuple(stride)} differ between axes: flips are exact, rotations are not" if different else None


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
    (nn.PixelShuffle, nn.PixelUnshuffle, SubpixelUpsample): _always("maps channels to fixed sub-pixel positions"),
    (PatchEmbed, PatchEmbeddingBlock): _always("splits the image into patches and flattens each to a vector"),
    (nn.Unfold, nn.Fold): _always("flattens the pixels of a patch into channels"),
    (nn.MaxUnpool1d, nn.MaxUnpool2d, nn.MaxUnpool3d): _always("uses max-pooling indices, which break ties by position"),
}
