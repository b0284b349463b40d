"""Checkpoints of the published packages in our networks, and ours in theirs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sre_monai.networks.layers import SREConv1d, SREConv2d, SREConv3d

__all__ = ["PACKAGES", "load_sre_conv_state_dict", "to_sre_conv_state_dict"]

# What the published layers store beside their weights: the rings, the dense kernel, the centres of the Gaussians.
_DERIVED = ("weight_index_mat", "default_weight_index_mat", "infer_weight_matrix", "mus")

PACKAGES = {"SRE-Conv": ("bands",), "GMR-Conv": ("bands", "gmr")}
"""The published packages, and the ring profiles that each knows."""


def load_sre_conv_state_dict(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load weights that were trained with the published packages SRE-Conv or GMR-Conv.

    Their layers store index matrices beside their weights; ours make them from the layer's arguments, so they are left
    out. Names and shapes of weights are the same. A ``module.`` prefix of data-parallel training is removed.

    Args:
        network: a network of the same architecture, such as :class:`~sre_monai.networks.nets.SREUNet` with its
            defaults for the published U-Net. GMR-Conv's layers are ours of ``profile="gmr"``, or ``"bands"`` where they
            were made with ``gaussian_mixture_ring=False``; its U-Net has ``circular=False`` by default.
        state_dict: the published network's state dict.

    Raises:
        ValueError: when the architectures differ; the sentence names the first parameters that do not match.

    Examples:
        >>> from sre_monai.networks.nets import SREUNet
        >>> published = to_sre_conv_state_dict(SREUNet(2, 3, 2))  # or torch.load("checkpoint.pth", weights_only=True)
        >>> load_sre_conv_state_dict(SREUNet(2, 3, 2), published)
    """
    weights = {
        name.removeprefix("module."): value
        for name, value in state_dict.items()
        if name.rpartition(".")[2] not in _DERIVED
    }
    own = network.state_dict()
    missing, unknown = own.keys() - weights.keys(), weights.keys() - own.keys()
    reshaped = {name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape}
    if any(name.endswith("log_sigmas") for name in missing | unknown):
        have, need = ("", "profile='gmr'") if unknown else ("no ", "profile='bands'")
        raise ValueError(f"the weights have {have}Gaussian mixtures of rings: make the network with {need}.")
    for problem, names in (("lacks", missing), ("does not know", unknown), ("has another shape for", reshaped)):
        if names:
            subject = "the network" if problem == "does not know" else "the state_dict"
            raise ValueError(f"{subject} {problem} {len(names)} parameters of the other, such as {sorted(names)[:3]}.")
    network.load_state_dict(weights)


def to_sre_conv_state_dict(network: nn.Module, package: str = "SRE-Conv") -> dict[str, Tensor]:
    """Make a state dict that the published packages load.

    Args:
        network: a network whose architecture and module names are those of the published one; its SRE convolutions have
            a profile that the package knows.
        package: ``"SRE-Conv"``, for the profile ``"bands"``; or ``"GMR-Conv"``, for ``"gmr"``, and for ``"bands"`` with
            its ``gaussian_mixture_ring=False``.

    Returns:
        The weights as they are, and beside them what the package's layers store.

    Raises:
        ValueError: for an unknown package, or a profile that it doesn't know.

    Examples:
        >>> from sre_monai.networks.nets import SREUNet
        >>> torch.save(to_sre_conv_state_dict(SREUNet(2, 3, 2)), "published.pth")
    """
    if package not in PACKAGES:
        raise ValueError(f"package must be one of {tuple(PACKAGES)}, got {package!r}.")
    state_dict = dict(network.state_dict())
    for name, layer in network.named_modules():
        if not isinstance(layer, (SREConv1d, SREConv2d, SREConv3d)):
            continue
        if layer.profile not in PACKAGES[package]:
            raise ValueError(f"{package} knows the profiles {PACKAGES[package]}; {name} has {layer.profile!r}.")
        prefix = f"{name}." if name else ""
        rings = layer.rings.flatten(1)[None, None].float()
        state_dict[f"{prefix}weight_index_mat"] = rings
        if package == "GMR-Conv":
            state_dict[f"{prefix}default_weight_index_mat"] = rings
        if layer.profile == "gmr":
            state_dict[f"{prefix}mus"] = torch.arange(rings.shape[2])
    return state_dict
