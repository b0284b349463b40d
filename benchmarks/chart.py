"""Charts of the timings: speed-up over the published layer, and the networks' times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

__all__ = ["chart_layers", "chart_networks"]

Rows = Sequence[dict[str, object]]

REFERENCE = "SRE-Conv 1.0.2"


def chart_layers(rows: Rows, path: Path) -> None:
    """Draw the speed of every layer, relative to the published one, against the kernel size.

    Args:
        rows: what :func:`benchmarks.layers.time_layers` gave.
        path: PNG file to write.
    """
    steps = list(dict.fromkeys(row["step"] for row in rows))
    sizes = list(dict.fromkeys((row["channels"], row["edge"]) for row in rows))
    figure, axes = plt.subplots(
        len(steps), len(sizes), figsize=(3.2 * len(sizes), 5.6), sharex=True, sharey=True, squeeze=False
    )
    for step, line in zip(steps, axes):
        for (channels, edge), panel in zip(sizes, line):
            chosen = [row for row in rows if row["step"] == step and (row["channels"], row["edge"]) == (channels, edge)]
            reference = {row["kernel_size"]: row["milliseconds"] for row in chosen if row["contender"] == REFERENCE}
            for name in dict.fromkeys(row["contender"] for row in chosen):
                points = [(row["kernel_size"], row["milliseconds"]) for row in chosen if row["contender"] == name]
                panel.plot([k for k, _ in points], [reference[k] / t for k, t in points], marker="o", ms=3, label=name)
            panel.set_title(f"{channels} → {channels} @{edge}², {step.replace('_', ' + ')}", fontsize=8)
            panel.set_xticks(sorted(reference))
            panel.grid(alpha=0.3)
    figure.supxlabel("kernel size")
    figure.supylabel(f"times faster than {REFERENCE}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=8)
    figure.tight_layout(rect=(0, 0, 1, 0.92))
    figure.savefig(path, dpi=120)
    plt.close(figure)


def chart_networks(rows: Rows, path: Path) -> None:
    """Draw the time of every network for every task.

    Args:
        rows: what :func:`benchmarks.networks.time_networks` gave.
        path: PNG file to write.
    """
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    figure, axes = plt.subplots(1, len(tasks), figsize=(3.2 * len(tasks), 2.8), sharey=True, squeeze=False)
    for task, panel in zip(tasks, axes[0]):
        chosen = [row for row in rows if row["task"] == task][::-1]
        bars = panel.barh([str(row["contender"]) for row in chosen], [row["milliseconds"] for row in chosen])
        panel.bar_label(bars, fmt="%.0f", fontsize=7, padding=2)
        panel.set_title(f"{task}, ms", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.margins(x=0.2)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
