"""Unpack archives that may be hostile: nothing is written outside the target, and no links or devices."""

from __future__ import annotations

import gzip
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz")
SUFFIXES = (".zip", *TAR_SUFFIXES, ".gz")
MAX_BYTES = 16 << 30  # the largest data set here has 0.1 GB: what unpacks to more is a mistake or an attack
CHUNK = 1 << 20


class _Readable(Protocol):
    """What is read from an archive's member."""

    def read(self, size: int, /) -> bytes: ...


def is_archive(name: str) -> bool:
    """Whether a file of this name is something `extract_archive` unpacks (.zip, .tar, .tar.gz, .tgz, .gz).

    Args:
        name: a file name; upper and lower case are the same.

    Returns:
        True for an archive's name.
    """
    return name.lower().endswith(SUFFIXES)


def extract_archive(
    archive: str | os.PathLike[str],
    target: str | os.PathLike[str],
    keep: Callable[[str], bool] | None = None,
    max_bytes: int = MAX_BYTES,
) -> list[Path]:
    """Unpack an archive into a folder.

    Every member is looked at before the first is written, so an archive with one bad member writes nothing.

    Args:
        archive: a .zip, .tar, .tar.gz, .tgz, or a single file as .gz.
        target: folder for the members; made when missing.
        keep: given a member's file name (without folders), whether to unpack it; None unpacks all.
        max_bytes: refuse to write more bytes than this.

    Returns:
        The files written, in the archive's order.

    Raises:
        ValueError: When the archive is damaged, encrypted, too large when unpacked, of an unknown kind, or has a member
            that is an absolute path, leads outside the target (``..``), or is neither a plain file nor a folder.

    Examples:
        >>> with zipfile.ZipFile("training.zip", "w") as archive:
        ...     archive.writestr("images/21_training.tif", b"")
        ...     archive.writestr("readme.txt", b"")
        >>> files = extract_archive("training.zip", "unpacked", keep=lambda name: name.endswith(".tif"))
        >>> [path.as_posix() for path in files]
        ['unpacked/images/21_training.tif']
    """
    archive, target = Path(archive), Path(target)
    name = archive.name.lower()
    try:
        if name.endswith(".zip"):
            return _extract_zip(archive, target, keep, max_bytes)
        if name.endswith(TAR_SUFFIXES):
            return _extract_tar(archive, target, keep, max_bytes)
        if name.endswith(".gz"):
            return _extract_gz(archive, target, keep, max_bytes)
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{archive.name} is damaged or not what its name says ({error}); fetch it again") from error
    except RuntimeError as error:  # zipfile raises it when a password is needed
        raise ValueError(f"{archive.name} can't be unpacked ({error})") from error
    raise ValueError(f"{archive.name} is not an archive of a known kind; expected one of {', '.join(SUFFIXES)}")


def _extract_zip(archive: Path, target: Path, keep: Callable[[str], bool] | None, max_bytes: int) -> list[Path]:
    with zipfile.ZipFile(archive) as opened:
        members = []
        for info in opened.infolist():
            path = _safe_path(archive, target, info.filename)
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the packing system has no file kinds
            if info.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                raise ValueError(f"{archive.name} is refused: {info.filename} is a link or a device")
            members.append((path, info))
        written: list[Path] = []
        for path, info in members:
            if keep is None or keep(path.name):
                with opened.open(info) as stream:
                    max_bytes -= _copy(archive, stream, path, max_bytes)
                written.append(path)
        return written


def _extract_tar(archive: Path, target: Path, keep: Callable[[str], bool] | None, max_bytes: int) -> list[Path]:
    with tarfile.open(archive) as opened:
        members = []
        for info in opened.getmembers():
            path = _safe_path(archive, target, info.name)
            if info.isdir():
                continue
            if not info.isreg():
                raise ValueError(f"{archive.name} is refused: {info.name} is a link or a device")
            members.append((path, info))
        written: list[Path] = []
        for path, info in members:
            stream = opened.extractfile(info)
            if stream is not None and (keep is None or keep(path.name)):
                with stream:
                    max_bytes -= _copy(archive, stream, path, max_bytes)
                written.append(path)
        return written


def _extract_gz(archive: Path, target: Path, keep: Callable[[str], bool] | None, max_bytes: int) -> list[Path]:
    path = target / archive.name[: -len(".gz")]
    if keep is not None and not keep(path.name):
        return []
    with gzip.open(archive) as stream:
        _copy(archive, stream, path, max_bytes)
    return [path]


def _safe_path(archive: Path, target: Path, member: str) -> Path:
    """Where a member goes; refused when that is not below the target on any system."""
    name = member.replace("\\", "/")
    if PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in PurePosixPath(name).parts:
        raise ValueError(f"{archive.name} is refused: {member} leads outside the folder it is unpacked to")
    return target.joinpath(*PurePosixPath(name).parts)


def _copy(archive: Path, stream: _Readable, path: Path, max_bytes: int) -> int:
    """Write a stream to a file; the number of bytes written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with open(path, "wb") as output:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > max_bytes:
                raise ValueError(f"{archive.name} is refused: it unpacks to more than the limit of bytes")
            output.write(chunk)
    return size
