"""Read the datalist of a prepared data set."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

DATALIST_NAME = "datalist.json"
Item = TypeVar("Item")

FILE_KEYS = ("image", "label", "fov", "second_observer")


def load_datalist(dataset_dir: str | os.PathLike[str], section: str = "training") -> list[dict[str, Any]]:
    """Load a section of ``datalist.json`` with absolute paths, checked.

    The file has the form of the Medical Segmentation Decathlon (see `monai.data.load_decathlon_datalist`): lists of
    items by section, paths relative to the folder. ``sre-monai prepare`` makes it of public data sets.

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
        raise FileNotFoundError(f"dataset_dir {folder} is not a folder; give one with a {DATALIST_NAME}")
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} has no {DATALIST_NAME}; `sre-monai prepare` makes it of a public data set, for your own images "
            "write it: {'training': [{'image': 'images/1.png', 'label': 'labels/1.png'}, …]}, in JSON, see docs/data.md"
        )
    content = _read(path)
    sections = {
        key: [item if isinstance(item, dict) else {"image": item} for item in value]
        for key, value in content.items()
        if isinstance(value, list) and (key == "test" or all(isinstance(item, dict) for item in value))
    }
    if section != "all" and section not in sections:
        raise ValueError(f"{path} has no section {section!r}; choose one of {', '.join([*sections, 'all'])}")
    items = [_absolute(item, folder) for key, value in sections.items() if section in (key, "all") for item in value]
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


def check_prepared_output(source: str | os.PathLike[str], output: str | os.PathLike[str], overwrite: bool) -> None:
    """Refuse to replace anything but a prepared data set.

    Args:
        source: the folder or archive with the original files.
        output: the folder to make.
        overwrite: whether a prepared data set may be replaced.

    Raises:
        FileExistsError: when the output exists and is not to be overwritten, is not a prepared data set, or holds the
            source.

    Examples:
        >>> check_prepared_output("downloads/DRIVE", "data/DRIVE", overwrite=False)
    """
    source, output = Path(source), Path(output)
    if not output.exists():
        return
    if not overwrite:
        raise FileExistsError(f"output {output} exists already; choose another folder, or overwrite it (--overwrite)")
    if not output.is_dir() or (any(output.iterdir()) and not Path(output, DATALIST_NAME).is_file()):
        raise FileExistsError(
            f"output {output} is not overwritten: it is not a prepared data set (no {DATALIST_NAME} in it)"
        )
    if source.resolve().is_relative_to(output.resolve()):
        raise FileExistsError(
            f"output {output} is not overwritten: it holds the source {source}; choose another folder"
        )


def _previous(output: Path) -> Path:
    """Where a data set is while another takes its place."""
    return output.with_name(f".{output.name}.previous")


def move_prepared(prepared: Path, output: Path) -> None:
    """Replace a data set; at every moment the former one or the new one is whole, in its place or beside it.

    Args:
        prepared: the new data set, on the same file system.
        output: its place.

    Examples:
        >>> Path("new").mkdir()
        >>> move_prepared(Path("new"), Path("data"))
    """
    if not output.exists():
        os.replace(prepared, output)
        return
    os.replace(output, _previous(output))
    try:
        os.replace(prepared, output)
    except BaseException:
        os.replace(_previous(output), output)
        raise
    shutil.rmtree(_previous(output))


def recover_prepared(output: Path) -> None:
    """Finish what a killed process left: without a new data set the former one goes back to its place.

    Args:
        output: the place of the data set.

    Examples:
        >>> recover_prepared(Path("data"))
    """
    if _previous(output).exists():
        if output.exists():
            shutil.rmtree(_previous(output))
        else:
            os.replace(_previous(output), output)


def _read(path: Path) -> dict[str, Any]:
    """Read the file, in UTF-8 or UTF-16, with or without a byte order mark."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a JSON file ({error}); correct it, or prepare the data set again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} is not a datalist: expected an object with lists such as 'training' and 'test'")
    return content


def _absolute(item: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the paths of files absolute, as `monai.data.load_decathlon_datalist` does."""
    paths = {key: os.path.normpath(folder / value) for key, value in item.items() if isinstance(value, str) and value}
    return {**item, **{key: path for key, path in paths.items() if key in FILE_KEYS or os.path.exists(path)}}


def _check_files(path: Path, items: list[dict[str, Any]]) -> None:
    """Refuse a datalist with missing files."""
    listed = [path.parent / item[key] for item in items for key in FILE_KEYS if isinstance(item.get(key), str)]
    missing = [file for file in listed if not file.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{path} lists {len(missing)} files that do not exist, the first is {missing[0]}; "
            "correct it, or prepare the data set again"
        )
