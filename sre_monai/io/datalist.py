"""Read the datalist of a prepared data set."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from monai.data import load_decathlon_datalist

DATALIST_NAME = "datalist.json"
Item = TypeVar("Item")

FILE_KEYS = ("image", "label", "fov", "second_observer")


def load_datalist(dataset_dir: str | os.PathLike[str], section: str = "training") -> list[dict[str, Any]]:
    """Load a section of ``datalist.json`` with absolute paths, checked.

    The file has the form of the Medical Segmentation Decathlon (see `monai.data.load_decathlon_datalist`): lists of
    items by section, paths relative to the folder. ``sre-monai prepare`` makes it.

    Args:
        dataset_dir: folder of the prepared data set.
        section: name of the section (``"training"``, ``"test"``), or ``"all"`` for all of them in the file's order.

    Returns:
        One dictionary per image, with the absolute paths ``image``, ``label``, ``fov`` and, where there is one,
        ``second_observer``.

    Raises:
        FileNotFoundError: When the folder, its datalist, or a listed file is missing.
        ValueError: When the datalist can't be read, or the section is unknown or empty.

    Examples:
        >>> from sre_monai.retina import write_synthetic_dataset
        >>> load_datalist(write_synthetic_dataset("eyes", 2, (96, 96)), "test")[0]["label"]
        '/.../eyes/labels/02_synthetic.png'
    """
    folder = Path(dataset_dir).expanduser().absolute()
    path = folder / DATALIST_NAME
    if not folder.is_dir():
        raise FileNotFoundError(f"dataset_dir {folder} is not a folder; give one made by `sre-monai prepare`")
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} has no {DATALIST_NAME}; make one with, for example, "
            f"`sre-monai prepare DRIVE --source FOLDER_OR_ARCHIVE --output {folder}`"
        )
    sections = _sections(path)
    if section != "all" and section not in sections:
        raise ValueError(f"{path} has no section {section!r}; choose one of {', '.join([*sections, 'all'])}")
    keys = [key for key, size in sections.items() if size and section in (key, "all")]
    items = [item for key in keys for item in load_decathlon_datalist(path, data_list_key=key, base_dir=folder)]
    if not items:
        raise ValueError(f"section {section!r} of {path} is empty; choose another section or complete the data set")
    _check_files(path, items)
    return items


def first_items(items: Sequence[Item], limit: int | None = None) -> Sequence[Item]:
    """Take the first items of a list.

    Args:
        items: the list.
        limit: how many; None for all.

    Returns:
        At most ``limit`` items.

    Raises:
        ValueError: when the limit is not a positive whole number.

    Examples:
        >>> first_items(["a", "b", "c"], 2)
        ['a', 'b']
    """
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise ValueError(f"limit must be the number of images to take, at least 1, got {limit!r}.")
    return items[:limit]


def hold_out(items: Sequence[Item], validation_count: int) -> tuple[Sequence[Item], Sequence[Item]]:
    """Split a list into training and validation items.

    Args:
        items: the list.
        validation_count: how many of the last items to validate on.

    Returns:
        The items to train on and those to validate on.

    Raises:
        ValueError: when no item would be left to train on.

    Examples:
        >>> hold_out(["a", "b", "c"], 1)
        (['a', 'b'], ['c'])
    """
    if not 0 <= validation_count < len(items):
        raise ValueError(
            f"validation_count must be below the number of training images, {len(items)}, got {validation_count}."
        )
    kept = len(items) - validation_count
    return items[:kept], items[kept:]


def _sections(path: Path) -> dict[str, int]:
    """Name and length of the sections of a datalist."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not a JSON file ({error}); prepare the data set again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a datalist: expected an object with lists such as 'training' and 'test'")
    return {
        key: len(value)
        for key, value in content.items()
        if isinstance(value, list) and (key == "test" or all(isinstance(item, dict) for item in value))
    }


def _check_files(path: Path, items: list[dict[str, Any]]) -> None:
    """Refuse a datalist with missing files."""
    listed = [path.parent / item[key] for item in items for key in FILE_KEYS if isinstance(item.get(key), str)]
    missing = [file for file in listed if not file.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{path} lists {len(missing)} files that do not exist, the first is {missing[0]}; "
            "prepare the data set again"
        )
