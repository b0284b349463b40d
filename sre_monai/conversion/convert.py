"""Convert any convolutional network into an equivariant one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.blocks.patchembedding import PatchEmbed, PatchEmbeddingBlock
from torch import nn
from torch.nn.parameter import UninitializedParameter

from sre_monai.conversion.adapted_blocks import adapt_block
from sre_monai.conversion.breaking import find_breaking_layers
from sre_monai.conversion.check import EquivarianceReport, check_equivariance
from sre_monai.conversion.replace import Replacer
from sre_monai.conversion.report import ConversionReport, ReplacedLayer
from sre_monai.conversion.trace import IN_LAYER
from sre_monai.networks.copy_network import copy_network
from sre_monai.networks.layers.rings import get_profile
from sre_monai.networks.layers.upsampling import SymmetricUpsample, remember_sizes

_NOT_CONVERTED = (PatchEmbed, PatchEmbeddingBlock)  # pooling would discard the layout inside a patch


def convert_to_sre(
    network: nn.Module,
    kernel_size: int | None = None,
    profile: str = "bands",
    project: bool = False,
    input_shapes: Sequence[Sequence[int]] = (),
) -> nn.Module:
    """Make a network equivariant while keeping its architecture.

    ==============================================  ==================================================================
    layer                                           becomes
    ==============================================  ==================================================================
    convolution                                     SRE convolution of the same output size; 1×1 convolutions are kept
    strided convolution                             average pooling by the stride, then an SRE convolution
    transposed convolution                          linear upsampling by the stride, then an SRE convolution
    sub-pixel upsampling (pixel shuffle)            linear upsampling, then an SRE convolution
    strided max or average pooling                  the same with windows placed symmetrically at every size
    upsampling by an integer factor                 linear upsampling with aligned corners
    "same" padding modules of MONAI's EfficientNet  removed; the convolutions pad both sides equally
    ==============================================  ==================================================================

    Both even and odd sizes are supported: pooling rounds up, and upsampling restores the size before pooling, so that
    skip connections match without one-sided padding or cropping.

    The replaced layers, the layers that still break equivariance, and the measured errors are logged and stored in the
    attribute ``conversion_report`` of the returned network.

    Args:
        network: any network; it is copied, not modified.
        kernel_size: odd size of all SRE convolutions; by default each convolution keeps its size, and even sizes become
            the next odd size. Rings are less expressive than free kernels: 5 to 9 pixels commonly replace 3.
        profile: ring profile, see :class:`~sre_monai.networks.layers.SREConv2d`.
        project: initialise with the SRE kernels nearest to the network's weights, as a warm start from a trained
            network, instead of random ones. The report contains the projection error of each kernel.
        input_shapes: shapes at which the equivariance error is measured, each (batch, channels, *spatial*); try even
            and odd sizes.

    Returns:
        The converted network, with the same device, dtype and training mode.

    Raises:
        ValueError: for an even kernel size, an unknown profile, or a network that cannot be copied: one compiled by
            TorchScript, or with parameters that its first input will shape.

    Examples:
        >>> from monai.networks.nets import UNet
        >>> unet = UNet(2, 1, 2, channels=(8, 16, 32), strides=(2, 2))
        >>> sre = convert_to_sre(unet, kernel_size=5, input_shapes=[(1, 1, 33, 48)])
        >>> sre.conversion_report.equivariance[0].is_equivariant
        True

        In a bundle's configuration::

            "network_def": {
                "_target_": "sre_monai.conversion.convert_to_sre",
                "network": {"_target_": "UNet", "spatial_dims": 2, ...},
                "kernel_size": 5
            }
    """
    get_profile(profile)  # raises before anything is copied
    if kernel_size is not None and (kernel_size < 1 or kernel_size % 2 == 0):
        raise ValueError(f"kernel_size must be odd and positive for a kernel that has a centre, got {kernel_size}.")
    converted = _copy(network)
    before = _count(network)
    replacer = Replacer(kernel_size, profile, project)
    replaced: dict[str, ReplacedLayer] = {}
    kept: dict[str, str] = {}
    root = nn.Module()
    root.add_module("network", converted)
    _replace_children(root, "", replacer, replaced, kept, {})
    converted = root.get_submodule("network")
    if any(isinstance(module, SymmetricUpsample) for module in converted.modules()):
        remember_sizes(converted)
    converted.train(network.training)

    measured, failures = _measure(converted, input_shapes)
    report: Any = ConversionReport(
        network=type(network).__name__,
        replaced=list(replaced.values()),
        breaking=find_breaking_layers(converted) | kept,
        parameters=(before, _count(converted)),
        equivariance=measured,
        failures=failures,
    )
    converted.conversion_report = report
    logging.getLogger(__name__).info("%s", report)
    return converted


def _copy(network: nn.Module) -> nn.Module:
    """Copy a network, or say why it cannot be."""
    name = type(network).__name__
    if isinstance(network, torch.jit.ScriptModule):
        raise ValueError(f"network: {name} is compiled by TorchScript; convert the network that was compiled.")
    if any(isinstance(parameter, UninitializedParameter) for parameter in network.parameters()):
        raise ValueError(f"network: {name} has parameters without a shape; run it once on an input, then convert it.")
    try:
        return copy_network(network)
    except Exception as error:
        raise ValueError(
            f"network: {name} cannot be copied ({_first_line(error)}); convert it before its first forward pass."
        ) from error


def _measure(
    network: nn.Module, input_shapes: Sequence[Sequence[int]]
) -> tuple[list[EquivarianceReport], dict[tuple[int, ...], str]]:
    """Measure the errors at every shape; if the network fails, name the layer and the error."""
    measured, failures = [], {}
    for shape in input_shapes:
        try:
            measured.append(check_equivariance(network, shape, layers=True))
        except Exception as error:  # whatever a network's own code raises
            notes = getattr(error, "__notes__", ())
            where = next((note.removeprefix(IN_LAYER) for note in notes if note.startswith(IN_LAYER)), "its forward")
            failures[tuple(shape)] = f"{where}: {_first_line(error)}"
    return measured, failures


def _replace_children(
    parent: nn.Module,
    prefix: str,
    replacer: Replacer,
    replaced: dict[str, ReplacedLayer],
    kept: dict[str, str],
    done: dict[nn.Module, nn.Module],
) -> None:
    """Replace layers recursively and in place; a layer used in several places stays shared."""
    adapt_block(parent)
    for name, child in list(parent._modules.items()):  # named_children() would skip shared modules
        if child is None:
            continue
        path = f"{prefix}{name}"
        if child not in done:
            done[child] = child
            before, shown = repr(child), path.partition(".")[2]
            try:
                replacement = replacer.replace(child)
            except Exception as error:  # a layer that no one prepared for stays, with the reason in the report
                kept[shown] = f"{type(child).__name__} could not be replaced: {_first_line(error)}"
                continue
            loss = None if replacement is None else _what_would_be_lost(child)
            if isinstance(child, torch.jit.ScriptModule):
                kept[shown] = "compiled by TorchScript; convert the network before"
            elif loss is not None:
                kept[shown] = f"{type(child).__name__} stays, since its replacement would lose {loss}"
            elif replacement is not None:
                done[child] = replacement.layer
                _move_hooks(child, replacement.layer)
                replaced[shown] = ReplacedLayer(shown, before, _on_one_line(replacement.layer), replacement.loss)
            elif not isinstance(child, _NOT_CONVERTED):
                _replace_children(child, f"{path}.", replacer, replaced, kept, done)
        setattr(parent, name, done[child])


def _what_would_be_lost(layer: nn.Module) -> str | None:
    """Say what a replacement would not do: code of a subclass, or weights that are computed from others."""
    for kind in type(layer).__mro__:
        if kind.__module__.startswith(("torch.nn.modules.", "monai.")):
            break
        if {"forward", "_conv_forward"} & kind.__dict__.keys():
            return f"the code of {kind.__name__}; replace it by {kind.__base__.__name__ if kind.__base__ else 'it'}"
    computed = [name for name in ("weight", "bias") if hasattr(layer, name) and name not in layer._parameters]
    if computed:
        return (
            f"how its {computed[0]} is computed, as by spectral or weight normalisation or pruning; remove that before"
        )
    return None


def _move_hooks(layer: nn.Module, replacement: nn.Module) -> None:
    """Let the hooks of a layer's calls run for its replacement."""
    for name, value in vars(layer).items():
        if name.startswith(("_forward_", "_backward_", "_is_full_backward")):
            setattr(replacement, name, value)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__


def _on_one_line(layer: nn.Module) -> str:
    return " → ".join(map(repr, layer)) if isinstance(layer, nn.Sequential) else repr(layer)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
