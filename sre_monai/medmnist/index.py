"""The index of MedMNIST: names, tasks, classes, addresses and checksums, from the package ``medmnist``.

The index is one dictionary literal in a file of that package. It is read as data: importing the package would import
torchvision and pandas and make a folder in the user's home.
"""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from sre_monai.io.download import RemoteFile

NEEDS_EXTRA = "the index of MedMNIST is needed: pip install 'sre-monai[medmnist]'"


def medmnist_entry(name: str) -> dict[str, Any] | None:
    """Look a set up in the index.

    Args:
        name: of the set, such as ``"breastmnist"``.

    Returns:
        What the index says: ``task``, ``label`` (name of each class), ``n_channels``, addresses and checksums; None
        where the package ``medmnist`` is not installed or does not know the name.

    Examples:
        >>> medmnist_entry("breastmnist")["task"]  # doctest: +SKIP
        'binary-class'
    """
    return _index().get(name)


def medmnist_remote_file(name: str, size: int = 28) -> RemoteFile:
    """Look up where a set is published.

    Args:
        name: of the set.
        size: edge length of its images in pixels, one of those published.

    Returns:
        Address and checksum.

    Raises:
        ValueError: when the package ``medmnist`` is missing, or the set is not published under that name or size.

    Examples:
        >>> medmnist_remote_file("breastmnist").name  # doctest: +SKIP
        'breastmnist.npz'
    """
    if not _index():
        raise ValueError(f"{name} can't be downloaded: {NEEDS_EXTRA}, or give the file itself.")
    entry = medmnist_entry(name)
    if entry is None:
        raise ValueError(f"MedMNIST has no set {name!r}; its sets are {', '.join(_index())}.")
    sizes = {int(key.partition("_")[2] or 28): key for key in entry if key.startswith("url")}
    if size not in sizes:
        raise ValueError(f"{name} is published with sizes {', '.join(map(str, sizes))}, not {size}.")
    url = sizes[size]
    return RemoteFile(entry[url], md5=entry[url.replace("url", "MD5")])


@cache
def _index() -> dict[str, dict[str, Any]]:
    """The whole index; empty where the package is not installed."""
    package = importlib.util.find_spec("medmnist")
    if package is None or not package.submodule_search_locations:
        return {}
    path = Path(package.submodule_search_locations[0], "info.py")
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and any(getattr(t, "id", None) == "INFO" for t in statement.targets):
            return ast.literal_eval(statement.value)
    raise ValueError(f"{path} holds no index of MedMNIST: install medmnist 3.0.2.")
