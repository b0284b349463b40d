"""A folder of images, or a list of them, as a datalist."""

from __future__ import annotations

import csv
import glob
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sre_monai.io.pixel_size import check_um_per_pixel

__all__ = ["list_images"]

LIST_EXTENSIONS = (".json", ".csv")
OTHER_LISTS = (".txt", ".tsv", ".xls", ".xlsx", ".ods", ".yaml", ".yml")
IDENTIFIER = re.compile(r"\d+(\.\d+){3,}")
PATH_KEYS = ("image", "file", "path")


def list_images(
    dataset_dir: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None
) -> list[dict[str, Any]]:
    """List images, and how the results of each are to be named.

    Every file of a folder and its sub-folders counts as an image, links included: one that can't be read becomes a row
    of the report; it is not skipped. Only hidden files and the output folder are left out. A list is a ``.csv`` file
    with a column ``image``, ``file`` or ``path``, or a ``.json`` file: a list of paths or of objects with such a key,
    or an object of such lists, as MONAI's datalists are. Its paths are relative to its own folder. A column or key
    ``um_per_pixel`` gives the size of a photograph's pixels in µm, where it isn't empty.

    A single image, and a pattern such as ``eyes/*.jpg`` or ``eyes/**/left*``, are lists of what they name.

    Args:
        dataset_dir: the folder, the list, one image or a pattern.
        output_dir: folder of the results, which may lie within; its files are left out.

    Returns:
        One dictionary per file, sorted by path, with ``image``, the absolute path; ``file``, the path
        relative to the folder, or as in the list; ``name``, the relative path without extension, or with it where
        results of several files would else share it, all with ``/`` between folders; and ``um_per_pixel``, a number,
        where a list has it.

    Raises:
        FileNotFoundError: when there is no such folder or list.
        ValueError: when nothing is listed, a list can't be understood, or the output folder is the folder itself.

    Examples:
        >>> list_images("docs/sample", "docs/sample/output")[0]["file"]  # doctest: +SKIP
        'eye_700x605_cropped.jpg'
    """
    listed: dict[str, dict[str, float]] = {}
    source = Path(os.path.expanduser(str(dataset_dir)))  # MONAI's command makes a number of a folder called 2024
    if source.is_dir():
        paths = {file: source / file for file in _files_below(source, output_dir)}
        names = {file: Path(file) for file in paths}
        if not paths:
            raise ValueError(f"dataset_dir: the folder {source} has no files; give a folder with images.")
    elif source.is_file() and source.suffix.lower() in LIST_EXTENSIONS:
        listed = _listed(source)
        paths = {file: source.parent / os.path.expanduser(file) for file in listed}
        names = _names_of_listed(paths, source.parent)
        if not paths:
            raise ValueError(f"dataset_dir: {source} lists no images.")
    elif source.suffix.lower() in OTHER_LISTS and source.is_file():
        raise ValueError(f"dataset_dir: {source} is a file; give a folder, an image, or a list as .json or .csv.")
    else:
        folder, found = _matches(source, output_dir)
        paths = {path.relative_to(folder).as_posix(): path for path in found}
        names = {file: Path(file) for file in paths}
    stems = {file: _stem(name) for file, name in names.items()}
    shared = Counter(stem.casefold() for stem in stems.values())
    full = {name.as_posix().casefold() for name in names.values() if name.suffix}
    return [
        {
            "image": str(paths[file].absolute()),
            "file": file,
            "name": _name(names[file].as_posix(), stems[file], shared[stems[file].casefold()] == 1, full),
            **listed.get(file, {}),
        }
        for file in sorted(paths)
    ]


def _files_below(folder: Path, output_dir: str | os.PathLike[str] | None) -> Iterator[str]:
    """Walk through a folder, following links but not in circles."""
    output = None if output_dir is None else Path(output_dir).resolve()
    if output == folder.resolve():
        raise ValueError(f"output_dir: {folder} is the folder of the images itself; give another.")
    seen: set[Path] = set()
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, followlinks=True, onerror=unreadable.append):
        at = Path(place)
        seen.add(at.resolve())
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (at / name).resolve() != output and (at / name).resolve() not in seen
        )
        yield from ((at / name).relative_to(folder).as_posix() for name in files if not name.startswith("."))
    for error in unreadable:  # a folder that can't be opened is a row in the report, too
        yield Path(error.filename).relative_to(folder).as_posix()


