"""A folder of photographs as a datalist."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

__all__ = ["list_photographs"]


def list_photographs(
    dataset_dir: str | os.PathLike[str], output_dir: str | os.PathLike[str] | None = None
) -> list[dict[str, str]]:
    """List the files of a folder and its sub-folders, and how the results of each are to be named.

    Every file counts as a photograph: one that can't be read is reported when it is its turn, not passed over. Only
    hidden files are left out, and what lies in the output folder.

    Args:
        dataset_dir: the folder.
        output_dir: folder of the results, which may lie within; its files are left out.

    Returns:
        For each file, sorted by path: ``image``, the absolute path; ``file``, the path relative to the folder;
        ``name``, the relative path without extension, or with it where several files would else share it. All with
        ``/`` between folders.

    Raises:
        FileNotFoundError: when there is no such folder.
        ValueError: when the folder has no files.

    Examples:
        >>> list_photographs("docs/sample", "docs/sample/output")[0]["file"]  # doctest: +SKIP
        'chase_like.jpg'
    """
    folder = Path(dataset_dir)
    if not folder.is_dir():
        raise FileNotFoundError(f"dataset_dir: there is no folder {folder}; give the folder with the photographs.")
    files = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    files = [file for file in files if not any(part.startswith(".") for part in file.parts)]
    if output_dir is not None:
        output = Path(output_dir).resolve()
        files = [file for file in files if output not in (folder / file).resolve().parents]
    if not files:
        raise ValueError(f"dataset_dir: the folder {folder} has no files; give a folder with photographs.")
    stems = Counter(file.with_suffix("").as_posix().casefold() for file in files)
    return [
        {
            "image": str((folder / file).absolute()),
            "file": file.as_posix(),
            "name": _name(file, unique=stems[file.with_suffix("").as_posix().casefold()] == 1),
        }
        for file in files
    ]


def _name(file: Path, unique: bool) -> str:
    """Name of the results: the stem, joined by the extension where another file has the same stem."""
    return file.with_suffix("").as_posix() if unique else file.as_posix()
