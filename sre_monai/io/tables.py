"""Write tables and JSON files, and format tables as text."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sre_monai.io.files import written_atomically


def write_table(
    path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]], columns: Sequence[str] | None = None
) -> None:
    """Write rows as CSV, atomically.

    Args:
        path: the file to make; an existing one is replaced.
        rows: mappings from column to value. What a row lacks, and NaN, is an empty cell.
        columns: in their order; by default those that the rows name, in the order in which they first do.

    Examples:
        >>> write_table("scores.csv", [{"image": "a.png", "dice": 0.8}])
    """
    if columns is None:
        rows = list(rows)
        columns = list(dict.fromkeys(column for row in rows for column in row))
    with written_atomically(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, columns, restval="")
        table.writeheader()
        table.writerows({column: "" if _is_nan(value) else value for column, value in row.items()} for row in rows)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON, atomically.

    Args:
        path: the file to make; an existing one is replaced.
        content: mappings, sequences, strings and numbers; NaN, which JSON doesn't know, becomes null.

    Examples:
        >>> write_json("summary.json", {"dice": 0.8})
    """
    text = json.dumps(_without_nan(content), indent=2, allow_nan=False, ensure_ascii=False)
    with written_atomically(path) as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")


def align_columns(rows: Sequence[Sequence[str]]) -> str:
    """Format rows of cells as text, the first column left-aligned and the others right-aligned.

    Args:
        rows: cells; every row has as many.

    Returns:
        One line per row.

    Examples:
        >>> print(align_columns([["", "mean"], ["dice", "0.8"]]))
              mean
        dice   0.8
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(zip(row, widths))
        )
        for row in rows
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _without_nan(content: Any) -> Any:
    """Replace NaN by None, however deep."""
    if isinstance(content, Mapping):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_without_nan(value) for value in content]
    return None if _is_nan(content) else content
