"""Convert checkpoints from and to the published packages SRE-Conv and GMR-Conv.

The published parameter names appear in this module only. Networks call :func:`accept_published_names`, so that their
``load_state_dict`` also accepts these names, which release 0.1.0 of this package used as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sre_monai.networks.layers import SREConv1d, SREConv2d, SREConv3d

__all__ = [
    "PACKAGES",
    "accept_published_names",
    "load_sre_conv_state_dict",
    "name_resnet",
    "name_unet",
    "to_sre_conv_state_dict",
]

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

Names = dict[str, str]
Naming = Callable[[Any], list[Names]]


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
    names = _names_in(network, set(weights))
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
    names = _namings(network)[0]
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


def accept_published_names(network: nn.Module, naming: Naming) -> None:
    """Let a network's ``load_state_dict`` accept published parameter names as well as its own.

    Args:
        network: the network, with all its modules.
        naming: returns dictionaries from the network's parameter and buffer names to published ones; the first is used
            for writing.
    """
    network.published_naming = naming  # type: ignore[assignment]
    network.register_load_state_dict_pre_hook(_rename)


def name_unet(network: Any) -> list[Names]:
    """Name the published U-Net's weights.

    Args:
        network: an :class:`~sre_monai.networks.nets.SREUNet`.

    Returns:
        Dictionary from our names to the published ones.
    """

    def published(name: str) -> str:
        part, _, rest = name.partition(".")
        if part == "encoder":
            level, _, rest = rest.partition(".")
            return f"conv_0.{rest}" if level == "0" else f"down_{level}.convs.{rest}"
        if part == "decoder":
            index, _, rest = rest.partition(".")
            rest = re.sub(r"^preconv\.", "upsample.preconv.", rest)
            return f"upcat_{network.levels - int(index)}.{rest}"
        return name

    return [{name: published(name) for name in network.state_dict()}]


# Residual block modules whose published names differ; _VIDEO holds the names in video ResNets.
_BASIC = {"act1": "relu", "act2": "act", "downsample.0": "downsample.1", "downsample.1": "downsample.2"}
_BOTTLENECK = _BASIC | {"act2": "relu2", "act3": "act"}
_VIDEO = _BASIC | {"conv1": "conv1.1", "bn1": "conv1.2", "act1": "conv1.3", "conv2": "conv2.0", "bn2": "conv2.1"}


def name_resnet(network: Any) -> list[Names]:
    """Name the weights of the published ResNets and of R3D-18.

    Args:
        network: an :class:`~sre_monai.networks.nets.SREResNet`.

    Returns:
        Dictionaries from our names to those of image and of video ResNets; for volumes the latter come first.
    """
    image, video = {"act": "relu"}, {"conv1": "stem.0", "bn1": "stem.1", "act": "stem.2"}
    for name, block in network.named_modules():
        if not hasattr(block, "expansion"):
            continue
        is_bottleneck, is_strided = hasattr(block, "conv3"), not isinstance(block.pool, nn.Identity)
        # the published networks wrap a strided convolution and its pooling in one Sequential
        strided = {f"conv{1 + is_bottleneck}": f"conv{1 + is_bottleneck}.1"} if is_strided else {}
        inside = (_BOTTLENECK if is_bottleneck else _BASIC) | strided
        image |= {f"{name}.{ours}": f"{name}.{theirs}" for ours, theirs in inside.items()}
        video |= {f"{name}.{ours}": f"{name}.{theirs}" for ours, theirs in _VIDEO.items()}
    namings = [{name: _renamed(name, modules) for name in network.state_dict()} for modules in (image, video)]
    return namings[::-1] if network.spatial_dims == 3 and not hasattr(network.layer1[0], "conv3") else namings


def _renamed(name: str, modules: Mapping[str, str]) -> str:
    """Replace the module prefix of a parameter name."""
    return next((modules[path] + name[len(path) :] for path in _parents(name) if path in modules), name)


def _parents(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _namings(network: nn.Module) -> list[Names]:
    """The published names of a network's parameters; identical to its own names unless it registered a naming."""
    naming: Any = getattr(network, "published_naming", None)
    return naming(network) if naming else [{name: name for name in network.state_dict()}]


def _names_in(network: nn.Module, found: set[str]) -> Names:
    """The naming that matches most of the names found in a state dict."""
    own = {name: name for name in network.state_dict()}
    return max([*_namings(network), own], key=lambda names: len(found & set(names.values())))


def _rename(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename published names in a state dict to ours, in place, before it is loaded."""
    found = {name.removeprefix(prefix) for name in state_dict if name.startswith(prefix)}
    names = _names_in(module, found)
    renamed = {prefix + name: state_dict.pop(prefix + names[name]) for name in names if names[name] in found}
    state_dict.update(renamed)
