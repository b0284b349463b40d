"""Further tables of a run over a folder, made at its end from the records in the journal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sre_monai.io.files import lies_within, printable, written_atomically
from sre_monai.io.tables import write_table


class FolderTable(Protocol):
    """A table of a run."""

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write the table, atomically.

        Args:
            records: of the files that are done, sorted by file.
        """


class RecordTable:
    """A CSV file with a row per file that is done: its path, and columns of its record.

    Args:
        path: the file to write.
        columns: keys of the records, left there by the postprocessing in ``report``.

    Examples:
        >>> RecordTable("measures.csv", ["length_px"]).write([{"file": "a.png", "length_px": 12}])
        >>> Path("measures.csv").read_text().splitlines()
        ['file,length_px', 'a.png,12']
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str]) -> None:
        self.path = Path(path)
        self.columns = columns

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write the table, atomically.

        Args:
            records: of the files that are done, sorted by file.
        """
        rows = [
            {"file": printable(record["file"]), **{column: record.get(column, "") for column in self.columns}}
            for record in records
        ]
        write_table(self.path, rows, ["file", *self.columns])


class GatheredTable:
    """A CSV file with the rows of other CSV files, which each photograph has as one of its ``outputs``.

    Args:
        path: the file to write.
        columns: of all these files.
        folder: that they lie in, within the folder of the results.

    Examples:
        >>> write_table("parts/a.csv", [{"file": "a.png", "segment": 1}])
        >>> records = [{"file": "a.png", "outputs": {"parts/a.csv": 24}}]
        >>> GatheredTable("segments.csv", ["file", "segment"], "parts").write(records)
        >>> Path("segments.csv").read_text().splitlines()
        ['file,segment', 'a.png,1']
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str], folder: str) -> None:
        self.path = Path(path)
        self.columns = columns
        self.folder = folder

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Write the table, atomically, one file after the other.

        Args:
            records: of the files that are done, sorted by file.

        Raises:
            OSError: when one of the other files can't be read, or lies outside of the folder.
        """
        with written_atomically(self.path) as unfinished:
            write_table(unfinished, [], self.columns)
            with unfinished.open("ab") as stream:
                for record in records:
                    for part in record.get("outputs", {}):
                        if Path(part).is_relative_to(self.folder):
                            if not lies_within(self.path.parent, part):
                                raise OSError(f"{self.path}: {part} does not lie in this folder.")
                            _, _, rows = (self.path.parent / part).read_bytes().partition(b"\n")
                            stream.write(rows)
