"""The report of a folder run as an HTML page that works without a server and loads nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sre_monai.io.files import written_atomically

MAX_EMBEDDED_ROWS = 2000
"""Up to this number of rows thumbnails are embedded; the page of more rows refers to the files beside it."""


class ReportRow(NamedTuple):
    """A row of the page.

    Args:
        cells: a text or a finite number for each column.
        thumbnails: JPEG files.
        views: pictures for the large view by their labels; the first is the photograph.

    Paths are relative to the page's folder.
    """

    cells: Sequence[str | float]
    thumbnails: Sequence[str] = ()
    views: Mapping[str, str] = {}


def write_report_page(
    path: str | os.PathLike[str],
    columns: Sequence[str],
    rows: Sequence[ReportRow],
    shown: Sequence[str] | None = None,
    title: str = "Report",
    table: str = "report.csv",
) -> None:
    """Write the page atomically.

    Style sheet, program and data are in the page. The rows' pictures are in lines of their own: the page parses those
    of the rows in view.

    Args:
        path: the HTML file to make.
        columns: names of the cells; ``file``, ``status`` and ``reason`` have a meaning.
        rows: they are shown in the natural order of their first cells, ``file``, at first: 2.png before 10.png.
        shown: columns that are shown at first, by default all.
        title: heading of the page.
        table: the same table as CSV, beside the page.

    Examples:
        >>> write_report_page("report.html", ["file", "status", "reason"], [ReportRow(("a.png", "done", ""))])
    """
    settings = {"columns": list(columns), "shown": list(columns if shown is None else shown), "table": table}
    program = _part("js")
    values = {
        "title": escape(title),
        "table": escape(table),
        "style": _part("css"),
        "settings": _script_json(settings),
        "program": program,
        "script_hash": b64encode(sha256(program.encode()).digest()).decode(),
    }
    before, between, after = (
        re.sub(r"{{(\w+)}}", lambda match: values[match[1]], part)
        for part in re.split(r"{{rows}}|{{pictures}}", _part("html"))
    )
    rows = sorted(rows, key=lambda row: _natural_order(str(row.cells[0])))
    embed_from = Path(path).parent if len(rows) <= MAX_EMBEDDED_ROWS else None
    with written_atomically(path) as unfinished, unfinished.open("w", encoding="utf-8") as stream:
        stream.write(before + "[")
        stream.writelines((",\n" if number else "") + _script_json(row.cells) for number, row in enumerate(rows))
        stream.write("]" + between)
        stream.writelines(("\n" if number else "") + _pictures(row, embed_from) for number, row in enumerate(rows))
        stream.write(after)


def _natural_order(text: str) -> str:
    """Give what to sort by: numbers in a text count as numbers, and upper and lower case are the same."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(15), text.lower())


def _pictures(row: ReportRow, embed_from: Path | None) -> str:
    """Addresses of a row's pictures as JSON; of thumbnails, their content where they are to be embedded."""
    address = _address if embed_from is None else partial(_data_address, embed_from)
    views = [[label, _address(view)] for label, view in row.views.items()]
    return _script_json({"thumbnails": list(map(address, row.thumbnails)), "views": views})


def _address(path: str) -> str:
    """Percent-encode a path, whatever bytes it has."""
    return quote(path, errors="surrogateescape")


def _data_address(folder: Path, path: str) -> str:
    """Read a thumbnail into an address; one that was deleted stays a reference."""
    try:
        return "data:image/jpeg;base64," + b64encode((folder / path).read_bytes()).decode()
    except OSError:
        return _address(path)


def _part(extension: str) -> str:
    """Read a part of the page from the package."""
    return files("sre_monai.runs.folder").joinpath(f"report_page.{extension}").read_text(encoding="utf-8")


def _script_json(content: Any) -> str:
    """JSON that is safe inside a script element, whatever a file is called: no ``<`` that could end it."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
