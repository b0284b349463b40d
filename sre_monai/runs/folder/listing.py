"""A folder of images, or a list of them, as a datalist."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sre_monai.runs.folder.image_list import LIST_EXTENSIONS, read_list
from sre_monai.runs.folder.left_out import is_no_image, results_of_earlier_runs

OTHER_LISTS = (".txt", ".tsv", ".xls", ".xlsx", ".ods", ".yaml", ".yml")
IDENTIFIER = re.compile(r"\d+(\.\d+){3,}")
LONGEST_NAME = 236  # bytes: file systems allow 255, and results add up to "_probability.nii.gz"


def list_images(
    dataset_dir: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None
) -> list[dict[str, Any]]:
    """List images, and how the results of each are to be named.

    Every file of a folder and its sub-folders counts as an image, links included: one that can't be read becomes a row
    of the report; it is not skipped. Only hidden files, the output folder, the results of earlier runs, by their
    journal, and files that are no images by their name and by their content (see `list_others`) are left out. A list is
    a ``.csv`` file with a column ``image``, ``file`` or ``path``, or a ``.json`` file: a list of paths or of objects
    with such a key, or an object of such lists, as MONAI's datalists are. Its paths are relative to its own folder. A
    column or key ``um_per_pixel`` gives the size of a photograph's pixels in µm, where it isn't empty.

    A single image, and a pattern such as ``eyes/*.jpg`` or ``eyes/**/left*``, are lists of what they name.

    Args:
        dataset_dir: the folder, the list, one image or a pattern.
        output_dir: folder of the results, which may lie within; its files are left out.

    Returns:
        One dictionary per file, sorted by path, with ``image``, the absolute path; ``file``, the path
        relative to the folder, or as in the list; ``name``, the relative path without extension, or with it where
        results of several files would else share it, all with ``/`` between folders, and cut after 236 bytes; and
        ``um_per_pixel``, a number, where a list has it.

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
        below = list(_files_below(source, output_dir))
        paths = {file: source / file for file in below if not is_no_image(source / file)}
        names = {file: Path(file) for file in paths}
        if not paths:
            what = f"images, only files such as {below[0]}" if below else "files"
            raise ValueError(f"dataset_dir: the folder {source} has no {what}; give a folder with images.")
    elif source.is_file() and source.suffix.lower() in LIST_EXTENSIONS:
        listed = read_list(source)
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
            "name": _cut(_name(names[file].as_posix(), stems[file], shared[stems[file].casefold()] == 1, full)),
            **listed.get(file, {}),
        }
        for file in sorted(paths)
    ]


def list_others(dataset_dir: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None) -> list[str]:
    """List the files of a folder that are no images by their name and by their content: ``Thumbs.db``, ``readme.txt``.

    Args:
        dataset_dir: as for `list_images`; of anything but a folder there are none.
        output_dir: folder of the results, whose files are not listed.

    Returns:
        Their paths relative to the folder, sorted.

    Examples:
        >>> Path("photographs").mkdir()
        >>> Path("photographs/readme.txt").touch()
        >>> list_others("photographs")
        ['readme.txt']
    """
    folder = Path(os.path.expanduser(str(dataset_dir)))
    if not folder.is_dir():
        return []
    return sorted(file for file in _files_below(folder, output_dir) if is_no_image(folder / file))


def _files_below(folder: Path, output_dir: str | os.PathLike[str] | None) -> Iterator[str]:
    """Walk through a folder, following links but not in circles."""
    output = None if output_dir is None else Path(output_dir).resolve()
    if output == folder.resolve():
        raise ValueError(f"output_dir: {folder} is the folder of the images itself; give another.")
    seen: set[Path] = set()
    results = _results_above(Path(os.path.abspath(folder)).parents)
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, followlinks=True, onerror=unreadable.append):
        at = Path(place)
        seen.add(at.resolve())
        absolute = os.path.abspath(place)
        results |= results_of_earlier_runs(absolute)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (at / name).resolve() != output and (at / name).resolve() not in seen
        )
        kept = [name for name in files if not name.startswith(".") and os.path.join(absolute, name) not in results]
        yield from ((at / name).relative_to(folder).as_posix() for name in kept)
    for error in unreadable:  # a folder that can't be opened is a row in the report, too
        yield Path(error.filename).relative_to(folder).as_posix()


def _results_above(folders: Iterable[Path]) -> set[str]:
    """Give the results of earlier runs in any of these folders, as absolute paths."""
    return {path for folder in folders for path in results_of_earlier_runs(os.path.abspath(folder))}


def _matches(pattern: Path, output_dir: str | os.PathLike[str] | None) -> tuple[Path, list[Path]]:
    """Give the files that a pattern or the path of a file names, and the folder that all lie in."""
    parts = pattern.parts[:-1]
    fixed = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    folder = Path(*parts[:fixed])
    if pattern.is_file():
        return pattern.parent, [pattern]
    found = [Path(path) for path in glob.glob(str(pattern), recursive=True)] if glob.has_magic(str(pattern)) else []
    output = None if output_dir is None else Path(output_dir).resolve()
    results = _results_above({parent for path in found for parent in path.parents})
    files = [
        path
        for path in found
        if path.is_file() and output not in path.resolve().parents and os.path.abspath(path) not in results
    ]
    if not files:
        what = "no file matches" if glob.has_magic(str(pattern)) else "folder not found:"
        raise FileNotFoundError(f"dataset_dir: {what} {pattern}; give the folder with the images.")
    return folder, files


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


def _cut(name: str) -> str:
    """Shorten a name that leaves no room for what results add to it; what it ends in then tells it from others."""
    folder, last = os.path.split(name)
    content = os.fsencode(last)
    if len(content) <= LONGEST_NAME:
        return name
    end = "~" + hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    start = os.fsdecode(content[: LONGEST_NAME - len(end)].decode("utf-8", "ignore").encode())
    return f"{folder}/{start}{end}".removeprefix("/")
