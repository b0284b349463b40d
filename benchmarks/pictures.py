"""Pictures of the experiments and the timings."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.calibration import CameraReliability
from benchmarks.results import Result, read_poses
from sre_monai.evaluation import mean_by_angle
from sre_monai.visualize import plot_reliability, plot_rotation_curve

Rows, Line = Sequence[Mapping[str, Any]], Mapping[float, float]


def draw_curves(results: Sequence[Result], output: Path, evaluation: str, scores: Mapping[str, str]) -> None:
    """Draw scores by angle, the mean over images, seeds and axes, a line for each row."""
    poses: dict[str, list[dict[str, Any]]] = {}
    for each in results:
        if evaluation in each.folders:
            poses.setdefault(each.label, []).extend(read_poses(each.folders[evaluation]))
    for score, title in scores.items() if poses else ():
        curves = {label: mean_by_angle(rows, score) for label, rows in poses.items()}
        plot_rotation_curve(curves, output / f"rotation_{score}.png", ylabel=title)


def draw_reliability(results: Sequence[Result], output: Path, evaluation: str) -> None:
    """Draw the frequency of vessels against their probability, a line for each row."""
    lines = {each.label: CameraReliability.read(each.folders[evaluation]).pixels for each in results}
    plot_reliability(lines, output / "reliability.png")


def draw_errors(results: Sequence[Result], output: Path, evaluation: str, angles: Sequence[int]) -> None:
    """Put overlays of the errors on a photograph side by side: overlays.png, a line for each row."""
    folders = {each.label: each.folders[evaluation] / "overlays" for each in results if evaluation in each.folders}
    if not folders:
        return
    figure = Figure(figsize=(4 * len(angles), 4 * len(folders)), layout="constrained")
    for line, (label, folder) in zip(figure.subplots(len(folders), len(angles), squeeze=False), folders.items()):
        for panel, angle in zip(line, angles):
            upright_first = sorted(folder.glob(f"*_{angle}.png" if angle else "*.png"), key=lambda path: len(path.name))
            panel.imshow(np.asarray(Image.open(upright_first[0])))
            panel.set(xticks=[], yticks=[], title=f"{angle}°")
        line[0].set_ylabel(label)
    figure.savefig(output / "overlays.png", dpi=140)


def draw_progress(results: Sequence[Result], output: Path, score: str, level: Mapping[str, float]) -> None:
    """Draw F1 by the number of pixels seen in training, a line for each network: progress.png."""
    lines: dict[str, dict[float, float]] = {}
    for each in sorted(results, key=lambda each: each.values["billion pixels"]):
        lines.setdefault(each.label.rpartition(",")[0], {})[each.values["billion pixels"]] = each.values[score]
    ends = [pixels for points in lines.values() for pixels in points]
    lines |= {name: dict.fromkeys((min(ends), max(ends)), value) for name, value in level.items()}
    axes = {"xlabel": "pixels seen in training, billions", "ylabel": "F1 on DRIVE's test photographs", "xscale": "log"}
    axes |= {"xticks": ends, "xticklabels": [f"{pixels:.2g}" for pixels in ends]}
    draw_lines({"": lines}, output / "progress.png", 1, (7, 4), **axes)


def draw_lines(
    panels: Mapping[str, Mapping[str, Mapping[float, float]]],
    path: Path,
    columns: int,
    size: Any = (2.8, 2.4),
    **axes: Any,
) -> None:
    """Draw lines in panels of a size in inches, with a common legend."""
    rows, titles = -(-len(panels) // columns), {name: axes.pop(name) for name in ("xlabel", "ylabel")}
    with mpl.rc_context({"font.size": 8, "axes.titlesize": 9}):
        figure = Figure(figsize=(size[0] * columns, size[1] * rows), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, squeeze=False).flat
        for (title, lines), panel in zip(panels.items(), grid):
            for name, points in lines.items():
                panel.plot([*points], [*points.values()], marker="o", ms=2.5, label=name)
            panel.set(title=title, **axes)
            panel.grid(alpha=0.3)
        for panel in grid:
            panel.axis("off")
        handles = dict(chain.from_iterable(zip(*p.get_legend_handles_labels()[::-1]) for p in figure.axes))
        figure.legend(handles.values(), handles, loc="outside upper center", ncols=4)
        figure.supxlabel(titles["xlabel"])
        figure.supylabel(titles["ylabel"])
        figure.savefig(path, dpi=120)


def draw_layers(rows: Mapping[int, Rows], path: Path, reference: str) -> None:
    """Draw the speed of layers, relative to one of them, by kernel size, a panel for each map and step."""
    panels: dict[str, dict[str, dict[float, float]]] = {}
    for size, timed in rows.items():
        times = {row["task"]: row["milliseconds"] for row in timed if row["subject"] == reference}
        for row in timed:
            line = panels.setdefault(row["task"], {}).setdefault(row["subject"], {})
            line[size] = times[row["task"]] / row["milliseconds"]
    axes = {
        "xlabel": "kernel size",
        "ylabel": f"times faster than {reference}",
        "xticks": sorted(rows),
        "ylim": (0, None),
    }
    draw_lines(panels, path, 4, **axes)


def draw_networks(rows: Rows, path: Path) -> None:
    """Draw the time of every network for every task."""
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    figure = Figure(figsize=(3.2 * len(tasks), 2.8), layout="constrained")
    for task, panel in zip(tasks, figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]):
        chosen = [row for row in rows if row["task"] == task][::-1]
        bars = panel.barh([row["subject"] for row in chosen], [row["milliseconds"] for row in chosen])
        panel.bar_label(bars, fmt="%.0f", fontsize=7, padding=2)
        panel.set_title(f"{task}, ms", fontsize=8)
        panel.margins(x=0.2)
    figure.savefig(path, dpi=120)
