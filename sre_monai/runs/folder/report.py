"""The outcome of each file of a folder, as a table and as a page."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from sre_monai.io.files import printable
from sre_monai.io.tables import write_table
from sre_monai.runs.folder.report_page import ReportRow, write_report_page
from sre_monai.runs.folder.report_tables import FolderTable

PICTURES = ("thumbnails", "preview")
PENDING = {"status": "pending", "reason": "the run was stopped before: run the same command again to resume"}
NO_IMAGE = "it is no image, by its name and its content"
PICTURE_EXTENSIONS = (".png", ".jpg")  # of the results that a browser shows


class FolderReport:
    """``report.csv`` and ``report.html``: a row per file, sorted by its path.

    Every report has the columns ``file`` (relative to the input folder), ``status`` (``done``, ``failed``, or
    ``pending`` after a run that was interrupted), ``reason`` (of a failure, or a note) and ``seconds``. What else a row
    holds is up to the application. Files that are not processed come last, as ``left out``.

    Args:
        output_dir: folder of the results.
        columns: what the postprocessing leaves in an item's ``report``, in the order of the table.
        shown: those of them that the page shows at first, by default all. A reader can show the others.
        title: heading of the page.
        tables: further tables, of the files that are done.
        left_out: files that are not processed, see `sre_monai.runs.folder.list_others`.
        left_out_reason: why.

    Examples:
        >>> FolderReport("output", ["prediction"]).write([{"file": "a.png"}], [])  # doctest: +SKIP
        Counter({'pending': 1})
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        columns: Sequence[str] = (),
        shown: Sequence[str] | None = None,
        title: str = "Report",
        tables: Sequence[FolderTable] = (),
        left_out: Sequence[str] = (),
        left_out_reason: str = NO_IMAGE,
    ) -> None:
        self.columns = ("file", "status", "reason", *columns, "seconds")
        self.shown = ("file", "status", "reason", *(columns if shown is None else shown), "seconds")
        self.title = title
        self.tables = tables
        self.left_out = left_out
        self.left_out_reason = left_out_reason
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
            items: the inputs, each with ``file``; ``image``, the path, and ``name``, that of the results, are needed
                for the page's large pictures.
            records: their outcomes, as noted by `FolderRun`; iterated over twice; the latest of a file counts.
            unwritten: records by file that are not in the journal.

        Returns:
            How many rows there are of each status.

        Raises:
            OSError: when a file can't be written.
        """
        by_file = {item["file"]: item for item in items}
        rows = {file: self._row(item, PENDING) for file, item in sorted(by_file.items())}
        for record in chain(records, (unwritten or {}).values()):
            if record["file"] in rows:
                rows[record["file"]] = self._row(by_file[record["file"]], record)
        left_out = {"status": "left out", "reason": self.left_out_reason}
        rows |= {file: self._row({"file": file}, left_out) for file in self.left_out}
        write_table(self.table, (dict(zip(self.columns, row.cells)) for row in rows.values()), self.columns)
        if self.tables:
            done = _done(by_file, chain(records, (unwritten or {}).values()))
            for further in self.tables:
                further.write(done)
        write_report_page(
            self.page, self.columns, list(rows.values()), shown=self.shown, title=self.title, table=self.table.name
        )
        return Counter(str(row.cells[1]) for row in rows.values())

    def _row(self, item: Mapping[str, str], record: Mapping[str, Any]) -> ReportRow:
        """Give the cells and pictures of a file."""
        cells = [printable(item["file"]), *(_cell(record.get(column, "")) for column in self.columns[1:])]
        views = {"photograph": record.get("preview") or self._relative(item["image"])} if item.get("image") else {}
        for output in record.get("outputs", ()):
            stem, extension = os.path.splitext(output)
            if extension in PICTURE_EXTENSIONS:
                views[stem.removeprefix(f"{item['name']}_")] = output
        return ReportRow(cells, record.get("thumbnails", ()), views)

    def _relative(self, path: str) -> str:
        """Give the path of an input as seen from the page."""
        folder, name = os.path.split(path)
        return f"{_relative_folder(folder, str(self.page.parent))}/{name}"


@lru_cache(maxsize=1000)
def _relative_folder(folder: str, start: str) -> str:
    return Path(os.path.relpath(folder, start)).as_posix()


def _cell(value: Any) -> str | float:
    """Give a text or a finite number: JSON knows no others."""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _done(files: Iterable[str], records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the records of the files that are done, without their pictures, sorted by file."""
    latest: dict[str, dict[str, Any]] = {file: {} for file in files}
    for record in records:
        if record["file"] in latest:
            latest[record["file"]] = {key: value for key, value in record.items() if key not in PICTURES}
    return [latest[file] for file in sorted(latest) if latest[file].get("status") == "done"]
