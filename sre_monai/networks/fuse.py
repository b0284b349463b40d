"""Fuse batch normalisation and activation into the convolutions before them, for inference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sre_monai.networks.copy_network import copy_network
from sre_monai.networks.layers import SREConv1d, SREConv2d, SREConv3d, SREHarmonicConv2d, SREHarmonicConv3d
from sre_monai.networks.layers.bypass import may_be_bypassed

_HARMONIC = (SREHarmonicConv2d, SREHarmonicConv3d)
_CONV = (SREConv1d, SREConv2d, SREConv3d, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_IDLE = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.Identity)  # in evaluation mode

_Step = tuple[nn.Module, str, nn.Module]


def fuse(network: nn.Module) -> nn.Module:
    """Fuse batch normalisation into the convolutions before it, which saves passes over the feature maps.

    In evaluation mode batch normalisation is a fixed scale and shift of each channel, and so a change of the weights
    and the bias of the convolution before it. A harmonic layer also takes up the ReLU or leaky ReLU that follows. The
    fused network computes the same function to rounding, for inference only: :func:`load_weights` comes before, and
    training is done with the network itself.

    It is done wherever the modules are steps of an ``nn.Sequential``, or of sequences in it: in the blocks of this
    package, in MONAI's ``Convolution``, and so in converted and folded networks. A convolution used in several places,
    and modules with hooks or parametrisations, such as pruned ones, stay as they are.

    Args:
        network: any network; it is copied, not modified.

    Returns:
        The fused copy, in evaluation mode. ``nn.Identity`` stands in the places of the fused modules.

    Examples:
        >>> from sre_monai.networks.blocks import SREConvolution
        >>> fuse(SREConvolution(2, 3, 32, kernel_size=3, act="relu", harmonics=(1, 2))).adn
        ADN(
          (N): Identity()
          (A): Identity()
        )
    """
    fused = copy_network(network).eval()
    uses = Counter(module for _, module in fused.named_modules(remove_duplicate=False))
    for sequence in fused.modules():
        if _is_sequence(sequence):
            _fuse_steps(list(_steps(sequence)), uses)
    return fused


def _is_sequence(module: nn.Module) -> bool:
    """Whether a module does nothing but call its children in turn."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _steps(sequence: nn.Module) -> Iterator[_Step]:
    """The modules that a sequence calls in turn, those of the sequences in it included."""
    for name, child in sequence._modules.items():  # named_children() would skip shared modules
        if child is None:
            continue
        if _is_sequence(child) and may_be_bypassed(child, type(child)):
            yield from _steps(child)
        else:
            yield sequence, name, child


def _fuse_steps(steps: list[_Step], uses: Mapping[nn.Module, int]) -> None:
    """Fuse what follows each convolution into it."""
    for index, (_, _, conv) in enumerate(steps):
        if uses[conv] > 1 or not _is_plain(conv):
            continue
        following = index + 1
        if _can_leave_out(steps, following, uses, _BatchNorm):
            norm: Any = steps[following][2]
            if norm.running_var is None:
                continue
            _scale(conv, *_scale_and_shift(norm))
            _leave_out(steps, following)
        while following < len(steps) and type(steps[following][2]) in _IDLE:
            following += 1
        if isinstance(conv, _HARMONIC) and _can_leave_out(steps, following, uses, nn.ReLU, nn.LeakyReLU):
            slope: Any = getattr(steps[following][2], "negative_slope", 0.0)
            if slope >= 0:
                conv.negative_slope *= slope
                _leave_out(steps, following)


def _is_plain(conv: nn.Module) -> bool:
    """Whether a module is a convolution whose parameters may be changed: without hooks and parametrisations."""
    if may_be_bypassed(conv, *_HARMONIC):
        return all(may_be_bypassed(part, *_CONV) for part in conv.children())
    return may_be_bypassed(conv, *_CONV)


def _can_leave_out(steps: list[_Step], index: int, uses: Mapping[nn.Module, int], *kinds: type[nn.Module]) -> bool:
    """Whether there is such a module at a place, without hooks, and used only there."""
    if index == len(steps):
        return False
    module = steps[index][2]
    return isinstance(module, kinds) and may_be_bypassed(module, type(module)) and uses[module] == 1


def _leave_out(steps: list[_Step], index: int) -> None:
    parent, name, _ = steps[index]
    identity = nn.Identity().eval()
    setattr(parent, name, identity)
    steps[index] = (parent, name, identity)


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    """Give the scale and shift per channel of a batch normalisation in evaluation mode."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias


@torch.no_grad()
def _scale(conv: Any, scale: Tensor, shift: Tensor) -> None:
    """Scale and shift the output channels of a convolution by its weights."""
    if isinstance(conv, _HARMONIC):
        _set(conv.mix, "weight", conv.mix.weight * _per_channel(scale, conv.mix.weight))
        profiles = conv.conv.out_channels - conv.out_channels  # which are not among the layer's output
        conv, scale, shift = conv.conv, F.pad(scale, (0, profiles), value=1.0), F.pad(shift, (0, profiles))
    _set(conv, "bias", shift if conv.bias is None else shift + scale * conv.bias)
    _set(conv, "weight", conv.weight * _per_channel(scale, conv.weight))


def _per_channel(scale: Tensor, weight: Tensor) -> Tensor:
    return scale.reshape(-1, *(1,) * (weight.ndim - 1))


def _set(conv: Any, name: str, value: Tensor) -> None:
    parameter = nn.Parameter(value.to(conv.weight.dtype), requires_grad=conv.weight.requires_grad)
    setattr(conv, name, parameter)
