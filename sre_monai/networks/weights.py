"""Load a network's weights and move it to a device."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sre_monai.io.files import require_file
from sre_monai.networks.nets.published_names import to_own_names

Weights = Mapping[str, Tensor]

_HINT = "give the model.pt of a training run"
_OTHER_FILES = {
    b"": "is empty: its download or copy was interrupted",
    b"version https://git-lfs": "is a pointer of Git LFS, not the weights themselves: run `git lfs pull` in its clone",
    b"<": "is a web page: download the file itself, not the page that shows it",
}
"""What a file is that begins like this."""


def load_weights(
    network: nn.Module, path: str | os.PathLike[str], device: str | torch.device | None = None
) -> nn.Module:
    """Load all of a network's weights from a checkpoint.

    Besides a plain state dict the file may hold the state dict as one of its entries, as those of Lightning or
    ``{"model": …}`` do, and all names may have a prefix, as ``module.`` of ``DataParallel`` and ``AveragedModel`` or
    ``_orig_mod.`` of ``torch.compile``, as long as one entry and one prefix fit the network.

    Args:
        network: the network.
        path: file with a state dict, such as a bundle's ``model.pt``.
        device: device to move the network to; None leaves it where it is.

    Returns:
        The network.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if the file contains no weights or those of another network, if some are not finite, or if the
            device is not available.

    Examples:
        >>> network = nn.Linear(2, 1)
        >>> torch.save(network.state_dict(), "model.pt")
        >>> load_weights(network, "model.pt")
        Linear(in_features=2, out_features=1, bias=True)
    """
    weights = _choose(network, list(_state_dicts(_read(path))), path)
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    reshaped = [n for n, value in to_own_names(network, weights).items() if shapes.get(n, value.shape) != value.shape]
    parameters = dict(network.named_parameters())  # a running variance may be infinite: its channel is constant
    damaged = [
        name
        for name, value in weights.items()
        if not torch.isfinite(value).all() and (name in parameters or torch.isnan(value).any())
    ]
    if damaged:
        raise ValueError(
            f"checkpoint: {len(damaged)} weights in {path} are not finite, such as {damaged[0]}; give others, "
            "their training failed."
        )
    differences: dict[str, list[str]] = {"of a different shape": reshaped}
    if not reshaped:
        try:
            keys = network.load_state_dict(weights, strict=False)
        except Exception as error:  # whatever a network's own hooks raise
            problem = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise ValueError(f"checkpoint: {path} cannot be loaded into {type(network).__name__}: {problem}") from error
        differences = {"missing": keys.missing_keys, "unexpected": keys.unexpected_keys}
    if any(differences.values()):
        summary = ", ".join(f"{len(names)} {what}, such as {names[0]}" for what, names in differences.items() if names)
        raise ValueError(
            f"checkpoint: the weights in {path} are not those of {type(network).__name__} as configured ({summary}); "
            "give its own weights, or configure the network that was trained."
        )
    return network if device is None else to_device(network, device)


def _read(path: str | os.PathLike[str]) -> Any:
    """Read a checkpoint, or say in one sentence why it is none."""
    file = require_file(path, "checkpoint")
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises nearly any kind for a file that is none
        with Path(file).open("rb") as stream:
            start = stream.read(64).lstrip().lower()
        for beginning, kind in _OTHER_FILES.items():
            if start.startswith(beginning) if beginning else not start:
                raise ValueError(f"checkpoint: {path} {kind}.") from None
        raise ValueError(
            f"checkpoint: {path} contains no network's weights, or more than tensors, which torch.load refuses with "
            f"weights_only=True; {_HINT}."
        ) from error


def _state_dicts(content: Any) -> Iterator[Weights]:
    """The state dicts in a file: its content, or its entries."""
    if _is_state_dict(content):
        yield content
    elif isinstance(content, Mapping):
        yield from (value for value in content.values() if value and _is_state_dict(value))


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(v, Tensor) and isinstance(k, str) for k, v in value.items())


def _choose(network: nn.Module, found: list[Weights], path: str | os.PathLike[str]) -> Weights:
    """Choose the only weights whose names are those of the network, without a prefix if need be."""
    fitting = [weights for weights in found if _fits(network, weights)]
    fitting = fitting or [part for weights in found for part in _prefixed(weights) if _fits(network, part)]
    if len(fitting) == 1:
        return fitting[0]
    if len(found) == 1:
        return found[0]  # whose differences are going to be named
    content = f"{len(fitting or found)} sets of weights" if found else "no network's weights"
    raise ValueError(f"checkpoint: {path} contains {content}; {_HINT}.")


def _prefixed(weights: Weights) -> Iterator[Weights]:
    """For each prefix of some names the weights that have it, without it."""
    for prefix in sorted({name[: i + 1] for name in weights for i, letter in enumerate(name) if letter == "."}):
        yield {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _fits(network: nn.Module, weights: Weights) -> bool:
    names = network.state_dict().keys()
    return len(weights) == len(names) and to_own_names(network, weights).keys() == names


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
