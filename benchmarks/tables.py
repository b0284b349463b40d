"""Tables of ratios in Markdown."""

from __future__ import annotations

from benchmarks.chart import REFERENCE, Rows
from benchmarks.markdown import markdown_table

__all__ = ["layer_table", "network_table"]

ORDINARY = "nn.Conv 3×3"


def layer_table(rows: Rows, kernel_size: int, spatial_dims: int = 2) -> str:
    """Speed-up of each layer over the published one, forward / forward and backward.

    Args:
        rows: what :func:`benchmarks.layers.time_layers` gave.
        kernel_size: the kernel size to tell of.
        spatial_dims: 2 for pictures, 3 for volumes.

    Returns:
        A Markdown table, a row for every layer and a column for every size of map.
    """
    rows = [row for row in rows if (row["kernel_size"], row["spatial_dims"]) == (kernel_size, spatial_dims)]
    time = {((row["channels"], row["edge"]), row["step"], row["contender"]): row["milliseconds"] for row in rows}
    sizes = list(dict.fromkeys((row["channels"], row["edge"]) for row in rows))

    def cell(name: str, size: tuple[int, int]) -> str:
        ratios = [time[size, step, REFERENCE] / time[size, step, name] for step in ("forward", "forward_backward")]
        return " / ".join(f"{ratio:.1f}" for ratio in ratios)

    names = dict.fromkeys(row["contender"] for row in rows)
    header = [
        f"k = {kernel_size}, times faster than {REFERENCE}",
        *(f"{c} → {c} @{e}{'²³'[spatial_dims - 2]}" for c, e in sizes),
    ]
    return markdown_table(header, [[name, *(cell(name, size) for size in sizes)] for name in names])


def network_table(times: Rows, memory: Rows = ()) -> str:
    """Times and memory of every network, relative to the standard one and to the published one.

    Args:
        times: what the functions of :mod:`benchmarks.networks` gave.
        memory: what :func:`benchmarks.networks.measure_memory` gave, or nothing.

    Returns:
        A Markdown table, a row for every network.
    """
    tasks = list(dict.fromkeys(row["task"] for row in times))
    time = {(row["task"], row["contender"]): row["milliseconds"] for row in times}
    peak = {row["contender"]: row["megabytes"] for row in memory}

    def cell(task: str, name: str) -> str:
        value = time[task, name]
        return f"{value:.0f} ms ({time[task, REFERENCE] / value:.1f}× / {value / time[task, ORDINARY]:.2f})"

    names = dict.fromkeys(row["contender"] for row in times)
    lines = [[name, *(cell(task, name) for task in tasks)] for name in names]
    if memory:
        tasks.append("peak memory of a training step")
        for line in lines:
            line.append(f"{peak[line[0]]:.0f} MB ({peak[line[0]] / peak[ORDINARY]:.2f})")
    return markdown_table(["", *tasks], lines)
