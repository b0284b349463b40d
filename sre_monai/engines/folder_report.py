"""What became of each photograph of a folder: a table, and a page to look at."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from sre_monai.files import printable
from sre_monai.tables import write_table
from sre_monai.visualize import write_report_page

__all__ = ["COLUMNS", "FolderReport"]

COLUMNS = (
    "file",
    "status",
    "reason",
    "quality",
    "width",
    "height",
    "fov_diameter_px",
    "working_scale",
    "vessel_density",
    "skeleton_length_px",
    "mean_probability",
    "brightness",
    "sharpness",
    "seconds",
)
PENDING = {"status": "pending", "reason": "the run was stopped before: the same command continues it"}


class FolderReport:
    """``report.csv`` and ``report.html``: a row for each input, sorted by file.

    The columns are ``file`` (relative to the input folder), ``status`` (``done``, ``failed``, or ``pending`` after a
    run that was stopped), ``reason`` (of a failure; or what there is to know), ``quality`` (flags of
    `sre_monai.transforms.quality`), ``width`` and ``height``, ``fov_diameter_px`` (of the field of view, on the image's
    own grid), ``working_scale`` (pixels at the working resolution for one of the image), ``vessel_density`` (share of
    vessel pixels in the field of view, 0–1), ``skeleton_length_px`` (in the image's pixels), ``mean_probability`` (in
    the field of view, 0–1), ``brightness`` (0–255), ``sharpness`` and ``seconds``.

    Args:
        output_dir: folder of the results.
        columns: other columns than those above; the first three are the same in every report.

    Examples:
        >>> FolderReport("output").write([{"file": "a.png"}], [])  # doctest: +SKIP
        Counter({'pending': 1})
    """

    def __init__(self, output_dir: str | os.PathLike[str], columns: Sequence[str] = COLUMNS) -> None:
        self.columns = columns
        self.table = Path(output_dir) / "report.csv"
        self.page = Path(output_dir) / "report.html"

    def write(
        self,
        items: Sequence[Mapping[str, str]],
        records: Iterable[Mapping[str, Any]],
        unwritten: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Counter[str]:
        """Write both files.

        Args:
            items: the inputs, each with ``file``.
            records: what became of them, as noted by `FolderRun`. Is iterated over twice; the latest of a file counts.
            unwritten: records by file that come on top.

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
        write_report_page(self.page, self.columns, self._pictured(rows, records, late))
        return Counter(row["status"] for row in rows.values())

    def _pictured(
        self,
        rows: Mapping[str, Mapping[str, Any]],
        records: Iterable[Mapping[str, Any]],
        late: Iterable[Mapping[str, Any]],
    ) -> Iterator[dict[str, Any]]:
        """Rows with their pictures, one at a time: those of a hundred thousand photographs would fill the memory."""
        left = dict.fromkeys(rows)
        for record in chain(late, records):
            if record["file"] in left and record["status"] == rows[record["file"]]["status"]:
                del left[record["file"]]
                yield {
                    "file": printable(record["file"]),
                    **rows[record["file"]],
                    "thumbnails": record.get("thumbnails", []),
                    "link": next((name for name in record.get("outputs", {}) if "_overlay." in name), ""),
                }
        yield from ({"file": printable(file), **rows[file]} for file in left)
