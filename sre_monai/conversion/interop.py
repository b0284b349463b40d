"""Convert checkpoints from and to the published packages SRE-Conv and GMR-Conv.

The published names of parameters are in :mod:`sre_monai.networks.nets.published_names`, those of buffers here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sre_monai.networks.layers import SREConv1d, SREConv2d, SREConv3d
from sre_monai.networks.nets.published_names import names_in, published_names

PACKAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "SRE-Conv": {"bands": ("weight_index_mat",)},
    "GMR-Conv": {
        "bands": ("weight_index_mat", "default_weight_index_mat"),
        "gmr": ("weight_index_mat", "default_weight_index_mat", "mus"),
    },
}
"""The published packages: for each ring profile they support, the buffers their layers store besides the weights."""

# Index matrices, dense kernels and Gaussian centres, which our layers derive from their arguments.
_DERIVED = ("weight_index_mat", "default_weight_index_mat", "infer_weight_matrix", "mus")


def load_sre_conv_state_dict(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load weights that were trained with the published packages SRE-Conv or GMR-Conv.

    Derived buffers are ignored, and a ``module.`` prefix left by data-parallel training is removed.

    Args:
        network: a network of the same architecture, such as :class:`~sre_monai.networks.nets.SREUNet` with its
            defaults for the published U-Net. GMR-Conv's layers correspond to ``profile="gmr"``, or to ``"bands"`` if
            they were built with ``gaussian_mixture_ring=False``; its U-Net has ``circular=False`` by default.
        state_dict: the published network's state dict.

    Raises:
        ValueError: if the architectures differ; the message names the first parameters that do not match.

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
    names = names_in(network, set(weights))
    own = {names[name]: value for name, value in network.state_dict().items()}
    missing, unexpected = own.keys() - weights.keys(), weights.keys() - own.keys()
    reshaped = {name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape}
    if any(name.endswith("log_sigmas") for name in missing | unexpected):
        have, need = ("", "profile='gmr'") if unexpected else ("no ", "profile='bands'")
        raise ValueError(f"the weights have {have}Gaussian mixture rings: build the network with {need}.")
    mismatches = {"lacks": missing, "has unexpected": unexpected, "has different shapes for": reshaped}
    for problem, mismatched in mismatches.items():
        if mismatched:
            raise ValueError(
                f"the state_dict {problem} {len(mismatched)} parameters, such as {sorted(mismatched)[:3]}."
            )
    network.load_state_dict({name: weights[names[name]] for name in names})


def to_sre_conv_state_dict(network: nn.Module, package: str = "SRE-Conv") -> dict[str, Tensor]:
    """Make a state dict that the published packages can load.

    Args:
        network: a network of a published architecture, or any network with the published module names, whose ring
            profiles the package supports.
        package: ``"SRE-Conv"`` for the profile ``"bands"``; ``"GMR-Conv"`` for ``"gmr"``, or for ``"bands"`` with its
            ``gaussian_mixture_ring=False``.

    Returns:
        The unchanged weights and the derived buffers of the package's layers.

    Raises:
        ValueError: for an unknown package or an unsupported profile.

    Examples:
        >>> from sre_monai.networks.nets import SREUNet
        >>> torch.save(to_sre_conv_state_dict(SREUNet(2, 3, 2)), "published.pth")
    """
    if package not in PACKAGES:
        raise ValueError(f"package must be one of {tuple(PACKAGES)}, got {package!r}.")
    names = published_names(network)[0]
    state_dict = {names[name]: value for name, value in network.state_dict().items()}
    for name, layer in network.named_modules():
        if not isinstance(layer, (SREConv1d, SREConv2d, SREConv3d)):
            continue
        if layer.profile not in PACKAGES[package]:
            supported = tuple(PACKAGES[package])
            raise ValueError(f"{package} supports the profiles {supported}; {name} has {layer.profile!r}.")
        weight = names[f"{name}.weight" if name else "weight"]
        rings = layer.rings
        if weight == "stem.0.weight" and layer.kernel_size == (3, 3, 3):
            rings = nn.functional.pad(rings, (2, 2, 2, 2))  # R3D-18 declares it as 3×7×7, with the same two rings
        rings = rings.flatten(1)[None, None].float()
        derived = dict.fromkeys(_DERIVED, rings) | {"mus": torch.arange(rings.shape[2])}
        for stored in PACKAGES[package][layer.profile]:
            state_dict[weight.removesuffix("weight") + stored] = derived[stored]
    return state_dict
