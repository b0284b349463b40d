"""Load a network's weights and move it to a device."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sre_monai.io.files import require_file

__all__ = ["load_weights", "to_device"]


def load_weights(
    network: nn.Module, path: str | os.PathLike[str], device: str | torch.device | None = None
) -> nn.Module:
    """Load all of a network's weights from a checkpoint.

    Args:
        network: the network.
        path: file with a state dict, such as a bundle's ``model.pt``.
        device: device to move the network to; None leaves it where it is.

    Returns:
        The network.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file contains no weights or those of another network, or if the device is not available.

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
        raise ValueError(
            f"checkpoint: {path} does not contain a network's weights; give the model.pt of a training run."
        )
    try:  # load_state_dict accepts the names of earlier releases and of the published packages
        keys = network.load_state_dict(weights, strict=False)
        differences = {"missing": keys.missing_keys, "unexpected": keys.unexpected_keys}
    except RuntimeError as error:
        differences = {"of a different shape": re.findall(r"size mismatch for (\S+):", str(error))}
    if any(differences.values()):
        summary = ", ".join(f"{len(names)} {what}, such as {names[0]}" for what, names in differences.items() if names)
        raise ValueError(
            f"checkpoint: the weights in {path} are not those of {type(network).__name__} as configured ({summary}); "
            "give its own weights, or configure the network that was trained."
        )
    return network if device is None else to_device(network, device)


def to_device(network: nn.Module, device: str | torch.device) -> nn.Module:
    """Move a network to a device.

    Args:
        network: the network.
        device: for example ``"cpu"`` or ``"cuda:0"``.

    Returns:
        The network.

    Raises:
        ValueError: if the device is not available.

    Examples:
        >>> to_device(nn.Conv2d(3, 1, 3), "cpu").weight.device
        device(type='cpu')
    """
    try:
        return network.to(device)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(f"device: {device} is not available here ({str(error).splitlines()[0]}); try cpu.") from None
