"""The outcome of each file, on disk at once, so that the run after an interrupted one can continue."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sre_monai.io.files import written_atomically

GATHERED = "gathered.jsonl"
OUTSIDE = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")
"""Absolute paths, those with a drive, and those that leave their folder."""


class Journal:
    """A folder of records, one line of JSON each: one file per process, and one with the records of earlier runs.

    It lies in the folder of the results. Records are files that anyone may have written: one that names results
    elsewhere, by an absolute path or ``..``, counts for nothing.

    A record is appended at once and synchronised with the disk. A process that is killed leaves at most an incomplete
    last line, which is ignored.

    Args:
        folder: where the files lie.
        rank: of the process that appends.

    Examples:
        >>> journal = Journal("output/.journal")  # doctest: +SKIP
        >>> journal.append({"file": "a.png", "status": "done"})  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str], rank: int = 0) -> None:
        self.folder = Path(folder)
        self.path = self.folder / f"process_{rank}.jsonl"

    def append(self, record: dict[str, Any]) -> None:
        """Append a record.

        Args:
            record: what JSON can hold, with the key ``file``.

        Raises:
            OSError: when it can't be written, for example to a full disk.
        """
        line = (json.dumps(record) + "\n").encode()
        with self.path.open("ab", buffering=0) as stream:
            if stream.tell() and not self._ends_in_newline():  # after an incomplete write, to a full disk for example
                line = b"\n" + line
            stream.write(line)
            os.fsync(stream.fileno())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the records, the latest of each file last."""
        for path in sorted(self.folder.glob("[!.]*.jsonl"), key=lambda path: (path.name != GATHERED, path.name)):
            with path.open("rb") as stream:
                for line in stream:
                    try:
                        record = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(record, dict) and isinstance(record.get("file"), str) and _has_own_results(record):
                        yield record

    def gather(self, keep: Callable[[dict[str, Any]], bool]) -> None:
        """Rewrite all files as one with the records to keep, each once; before any process appends.

        Args:
            keep: whether to keep a record; called once for each, in the order of iteration.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with written_atomically(self.folder / GATHERED) as unfinished, unfinished.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(record) + "\n" for record in _once(filter(keep, self)))
        for path in self.folder.glob("process_*.jsonl"):
            path.unlink()

    def _ends_in_newline(self) -> bool:
        with self.path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) == b"\n"


def results_of(record: Mapping[str, Any]) -> Iterator[str]:
    """Files that were written for a record, relative to the folder of the results."""
    yield from record.get("outputs", ())
    yield from record.get("thumbnails", ())
    yield from [record["preview"]] if "preview" in record else []


def _has_own_results(record: Mapping[str, Any]) -> bool:
    """Whether a record's paths are those that a run writes; by their text, as there may be a million."""
    if not isinstance(record.get("outputs", {}), dict) or not isinstance(record.get("thumbnails", []), list):
        return False
    return all(isinstance(path, str) and not OUTSIDE.search(path) for path in results_of(record))


def _once(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the first record of each file."""
    seen: set[str] = set()
    for record in records:
        if record["file"] not in seen:
            seen.add(record["file"])
            yield record
