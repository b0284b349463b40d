"""The report of a folder run as a self-contained HTML page: no server, no external resources."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from sre_monai.files import written_atomically

__all__ = ["write_report_page"]

TEMPLATE = "report_page.html"
COLUMNS_PLACEHOLDER, ROWS_PLACEHOLDER = "/*columns*/", "/*rows*/"


def write_report_page(path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the page atomically.

    Thumbnails are embedded, and only the rows on the screen are drawn, so that thousands of them scroll and sort at
    once. Rows are written as they come: the page may be larger than the memory.

    Args:
        path: the HTML file to make.
        columns: keys of the rows to show, in order.
        rows: mappings from column to text or number; and ``thumbnails``, base64 of JPEG pictures, and ``link``, a path
            relative to the page.

    Examples:
        >>> write_report_page("report.html", ["file"], [{"file": "a.png"}])
    """
    template = files("sre_monai.visualize").joinpath(TEMPLATE).read_text(encoding="utf-8")
    before, after = template.replace(COLUMNS_PLACEHOLDER, _script_json(list(columns))).split(ROWS_PLACEHOLDER)
    with written_atomically(path) as unfinished, unfinished.open("w", encoding="utf-8") as stream:
        stream.write(before)
        for number, row in enumerate(rows):
            cells = [row.get(column, "") for column in columns]
            link = quote(str(row.get("link", "")), errors="surrogateescape")
            stream.write((",\n" if number else "") + _script_json([cells, list(row.get("thumbnails", [])), link]))
        stream.write(after)


def _script_json(content: Any) -> str:
    """JSON that is safe inside a script element, whatever a file is called: no ``<`` that could end it."""
    return json.dumps(content).replace("<", "\\u003c")
