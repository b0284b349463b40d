"""A folder of volumes as a datalist: files are volumes, and the DICOM files of a folder are one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sre_monai.io.dicom import is_dicom
from sre_monai.runs.folder import list_images

HEADERS = {".hdr": ".img", ".HDR": ".IMG"}
"""Extensions of files that describe another file of the same name."""


def list_volumes(
    dataset_dir: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None
) -> list[dict[str, Any]]:
    """List volumes, and how the results of each are to be named.

    What :func:`~sre_monai.runs.folder.list_images` lists, except that a folder with DICOM files counts as one volume, a
    series of slices, and its files don't; nor does the header beside an ``.img`` file. In a list (``.json``,
    ``.csv``) a path may be a folder.

    Args:
        dataset_dir: the folder, or the list.
        output_dir: folder of the results, which may lie within; its files are left out.

    Returns:
        One dictionary per volume, with ``image``, ``file`` and ``name``.

    Raises:
        FileNotFoundError: when there is no such folder or list.
        ValueError: when nothing is listed, or as `list_images` says.

    Examples:
        >>> list_volumes("my/volumes", "my/results")  # doctest: +SKIP
        [{'image': '/.../my/volumes/a.nii.gz', 'file': 'a.nii.gz', 'name': 'a'}]
    """
    source = Path(os.path.expanduser(str(dataset_dir)))
    items: dict[str, dict[str, Any]] = {}
    for item in list_images(dataset_dir, output_dir):
        path = Path(item["image"])
        if path.suffix in HEADERS and path.with_suffix(HEADERS[path.suffix]).exists():
            continue
        if source.is_dir() and path.is_file() and _is_dicom(path):
            item = _series(item, path.parent, source)
        items.setdefault(item["file"], item)
    return [items[file] for file in sorted(items)]


def _series(item: dict[str, Any], folder: Path, source: Path) -> dict[str, Any]:
    """The item of a folder of slices; the listed folder itself is named as it is called."""
    file = Path(item["file"]).parent.as_posix()
    return {**item, "image": str(folder), "file": file, "name": source.resolve().name if file == "." else file}


def _is_dicom(path: Path) -> bool:
    try:
        return is_dicom(path)
    except OSError:  # unreadable: a row of the report says so
        return False
