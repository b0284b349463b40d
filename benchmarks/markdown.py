"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["markdown_table"]


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown.

    Args:
        header: titles of the columns.
        lines: cells, as many a line.

    Returns:
        The table.
    """
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *lines])
