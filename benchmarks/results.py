"""What runs have measured, as figures by name, such as ``DRIVE dice mean`` or ``training_minutes``; tables of them."""

import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bundle_runs import BundleRun

GROUPS = ("raters", "model", "scores", "protocols", "rotation")
"""Levels of a summary that need no name."""
KEYS = ("image", "protocol", "axis", "angle", "flip")
OBSERVER = "second_observer"
NOTHING = "–"
SCORE = re.compile(r"\{[^{}]+:\.\d+f\}")  # what has a spread between seeds


class Result(NamedTuple):
    """What was measured of a row with a seed."""

    label: str
    seed: int
    values: dict[str, Any]  # figures by name
    folders: Mapping[str, Path] = {}  # of the evaluations, by their names
    weights: Path = Path()
    training: BundleRun | None = None


def read_evaluation(name: str, folder: Path) -> dict[str, float]:
    """Read the numbers of summary.json and, of images in poses, the mean and the worst case over the flips."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    values = {
        " ".join([name, *(part for part in path if part not in (*GROUPS, name))]): value
        for path, value in _numbers(summary)
    }
    flipped: dict[str, dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    for pose in read_poses(folder):
        for score in pose.keys() - KEYS if pose["flip"] else ():
            flipped[score][pose["angle"], pose["flip"]].append(pose[score])
    for score, poses in flipped.items():
        means = [float(np.mean(scores)) for scores in poses.values()]
        values |= {f"{name} flipped {score} mean": float(np.mean(means)), f"{name} flipped {score} worst": min(means)}
    return values


def read_poses(folder: Path) -> list[dict[str, Any]]:
    """Read the scores in each pose, of every image or of all images together."""
    path = folder / "rotation.csv"
    with (path if path.is_file() else folder / "per_image.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    return [
        {key: value if key in KEYS and key != "angle" else float(value or "nan") for key, value in row.items()}
        | {"flip": row.get("flip", "").replace("False", "")}
        for row in rows
        if "angle" in row and row.get("axis") != "symmetry"
    ]


def add_difference(results: list[Result], _: Path, score: str, baseline: str) -> None:
    """Sort by the mean of a score, best first, and add the ``difference`` from a row's mean, if it is there."""
    means = {each.label: np.mean([r.values[score] for r in results if r.label == each.label]) for each in results}
    for each in results if baseline in means else ():
        each.values["difference"] = float(each.values[score] - means[baseline])
    results.sort(key=lambda each: -means[each.label])


def add_second_observer(results: list[Result], _: Path) -> None:
    """Add the second observer as a result: a mask, which has no ROC curve."""
    values = {
        key.replace(f" {OBSERVER} ", " "): value
        for key, value in results[0].values.items()
        if f" {OBSERVER} " in key and " auc " not in key
    }
    if values:
        results.append(Result("second observer", 0, values))


def add_pixels(results: list[Result], _: Path) -> None:
    """Add the billions of pixels seen in training: each edge of the crops is cut by 0 to ``max_trim`` pixels."""
    for each in results:
        assert each.training is not None
        parser = each.training.configure()
        edge = parser["crop_size"] - parser["train#trainer#prepare_batch#max_trim"] / 2
        crops = each.values["steps"] * parser["images_per_batch"] * parser["crops_per_image"]
        each.values["billion pixels"] = crops * edge**2 / 1e9


def _numbers(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """The numbers in nested mappings, with their keys; NaN for null."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _numbers(value, (*path, key))
    elif isinstance(content, (int, float)) and not isinstance(content, bool):
        yield path, content
    elif content is None:
        yield path, math.nan


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *lines])


def table_of_means(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], columns: Mapping[str, str], transposed: bool = False
) -> str:
    """Lay figures out in Markdown: means over the seeds, with their standard deviations."""
    lines = [[label, *(_cell(template, runs) for template in columns.values())] for label, runs in rows.items()]
    lines = [line for line in lines if set(line[1:]) - {NOTHING}]
    if not lines:
        return ""
    kept = [place for place in range(len(columns) + 1) if any(line[place] != NOTHING for line in lines)]
    cells = [[line[place] for place in kept] for line in [["", *columns], *lines]]
    header, *lines = [list(line) for line in zip(*cells)] if transposed else cells
    return markdown_table(header, lines)


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
