"""The outcome of each file of a folder, as a table and as a page."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sre_monai.files import printable
from sre_monai.folder.tables import FolderTable
from sre_monai.tables import write_table
from sre_monai.visualize import write_report_page

__all__ = ["FolderReport"]

PENDING = {"status": "pending", "reason": "the run was stopped before: run the same command again to resume"}


class FolderReport:
    """``report.csv`` and ``report.html``: a row per file, sorted by its path.

    Every report has the columns ``file`` (relative to the input folder), ``status`` (``done``, ``failed``, or
    ``pending`` after a run that was interrupted), ``reason`` (of a failure, or a note) and ``seconds``. What else a row
    holds is up to the application.

    Args:
        output_dir: folder of the results.
        columns: what the postprocessing leaves in an item's ``report``, in the order of the table.
        tables: further tables, of the files that are done.

    Examples:
        >>> FolderReport("output", ["prediction"]).write([{"file": "a.png"}], [])  # doctest: +SKIP
        Counter({'pending': 1})
    """

    def __init__(
        self, output_dir: str | os.PathLike[str], columns: Sequence[str] = (), tables: Sequence[FolderTable] = ()
    ) -> None:
        self.columns = ("file", "status", "reason", *columns, "seconds")
        self.tables = tables
        self.table = Path(output_dir) / "report.csv"
        self.page = Path(output_dir) / "report.html"

    def write(
        self,
        items: Sequence[Mapping[str, str]],
        records: Iterable[Mapping[str, Any]],
        unwritten: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Counter[str]:
        """Write both files, and the further tables.

        Args:
            items: the inputs, each with ``file``.
            records: their outcomes, as noted by `FolderRun`. Iterated over several times; the latest of a file counts.
            unwritten: records by file that are not in the journal.

        Returns:
            How many rows there are of each status.

        Raises:
            OSError: when a file can't be written.
        """
        rows: dict[str, dict[str, Any]] = {item["file"]: dict(PENDING) for item in items}
        late = (unwritten or {}).values()
        for record in chain(records, late):
            if record["file"] in rows:
                rows[record["file"]] = {column: record.get(column, "") for column in self.columns[1:]}
        table = [dict.fromkeys(self.columns, "") | {"file": printable(file)} | rows[file] for file in sorted(rows)]
        write_table(self.table, table)
        if self.tables:
            done = _done(rows, chain(records, late))
            for further in self.tables:
                further.write(done)
        write_report_page(self.page, self.columns, self._pictured(rows, records, late))
        return Counter(row["status"] for row in rows.values())

    def _pictured(
        self,
        rows: Mapping[str, Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        late: Iterable[Mapping[str, Any]],
    ) -> Iterator[dict[str, Any]]:
        """Rows with their pictures, one at a time: those of a hundred thousand files would fill the memory."""
        left = dict.fromkeys(rows)
        for record in chain(late, records):
            if record["file"] in left and record["status"] == rows[record["file"]]["status"]:
                del left[record["file"]]
                yield {
                    "file": printable(record["file"]),
                    **rows[record["file"]],
                    "thumbnails": record.get("thumbnails", []),
                    "link": record.get("link", ""),
                }
        yield from ({"file": printable(file), **rows[file]} for file in left)


def _done(files: Iterable[str], records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records of the files that are done, without their pictures, sorted by file."""
    latest: dict[str, dict[str, Any]] = {file: {} for file in files}
    for record in records:
        if record["file"] in latest:
            latest[record["file"]] = {key: value for key, value in record.items() if key != "thumbnails"}
    return [latest[file] for file in sorted(latest) if latest[file].get("status") == "done"]
