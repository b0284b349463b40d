"""What is installed: ``sre-monai doctor``."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from sre_monai_cli.bundles import COMMANDS, find_bundle
from sre_monai_cli.version import __version__

INCOMPLETE = 1
"""Exit status when something that every command needs is missing."""


def run_doctor() -> int:
    """Print what is installed, the kernels, the devices and the weights.

    Returns:
        The exit status: 0, or 1 when a required package or the weights are missing.

    Examples:
        >>> run_doctor()  # doctest: +SKIP
        0
    """
    sections = {"packages": _packages(), "kernels": _kernels(), "devices": _devices(), "bundles": _bundles()}
    complete = True
    print(f"sre-monai {__version__}, Python {platform.python_version()}, {platform.platform()}")
    for title, findings in sections.items():
        print(f"\n{title}")
        for name, found, text in findings:
            complete &= found
            print(f"  {'' if found else 'MISSING '}{name}: {text}", flush=True)
    return 0 if complete else INCOMPLETE


Finding = tuple[str, bool, str]
"""Name, whether it is as it should be, and what was found."""


def _packages() -> Iterator[Finding]:
    """Versions of the dependencies, then those of each extra."""
    extras: dict[str, list[str]] = {}
    for requirement in _requirements():
        name, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        assert name is not None
        if extra is None:
            installed = _version(name[0])
            yield name[0], installed is not None, installed or "required; run pip install again"
        elif name[0] != "sre-monai":
            extras.setdefault(extra[1], []).append(name[0])
    for extra_name, names in extras.items():
        if extra_name != "test":
            missing = [name for name in names if _version(name) is None]
            hint = f"not installed ({', '.join(missing)}): pip install 'sre-monai[{extra_name}]'"
            text = hint if missing else ", ".join(f"{name} {_version(name)}" for name in names)
            yield f"extra {extra_name}", True, text


def _requirements() -> list[str]:
    try:
        return requires("sre-monai") or []
    except PackageNotFoundError:  # run from a clone that is not installed
        return ["torch", "monai", "fire"]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _kernels() -> Iterator[Finding]:
    from sre_monai.networks.layers.kernels.library import PROBLEM, VARIANTS

    compiled = f"{', '.join(VARIANTS)}; the first is used"
    yield "CPU", True, compiled if VARIANTS else f"{PROBLEM}, so PyTorch computes the layers, several times slower"
    yield "GPU", True, "cuDNN's convolutions, of the layers' dense kernels"


def _devices() -> Iterator[Finding]:
    import torch

    yield "CPU", True, f"{os.cpu_count()} cores, {torch.get_num_threads()} threads (OMP_NUM_THREADS changes them)"
    if not torch.cuda.is_available():
        yield "GPU", True, "none that PyTorch can use"
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        capability = f"compute capability {properties.major}.{properties.minor}"
        yield f"cuda:{index}", True, f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB, {capability}"


def _bundles() -> Iterator[Finding]:
    for name in dict.fromkeys(command.bundle for command in COMMANDS.values()):
        try:
            root = find_bundle(name)
        except FileNotFoundError as error:
            yield name, False, str(error)
            continue
        weights = root / "models" / "model.pt"
        yield name, *_describe_weights(weights)


def _describe_weights(path: Path) -> tuple[bool, str]:
    """Whether weights can be read, and their size."""
    import torch

    if not path.is_file():
        return False, f"file not found: {path}"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file raises
        return False, f"{path} can't be read ({type(error).__name__})"
    return True, f"{path}, {sum(value.numel() for value in state.values()):,} values"
