"""Tables in Markdown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

NOTHING = "–"
SCORE = re.compile(r"\{[^{}]+:\.\d+f\}")  # what has a spread between seeds


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *lines])


def table_of_means(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, str], transposed: bool = False
) -> str:
    """Lay figures out in Markdown: means over the seeds, with their standard deviations."""
    lines = [[label, *(_cell(template, runs) for template in columns.values())] for label, runs in rows.items()]
    lines = [line for line in lines if set(line[1:]) - {NOTHING}]
    kept = [place for place in range(len(columns) + 1) if any(line[place] != NOTHING for line in lines)]
    cells = [[line[place] for place in kept] for line in [["", *columns], *lines]]
    header, *lines = [list(line) for line in zip(*cells)] if transposed else cells
    return markdown_table(header, lines) if lines else ""


def _cell(template: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """The figures of a cell, if the runs have them. Deviations are the largest of the seeds."""
    names = [name for name in runs[0] if isinstance(runs[0][name], (int, float)) and all(name in run for run in runs)]
    values = {name: np.array([run[name] for run in runs], dtype=float) for name in names}
    means = {name: each.max() if "deviation" in name else each.mean() for name, each in values.items()}
    try:
        text = template.format_map({"runs": len(runs), **means})
    except KeyError:
        return NOTHING
    if len(runs) > 1 and SCORE.fullmatch(template):
        text += " ± " + template.format_map({name: each.std() for name, each in values.items()})
    return NOTHING if "nan" in text else text
