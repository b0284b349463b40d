"""The identity of a run: what its results depend on, and nothing else.

Whether a training run may resume, a file of a folder is done, or a row of a benchmark is finished is decided by
comparing identities. An identity has an entry for every value of the bundle's configuration, with all files merged and
the command's overrides applied, and one for the version and the code of this package. References and expressions count
by their text; weights and data by their content.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sre_monai import __version__

IRRELEVANT = (
    "_meta_",  # the bundle's description
    "bundle_root",  # folders may be moved
    "output_dir",
    "save_execute_config",  # a file name with a time, by MONAI's experiment tracking
    "resume",
    "download",  # what is downloaded counts, not whether
    "device",  # results differ by rounding errors only; a run may move to another machine
    "save_interval",  # epochs between two checkpoints
    "cache_num",  # memory and speed
    "loading_threads",
    "saving_threads",
)
"""Top-level entries of a configuration that results don't depend on."""

SOURCES = Path(__file__).resolve().parents[1]
TEXT = rb'"""(?:(?!""").)*"""'
COMMENTS = re.compile(rb"(?ms)^[ \t]*r?" + TEXT + rb"[ \t]*$|(?P<text>" + TEXT + rb")|^[ \t]*#[^\n]*")

MAX_DIFFERENCES, MAX_LENGTH = 4, 60  # differences in a message, and characters of a value


def run_identity(configuration: Mapping[str, Any], **contents: Any) -> dict[str, str]:
    """Give the identity of a run with a configuration.

    In a bundle's configuration it is ``$run_identity(configuration_being_parsed(), dataset_dir=@datalist)``.

    Args:
        configuration: merged, as ``ConfigParser.config`` has it; in an expression
            `sre_monai.runs.monai_internals.configuration_being_parsed` gives it.
        contents: entries of the configuration that stand for files, by name: a path, or lists and mappings of paths and
            values, as datalists are. The files' names and contents count in place of the entry's text, wherever they
            lie. None leaves an entry out.

    Returns:
        What results depend on, as text by the id of the entry (``train#trainer#max_epochs``).

    Examples:
        >>> identity = run_identity({"net": {"features": [16, 32], "bias": False}, "output_dir": "output"})
        >>> [key for key in identity], identity["net#features"]
        (['version', 'net#features', 'net#bias'], '[16, 32]')
    """
    relevant = {key: value for key, value in configuration.items() if key not in (*IRRELEVANT, *contents)}
    files = {key: _describe_content(value) for key, value in contents.items() if value is not None}
    return {
        "version": f"{__version__} ({code_digest()})",
        **{key: _text(value) for key, value in _leaves("", relevant)},
        **files,
    }


identity_of = run_identity
"""Its former name."""


def digest(identity: Mapping[str, str]) -> str:
    """Hash an identity.

    Args:
        identity: of a run.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"})
        True
    """
    return hashlib.sha256(json.dumps(sorted(identity.items())).encode()).hexdigest()


@cache
def code_digest() -> str:
    """Hash the package's own source, so that what was done in a clone was done by this code.

    Comments and docstrings don't count, nor do the sources of the kernels, whose results differ by rounding only.

    Returns:
        12 hexadecimal digits.

    Examples:
        >>> len(code_digest())
        12
    """
    code = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*.py")):
        code.update(f"{path.relative_to(SOURCES).as_posix()}\n".encode() + _without_comments(path.read_bytes()))
    return code.hexdigest()[:12]


def _without_comments(source: bytes) -> bytes:
    """Leave out docstrings and the lines of comments; other text in triple quotes stays."""
    return COMMENTS.sub(lambda found: found["text"] or b"", source)


def differences(former: Mapping[str, str], present: Mapping[str, str]) -> str:
    """Say what differs between two runs.

    Args:
        former: identity of the earlier run.
        present: identity of this run.

    Returns:
        Ids with both values; empty when the runs are the same.

    Examples:
        >>> differences({"lr": "0.1", "seed": "0"}, {"lr": "0.2", "seed": "0"})
        'lr was 0.1 and is now 0.2'
    """
    ids = [key for key in {**former, **present} if former.get(key) != present.get(key)]
    texts = [f"{key} was {_short(former.get(key))} and is now {_short(present.get(key))}" for key in ids]
    more = [f"{len(texts) - MAX_DIFFERENCES} more"] if len(texts) > MAX_DIFFERENCES else []
    return "; ".join(texts[:MAX_DIFFERENCES] + more)


def _short(text: str | None) -> str:
    return "absent" if text is None else text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"


def _leaves(key: str, value: Any, split_lists: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings and lists with their ids; a flat list is a leaf, unless it is split."""
    children: Mapping[Any, Any] = value if isinstance(value, Mapping) else {}
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(child, (Mapping, list, tuple)) for child in value)
        children = dict(enumerate(value)) if nested or split_lists else {}
    if not children:
        yield key, value
    for name, child in children.items():
        yield from _leaves(f"{key}#{name}" if key else str(name), child, split_lists)


def _text(value: Any) -> str:
    """Write a value as the command line would, whole numbers alike whether 1 or 1.0; of a file its content counts."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (str, os.PathLike)) and os.path.isabs(value) and os.path.isfile(value):
        return _describe_content(value)
    return str(value)


def _describe_content(value: Any) -> str:
    """Name the files that a value refers to, with a hash of their names and contents."""
    names: list[str] = []
    content_hash = hashlib.sha256()
    for key, entry in _leaves("", value, split_lists=True):
        if isinstance(entry, (str, os.PathLike)) and os.path.isfile(entry):
            names.append(os.path.basename(entry))
            entry = f"{names[-1]} {_file_digest(os.fspath(entry), *_state(entry))}"
        content_hash.update(f"{key} {entry}\n".encode("utf-8", "surrogateescape"))
    files = f"{names[0]} and {len(names) - 1} more" if names[1:] else "".join(names) or "no files"
    return f"{files} ({content_hash.hexdigest()[:16]})"


def _state(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Size and modification time of a file."""
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns


@cache
def _file_digest(path: str, size: int, changed: int) -> str:
    """Hash a file's content; cached as long as its size and modification time stay the same."""
    content_hash = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            content_hash.update(block)
    return content_hash.hexdigest()
