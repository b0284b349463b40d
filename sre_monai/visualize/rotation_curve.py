"""Rotation curves: a score against the angle of the image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import cycle, pairwise
from typing import TYPE_CHECKING

import numpy as np

from sre_monai.io.png import save_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette (Color Universal Design, 2008), the colours that read well as thin lines on white
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
GREY = "#555555"
LABEL_GAP = 0.055  # least distance of two names, as a fraction of the axis


def plot_rotation_curve(
    curves: Mapping[str, Mapping[float, float]],
    path: str | os.PathLike[str],
    ylabel: str = "Dice",
    title: str | None = None,
) -> None:
    """Plot a score against the rotation angle, one line per model or protocol, and write it as PNG.

    Every line is named at its right end. Matplotlib's global state is not changed and no display is needed.

    Args:
        curves: for every line its name and its scores by angle in degrees; points that are NaN are left out.
        path: the PNG file to write; an existing one is replaced.
        ylabel: name of the score.
        title: heading of the plot.

    Raises:
        ImportError: if matplotlib isn't installed.
        ValueError: if there is no curve, or one has no point.

    Examples:
        >>> plot_rotation_curve({"U-Net": {0: 0.82, 45: 0.71, 90: 0.80}}, "dice.png")
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plot_rotation_curve needs matplotlib: pip install 'sre-monai[viz]'") from error
    lines = {name: _points(name, curve) for name, curve in curves.items()}
    if not lines:
        raise ValueError("curves is empty: there is nothing to plot.")

    figure = Figure(figsize=(8, 4.5), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for color, (angles, scores) in zip(cycle(COLORS), lines.values(), strict=False):
        axes.plot(angles, scores, color=color, linewidth=1.8, marker="o", markersize=3)
    _style(axes, ylabel, title)
    _name_lines(axes, {name: scores[-1] for name, (_, scores) in lines.items()})
    canvas.draw()
    save_png(path, np.asarray(canvas.buffer_rgba())[..., :3])


def _points(name: str, curve: Mapping[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Angles and scores of a curve in the order of the angles, without NaN."""
    points = sorted((angle, score) for angle, score in curve.items() if not np.isnan(score))
    if not points:
        raise ValueError(f"the curve {name!r} has no score to plot.")
    angles, scores = np.array(points, dtype=float).T
    return angles, scores


def _style(axes: Axes, ylabel: str, title: str | None) -> None:
    """Minimal axes: horizontal grid lines only, ticks at multiples of 45°."""
    axes.margins(x=0.02, y=0.08)
    first, last = axes.dataLim.intervalx
    if last - first >= 90:
        axes.set_xticks([angle for angle in range(-360, 361, 45) if first <= angle <= last])
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(colors=GREY, length=0, labelsize=10)
    axes.set_xlabel("Rotation of the image (°)", color=GREY, fontsize=11)
    axes.set_ylabel(ylabel, color=GREY, fontsize=11)
    if title is not None:
        axes.set_title(title, loc="left", fontsize=13, pad=12)


def _name_lines(axes: Axes, ends: Mapping[str, float]) -> None:
    """Write every line's name at its right end, in its colour and clear of the other names."""
    low, high = axes.get_ylim()
    heights = _spread(np.array(list(ends.values())), gap=LABEL_GAP * (high - low))
    for name, height, line in zip(ends, heights, axes.get_lines(), strict=True):
        axes.text(
            1.01, height, name, color=line.get_color(), fontsize=11, va="center", transform=axes.get_yaxis_transform()
        )


def _spread(heights: np.ndarray, gap: float) -> np.ndarray:
    """Move heights apart until neighbours keep the gap, leaving their mean where it is."""
    spread = heights.copy()
    for lower, upper in pairwise(np.argsort(heights, kind="stable")):
        spread[upper] = max(spread[upper], spread[lower] + gap)
    return spread - (spread - heights).mean()
