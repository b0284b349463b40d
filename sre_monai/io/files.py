"""Atomic writing of files, and their names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

EXIF_ORIENTATION = 0x0112
UNFINISHED = "unfinished"


@contextmanager
def written_atomically(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file beside its place and move it there once it is complete.

    Args:
        path: the file to make; an existing one is replaced, missing folders are made.

    Yields:
        The path to write to: hidden, in the same folder, with the same extension.

    Examples:
        >>> with written_atomically("report.csv") as unfinished:
        ...     unfinished.write_text("file,status")
        11
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]  # the name itself may leave no room for more
    unfinished = path.with_name(f".{UNFINISHED}-{os.getpid()}-{digest}.{path.name[-20:]}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def lies_within(folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> bool:
    """Whether a path that was read from a file lies in a folder, links followed.

    Args:
        folder: the folder.
        path: relative to the folder; an absolute one lies elsewhere.

    Returns:
        True when it does.

    Examples:
        >>> lies_within("output", "eyes/a_mask.png"), lies_within("output", "../a_mask.png")
        (True, False)
    """
    root = os.path.realpath(folder)
    return not os.path.isabs(path) and os.path.realpath(os.path.join(root, path)).startswith(os.path.join(root, ""))


def printable(name: str) -> str:
    r"""Escape the undecodable bytes of a file name: file systems allow any bytes, tables and logs do not.

    Args:
        name: as Python gives it.

    Returns:
        The name, unless there is something to escape.

    Examples:
        >>> printable("eye\udcff.png")
        'eye\\xff.png'
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def remove_unfinished(folder: str | os.PathLike[str]) -> None:
    """Remove the unfinished files of killed processes from a folder and its sub-folders.

    Args:
        folder: where to look. Nothing may be writing there.

    Examples:
        >>> remove_unfinished("output/sample")
    """
    for path in Path(folder).rglob(f".{UNFINISHED}-*"):
        path.unlink(missing_ok=True)


def save_state(path: str | os.PathLike[str], state: Any) -> None:
    """Atomically write a state that ``torch.load(weights_only=True)`` reads.

    Args:
        path: the file to make; an existing one is replaced, missing folders are made.
        state: for example a ``state_dict``.

    Examples:
        >>> save_state("model.pt", torch.nn.Linear(2, 1).state_dict())
    """
    with written_atomically(path) as unfinished, unfinished.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())  # weeks of training may depend on it


def require_file(path: str | os.PathLike[str], what: str) -> str:
    """Check that a file is there.

    Args:
        path: the file.
        what: what it is, to begin the sentence with.

    Returns:
        The path as a string.

    Raises:
        FileNotFoundError: when there is no such file.

    Examples:
        >>> require_file("no/model.pt", "the network's weights")
        Traceback (most recent call last):
        FileNotFoundError: the network's weights: file not found: no/model.pt.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{what}: file not found: {path}.")
    return str(path)
