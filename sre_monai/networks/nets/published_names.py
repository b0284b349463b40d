"""The parameter names of the published packages SRE-Conv and GMR-Conv.

Networks call :func:`accept_published_names`, so that their ``load_state_dict`` also accepts these names, which release
0.1.0 of this package used as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

Names = dict[str, str]
Naming = Callable[[Any], list[Names]]


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


def published_names(network: nn.Module) -> list[Names]:
    """Give the published names of a network's parameters: its own unless it registered a naming.

    Args:
        network: any network.

    Returns:
        Dictionaries from its names to published ones; the first is used for writing.
    """
    naming: Any = getattr(network, "published_naming", None)
    return naming(network) if naming else [{name: name for name in network.state_dict()}]


def names_in(network: nn.Module, found: set[str]) -> Names:
    """Give the naming that matches most of the names found in a state dict.

    Args:
        network: any network.
        found: the names.

    Returns:
        Dictionary from the network's names to those of the state dict.
    """
    own = {name: name for name in network.state_dict()}
    return max([*published_names(network), own], key=lambda names: len(found & set(names.values())))


def _rename(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename published names in a state dict to ours, in place, before it is loaded."""
    found = {name.removeprefix(prefix) for name in state_dict if name.startswith(prefix)}
    names = names_in(module, found)
    renamed = {prefix + name: state_dict.pop(prefix + names[name]) for name in names if names[name] in found}
    state_dict.update(renamed)


def to_own_names(network: nn.Module, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give a state dict the names of the network that is to load it.

    Args:
        network: any network, of which parts may accept published names.
        state_dict: the weights.

    Returns:
        The same weights.
    """
    renamed = dict(state_dict)
    for name, module in network.named_modules():
        if hasattr(module, "published_naming"):
            _rename(module, renamed, f"{name}." if name else "")
    return renamed
