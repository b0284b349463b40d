"""Masks of vessels, arteries, veins and the optic disc in a folder or a list, put together by photograph."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from sre_monai.io.image_readers import IMAGE_EXTENSIONS
from sre_monai.io.pixel_size import check_um_per_pixel
from sre_monai.retina.measures.measure_names import STRUCTURES
from sre_monai.runs.folder.image_list import LIST_EXTENSIONS, PIXEL_SIZE, read_entries

MASKS = (*STRUCTURES, "disc", "fov")
KINDS = (*MASKS, "photograph")
"""What a file can be; the columns of a list."""
ENDINGS = {
    **dict.fromkeys(("mask", "vessel", "vessels"), "vessel"),
    **dict.fromkeys(("artery", "arteries"), "artery"),
    **dict.fromkeys(("vein", "veins"), "vein"),
    **dict.fromkeys(("disc", "disk", "optic_disc"), "disc"),
    "fov": "fov",
}
EXTENSIONS = (*IMAGE_EXTENSIONS, ".dcm", ".nii", ".nii.gz")
NAMED = re.compile(rf"(?P<name>.+?)_(?P<ending>{'|'.join(ENDINGS)})", re.IGNORECASE)
NOT_A_MASK = "by its name it is no mask: they end in _mask, _vessel, _artery, _vein, _disc or _fov"


def list_masks(
    dataset_dir: str | os.PathLike[str],
    output_dir: str | os.PathLike[str] | None = None,
    photographs: str | os.PathLike[str] | None = None,
) -> list[dict[str, Any]]:
    """List masks by photograph.

    In a folder and its sub-folders, the masks of a photograph are files of one folder that have its name with an ending:
    ``_mask``, ``_vessel`` or ``_vessels``, ``_artery`` or ``_arteries``, ``_vein`` or ``_veins``, ``_disc``, ``_disk``
    or ``_optic_disc``, and ``_fov`` for the field of view. The results of ``sre-monai segment`` are named like this. A
    list is a ``.csv`` or ``.json`` file with the columns or keys ``vessel``, ``artery``, ``vein``, ``disc``, ``fov``,
    ``photograph`` and ``um_per_pixel``; its paths are relative to its own folder.

    Args:
        dataset_dir: the folder or the list.
        output_dir: folder of the results, whose files are left out.
        photographs: folder of the photographs, which have the names of the masks without their endings and lie in the
            same sub-folders or in the folder itself. A photograph beside its masks is found without it.

    Returns:
        One dictionary per photograph, sorted by ``file``, the path of its first mask relative to the folder or as in the
        list, with ``image``, the absolute path; ``name``, that of the results; ``masks``, the paths of each kind;
        ``parts``, all paths; and ``um_per_pixel`` where a list has it.

    Raises:
        FileNotFoundError: when there is no such folder or list, or no folder of photographs.
        ValueError: when there is no mask, or a list can't be understood.

    Examples:
        >>> for name in ("left_artery.png", "left_vein.png", "left_overlay.png"):
        ...     Path(name).touch()
        >>> [item] = list_masks(".")
        >>> item["name"], sorted(item["masks"])
        ('left', ['artery', 'vein'])
    """  # noqa: E501
    source = Path(os.path.expanduser(str(dataset_dir)))
    if photographs is not None and not Path(os.path.expanduser(str(photographs))).is_dir():
        raise FileNotFoundError(f"photographs: folder not found: {photographs}; give the folder of the photographs.")
    if source.is_dir():
        found = _in_folder(source, output_dir)
        known: dict[str, dict[str, float]] = {}
    elif source.is_file() and source.suffix.lower() in LIST_EXTENSIONS:
        found, known = _in_list(source)
    else:
        raise FileNotFoundError(f"dataset_dir: no folder and no list (.csv, .json) of masks: {source}.")
    items = [
        _item(source, name, files, photographs) | known.get(name, {})
        for name, files in found.items()
        if set(STRUCTURES) & set(files)
    ]
    if not items:
        raise ValueError(f"dataset_dir: {source} has no masks of vessels: {NOT_A_MASK.partition(': ')[2]}.")
    return sorted(items, key=lambda item: item["file"])


def list_unused(
    dataset_dir: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None, items: list[dict[str, Any]]
) -> list[str]:
    """List the files of a folder that are no masks and no photographs of theirs.

    Args:
        dataset_dir: as for `list_masks`; of a list there are none.
        output_dir: folder of the results, whose files are not listed.
        items: of `list_masks`.

    Returns:
        Their paths relative to the folder, sorted.
    """
    folder = Path(os.path.expanduser(str(dataset_dir)))
    used = {part for item in items for part in item["parts"]}
    files = _files_below(folder, output_dir) if folder.is_dir() else ()
    return sorted(path.relative_to(folder).as_posix() for path in files if str(path.absolute()) not in used)


def kinds_of(items: list[dict[str, Any]]) -> set[str]:
    """Give the kinds of masks that any photograph has."""
    return {kind for item in items for kind in item["masks"]}


def _files_below(folder: Path, output_dir: str | os.PathLike[str] | None) -> Iterator[Path]:
    """Walk through a folder without hidden files and the folder of the results."""
    output = None if output_dir is None else Path(output_dir).resolve()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != "." and (Path(place) / name).resolve() != output)
        yield from (Path(place) / name for name in sorted(files) if name[0] != "." and Path(place).resolve() != output)


def _in_folder(folder: Path, output_dir: str | os.PathLike[str] | None) -> dict[str, dict[str, list[Path]]]:
    """Masks and photographs by name and kind."""
    found: dict[str, dict[str, list[Path]]] = {}
    pictures = [path for path in _files_below(folder, output_dir) if _stem(path) is not None]
    for path in pictures:
        if match := NAMED.fullmatch(str(_stem(path))):
            name = (path.parent / match["name"]).relative_to(folder).as_posix()
            found.setdefault(name, {}).setdefault(ENDINGS[match["ending"].lower()], []).append(path)
    for path in pictures:
        name = (path.parent / str(_stem(path))).relative_to(folder).as_posix()
        if name in found:
            found[name].setdefault("photograph", []).append(path)
    return found


def _in_list(source: Path) -> tuple[dict[str, dict[str, list[Path]]], dict[str, dict[str, float]]]:
    """Masks and photographs by name and kind, and the sizes of pixels by name."""
    found, known = {}, {}
    try:
        entries = read_entries(source)
    except ValueError as error:
        raise ValueError(f"dataset_dir: {source} is not a list of masks ({error}).") from None
    for entry in entries:
        unknown = sorted(set(entry) - {*KINDS, PIXEL_SIZE})
        files = {kind: [source.parent / os.path.expanduser(entry[kind])] for kind in KINDS if entry.get(kind)}
        if unknown or not set(STRUCTURES) & set(files):
            what = f"column {unknown[0]!r} is not known" if unknown else f"an entry has no {', '.join(STRUCTURES)}"
            raise ValueError(f"dataset_dir: {source}: {what}; known are {', '.join(KINDS)} and {PIXEL_SIZE}.")
        first = next(files[kind][0] for kind in STRUCTURES if kind in files)
        match = NAMED.fullmatch(str(_stem(first) or first.name))
        name = Path(os.path.relpath(first.parent / (match["name"] if match else first.name), source.parent)).as_posix()
        name = name.replace("../", "")
        if name in found:
            raise ValueError(f"dataset_dir: {source}: two entries would have results of the name {name}.")
        found[name] = files
        if entry.get(PIXEL_SIZE):
            known[name] = {PIXEL_SIZE: check_um_per_pixel(entry[PIXEL_SIZE], f"dataset_dir: {source}: {PIXEL_SIZE}")}
    return found, known


def _item(
    source: Path,
    name: str,
    files: Mapping[str, list[Path]],
    photographs: str | os.PathLike[str] | None,
) -> dict[str, Any]:
    """The item of a photograph."""
    masks = {kind: [str(path.absolute()) for path in paths] for kind, paths in files.items()}
    if photographs is not None and "photograph" not in masks:
        masks |= _photographs_of(name, Path(os.path.expanduser(str(photographs))))
    first = next(files[kind][0] for kind in STRUCTURES if kind in files)
    folder = source if source.is_dir() else source.parent
    return {
        "image": str(first.absolute()),
        "file": Path(os.path.relpath(first, folder)).as_posix(),
        "name": name,
        "masks": masks,
        "parts": [path for paths in masks.values() for path in paths],
    }


def _photographs_of(name: str, folder: Path) -> dict[str, list[str]]:
    """The photographs of a name in another folder: in the same sub-folder, or else in the folder itself."""
    last = Path(name).name
    for place in ((folder / name).parent, folder):
        found = [path for path in sorted(place.iterdir()) if _stem(path) == last] if place.is_dir() else []
        if found:
            return {"photograph": [str(path.absolute()) for path in found]}
    return {}


def _stem(path: Path, extensions: Collection[str] = EXTENSIONS) -> str | None:
    """Name without extension; None for one that no picture has."""
    name = path.name.lower()
    extension = max((each for each in extensions if name.endswith(each)), key=len, default="")
    return path.name[: -len(extension)] if extension else None
