"""What became of each file of a folder."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from sre_monai.tables import write_table

__all__ = ["FolderReport"]

COLUMNS = ("file", "status", "reason", "fov_diameter_px", "vessel_density", "mean_probability", "seconds")
NOTHING_DONE_STATUS = 1

logger = logging.getLogger(__name__)


class FolderReport:
    """Collect a row for each input and write them as a table.

    The columns are ``file`` (relative to the input folder), ``status`` (``done`` or ``failed``), ``reason`` (of a
    failure), ``fov_diameter_px`` (of the field of view, on the image's own grid), ``vessel_density`` (share of vessel
    pixels in the field of view, 0–1), ``mean_probability`` (in the field of view, 0–1) and ``seconds``.

    Args:
        path: the CSV file to write.

    Examples:
        >>> report = FolderReport("report.csv")
        >>> report.add("a.png", "failed", reason="damaged")
        >>> report.count("failed")
        1
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.rows: list[dict[str, Any]] = []

    def add(self, file: str, status: str, **values: Any) -> None:
        """Add a row.

        Args:
            file: the input, relative to its folder.
            status: ``"done"`` or ``"failed"``.
            values: further columns.
        """
        self.rows.append({"file": file, "status": status, **values})
        if status == "failed":
            logger.error("%s failed: %s", file, values.get("reason", ""))

    def count(self, status: str) -> int:
        """Count the rows of a status."""
        return sum(row["status"] == status for row in self.rows)

    def write(self) -> None:
        """Write the table, sorted by file."""
        rows = sorted(self.rows, key=lambda row: row["file"])
        write_table(self.path, [dict.fromkeys(COLUMNS, "") | row for row in rows])

    def finish(self) -> None:
        """Write the table and sum up.

        Raises:
            SystemExit: with status 1 when nothing could be done.
        """
        self.write()
        done, failed = self.count("done"), self.count("failed")
        logger.info("%d done, %d failed; the report is %s", done, failed, self.path)
        if not done:
            raise SystemExit(NOTHING_DONE_STATUS)
