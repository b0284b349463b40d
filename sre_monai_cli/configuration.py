"""Configuration files of a bundle, merged as MONAI merges them, without importing MONAI."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def read_configuration(files: Iterable[str | os.PathLike[str]]) -> dict[str, Any]:
    """Read configuration files, the later over the earlier.

    Args:
        files: paths of JSON or YAML files.

    Returns:
        The merged configuration; entries such as ``a#b`` and ``+a`` are merged into those they name.

    Raises:
        FileNotFoundError: when a file is missing.
        ValueError: when one can't be read, or an entry has no place.

    Examples:
        >>> from sre_monai_cli import find_bundle
        >>> read_configuration([find_bundle() / "configs" / "inference.json"])["threshold"]
        0.5
    """
    merged: dict[str, Any] = {}
    for file in map(Path, files):
        for name, value in _read(file).items():
            try:
                _merge(merged, name, value)
            except (KeyError, TypeError):
                raise ValueError(f"{file}: {name} lies below an entry that the configuration does not have.") from None
    return merged


def find_entry(configuration: Any, name: str) -> Any:
    """Find an entry of a configuration.

    Args:
        configuration: nested mappings and lists.
        name: the entry's id, such as ``train#trainer#max_epochs``; the empty one is the whole configuration.

    Returns:
        The entry's value.

    Raises:
        KeyError: when there is no such entry.

    Examples:
        >>> find_entry({"a": [{"b": 3}]}, "a#0#b")
        3
    """
    for key in _keys(name):
        try:
            configuration = configuration[int(key) if isinstance(configuration, list) else key]
        except (IndexError, TypeError, ValueError):
            raise KeyError(name) from None
    return configuration


def normalize_id(name: str) -> str:
    """Write an id with ``#``, which MONAI writes ``::`` as well."""
    return name.replace("::", "#")


def _merge(configuration: dict[str, Any], name: str, value: Any) -> None:
    """Set an entry; one whose name starts with ``+`` is added to the mapping or list that is there."""
    *path, last = normalize_id(name.removeprefix("+")).split("#")
    section = find_entry(configuration, "#".join(path))
    key = int(last) if isinstance(section, list) else last
    if name.startswith("+") and isinstance(section, dict) and key in section:
        section[key] = {**section[key], **value} if isinstance(value, dict) else [*section[key], *value]
    else:
        section[key] = value


def _keys(name: str) -> Iterator[str]:
    yield from normalize_id(name).split("#") if name else ()


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(f"Cannot find the config file: {file}.")
    text = file.read_text(encoding="utf-8")
    try:
        content = json.loads(text) if file.suffix == ".json" else _read_yaml(text)
    except ValueError as error:
        raise ValueError(f"{file} is not a valid configuration file: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file} is not a valid configuration file: it has no entries.")
    return content


def _read_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from None
