"""Reliability diagram: the observed frequency against the predicted probability."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from sre_monai.io.png import save_png
from sre_monai.visualize.rotation_curve import COLORS, GREY

if TYPE_CHECKING:
    from sre_monai.metrics import Reliability

NUM_BINS = 20
FEWEST = 100  # pixels in a bin that is drawn


def plot_reliability(lines: Mapping[str, Reliability], path: str | os.PathLike[str]) -> None:
    """Plot frequency against probability, one line per model or data set, and write it as PNG.

    Drawn are 20 bins, without those that have fewer than 100 pixels. Matplotlib's global state is not changed and no
    display is needed.

    Args:
        lines: for each line its name and its bins, whose number is a multiple of 20.
        path: the PNG file to write; an existing one is replaced.

    Raises:
        ImportError: if matplotlib isn't installed.

    Examples:
        >>> from sre_monai.metrics import Reliability
        >>> plot_reliability({"all": Reliability.of(torch.rand(9999), torch.rand(9999) > 0.5)}, "reliability.png")
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plot_reliability needs matplotlib: pip install 'sre-monai[viz]'") from error

    figure = Figure(figsize=(5, 5), dpi=150, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot(aspect="equal", xlim=(0, 1), ylim=(0, 1))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle="--")
    for color, (name, bins) in zip(cycle(COLORS), lines.items(), strict=False):
        shown = bins.coarser(NUM_BINS)
        drawn = shown.pixels >= FEWEST
        axes.plot(shown.probability[drawn], shown.frequency[drawn], color=color, linewidth=1.8, label=name)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("predicted probability", color=GREY, fontsize=11)
    axes.set_ylabel("observed frequency", color=GREY, fontsize=11)
    axes.legend(frameon=False, loc="upper left")
    canvas.draw()
    save_png(path, np.asarray(canvas.buffer_rgba())[..., :3])
