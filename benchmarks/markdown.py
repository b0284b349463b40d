"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sre_monai.io.tables import write_table

__all__ = ["markdown_table", "write_rows"]


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown.

    Args:
        header: titles of the columns.
        lines: cells, as many a line.

    Returns:
        The table.
    """
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *lines])


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> str:
    """Write rows as CSV and as a table in Markdown, with four decimals.

    Args:
        rows: at least one, all with the same columns.
        path: of the files, without extension.

    Returns:
        The table in Markdown.
    """
    write_table(path.with_suffix(".csv"), rows)
    lines = [[f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    table = markdown_table(list(rows[0]), lines)
    path.with_suffix(".md").write_text(table + "\n", encoding="utf-8")
    return table
