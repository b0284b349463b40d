"""Find files by name in folders, archives and nested archives."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sre_monai.io.archives import extract_archive, is_archive

MAX_DEPTH = 4  # archives inside archives; the data sets here need two


def find_files(
    source: str | os.PathLike[str], names: Iterable[str], scratch: str | os.PathLike[str]
) -> dict[str, Path]:
    """Find files by name below a folder or in an archive, whatever the folders in between are called.

    Archives are unpacked into `scratch`, archives inside them too, and ``NAME.gz`` counts as ``NAME``. Upper and lower
    case are the same. A name may begin with the folders that tell files of one name apart, ``labels/01.png``.

    Args:
        source: a folder, an archive, or a folder with archives.
        names: the file names to find.
        scratch: an empty folder for unpacked files.

    Returns:
        The path of every file found, by its name as it is in `names`.

    Raises:
        FileNotFoundError: When the source is missing.
        ValueError: When an archive is damaged or hostile, or when two different files have the same name.

    Examples:
        >>> Path("downloads/images").mkdir(parents=True)
        >>> Path("downloads/images/IM0001.PPM").touch()
        >>> {name: path.as_posix() for name, path in find_files("downloads", ["im0001.ppm"], "scratch").items()}
        {'im0001.ppm': 'downloads/images/IM0001.PPM'}
    """
    source = Path(source)
    if not source.exists():
        raise FileNotFoundError(f"source {source} does not exist; give a folder or an archive (.zip, .tar, .tar.gz)")
    if source.is_file() and not is_archive(source.name):
        raise ValueError(f"source {source} is neither a folder nor an archive (.zip, .tar, .tar.gz, .tgz)")
    wanted = {name.casefold(): name for name in names}
    last_parts = {PurePosixPath(name).name for name in wanted}
    found: dict[str, Path] = {}
    pending = [(path, 0) for path in (_files_below(source) if source.is_dir() else [source])]
    for count, (path, depth) in enumerate(pending):  # grows while archives are unpacked
        name = next((wanted[ending] for ending in _endings(path) if ending in wanted), None)
        if name is not None:
            if not filecmp.cmp(found.setdefault(name, path), path, shallow=False):
                raise ValueError(f"{source} has two different files {name}: {found[name]} and {path}; keep one of them")
        elif is_archive(path.name) and depth < MAX_DEPTH:
            unpacked = extract_archive(
                path, Path(scratch, str(count)), lambda member: member.casefold() in last_parts or is_archive(member)
            )
            pending.extend((member, depth + 1) for member in unpacked)
    return found


def _files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted, so that the same source always gives the same answer."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _endings(path: Path) -> list[str]:
    """The file's name, the name with its folder, and so on, in lower case."""
    parts = path.as_posix().casefold().split("/")
    return ["/".join(parts[-count:]) for count in range(1, len(parts) + 1)]