def _matches(pattern: Path, output_dir: str | os.PathLike[str] | None) -> tuple[Path, list[Path]]:
    """Give the files that a pattern or the path of a file names, and the folder that all lie in."""
    parts = pattern.parts[:-1]
    fixed = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    folder = Path(*parts[:fixed])
    if pattern.is_file():
        return pattern.parent, [pattern]
    found = [Path(path) for path in glob.glob(str(pattern), recursive=True)] if glob.has_magic(str(pattern)) else []
    output = None if output_dir is None else Path(output_dir).resolve()
    files = [path for path in found if path.is_file() and output not in path.resolve().parents]
    if not files:
        what = "no file matches" if glob.has_magic(str(pattern)) else "folder not found:"
        raise FileNotFoundError(f"dataset_dir: {what} {pattern}; give the folder with the images.")
    return folder, files


def _listed(source: Path) -> dict[str, dict[str, float]]:
    """Read the paths of a list, and what else is known of each image."""
    try:
        if source.suffix.lower() == ".json":
            entries = _entries(json.loads(source.read_text(encoding="utf-8-sig")))
        else:
            with source.open(encoding="utf-8-sig", newline="") as stream:
                entries = list(csv.DictReader(stream))
        paths = [_path_of(entry) for entry in entries]
    except (ValueError, KeyError, csv.Error) as error:
        raise ValueError(
            f"dataset_dir: {source} is not a list of images ({error}); give a column or a key 'image' with paths."
        ) from None
    return {
        path: _pixel_size(entry, f"dataset_dir: {source}: um_per_pixel of {path}")
        for path, entry in zip(paths, entries)
    }


def _pixel_size(entry: Any, name: str) -> dict[str, float]:
    """Size of the pixels of one entry, where it is given."""
    size = entry.get("um_per_pixel") if isinstance(entry, dict) else None
    return {} if size in (None, "") else {"um_per_pixel": check_um_per_pixel(size, name)}


def _entries(content: Any) -> list[Any]:
    """Flatten the sections of a datalist."""
    if isinstance(content, dict):
        return [entry for value in content.values() if isinstance(value, list) for entry in value]
    if isinstance(content, list):
        return content
    raise ValueError("neither a list nor an object")


def _path_of(entry: Any) -> str:
    """Path of one entry."""
    if isinstance(entry, dict):
        entry = next((entry[key] for key in PATH_KEYS if entry.get(key)), None)
    if not isinstance(entry, str) or not entry:
        raise ValueError("an entry has no path")
    return Path(entry).as_posix()


def _names_of_listed(paths: dict[str, Path], folder: Path) -> dict[str, Path]:
    """Names below the list's folder; where an image lies elsewhere, below what all have in common."""
    absolute = {file: Path(os.path.abspath(path)) for file, path in paths.items()}
    root = Path(os.path.abspath(folder))
    if not all(path.is_relative_to(root) for path in absolute.values()):
        root = Path(os.path.commonpath([path.parent for path in absolute.values()]))
    return {file: path.relative_to(root) for file, path in absolute.items()}


def _stem(file: Path) -> str:
    """Path without extension, of which ``.nii.gz`` is one; a DICOM identifier, as many cameras name files, has none."""
    path = file.as_posix()
    if IDENTIFIER.fullmatch(file.name):
        return path
    return path[:-7] if path.lower().endswith(".nii.gz") else file.with_suffix("").as_posix()


def _name(path: str, stem: str, unique: bool, full: set[str]) -> str:
    """Name of the results: the stem, joined by the extension where another file's results would have this name."""
    taken = stem.casefold() != path.casefold() and stem.casefold() in full
    return stem if unique and not taken else path
