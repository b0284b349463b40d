"""A network on its device, with the weights of a file."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sre_monai.files import require_file

__all__ = ["load_weights", "to_device"]


def load_weights(
    network: nn.Module, path: str | os.PathLike[str], device: str | torch.device | None = None
) -> nn.Module:
    """Load a network's weights from a checkpoint, all of them.

    Args:
        network: the network.
        path: file of a state dict, as bundles keep it.
        device: where to put the network; None leaves it where it is.

    Returns:
        The network.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file holds no weights, or another network's; or when the device is not there.

    Examples:
        >>> network = nn.Linear(2, 1)
        >>> torch.save(network.state_dict(), "model.pt")
        >>> load_weights(network, "model.pt")
        Linear(in_features=2, out_features=1, bias=True)
    """
    try:
        weights = torch.load(require_file(path, "checkpoint"), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        weights = None
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ValueError(f"checkpoint: {path} does not hold a network's weights; give a model.pt that training wrote.")
    differences = _differences(network.state_dict(), weights)
    if differences:
        raise ValueError(
            f"checkpoint: the weights in {path} are not those of {type(network).__name__} as configured "
            f"({differences}); give its own weights, or configure the network that they were trained with."
        )
    network.load_state_dict(weights)
    return network if device is None else to_device(network, device)


def to_device(network: nn.Module, device: str | torch.device) -> nn.Module:
    """Move a network to a device.

    Args:
        network: the network.
        device: for example ``"cpu"`` or ``"cuda:0"``.

    Returns:
        The network.

    Raises:
        ValueError: when there is no such device.

    Examples:
        >>> to_device(nn.Conv2d(3, 1, 3), "cpu").weight.device
        device(type='cpu')
    """
    try:
        return network.to(device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(f"device: {device} is not available here ({str(error).splitlines()[0]}); try cpu.") from None


def _differences(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """What a state dict lacks, has too much or in another shape."""
    found = {
        "missing": own.keys() - given.keys(),
        "unknown": given.keys() - own.keys(),
        "of another shape": {name for name in own.keys() & given.keys() if own[name].shape != given[name].shape},
    }
    return ", ".join(f"{len(names)} {what}, such as {min(names)}" for what, names in found.items() if names)
