"""Time and memory of measuring a mask of 8 megapixels, beside those of the network on the same photograph."""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.folder import SIZES, parse, preload, write_photographs
from benchmarks.markdown import markdown_table
from sre_monai.retina import estimate_field_of_view, measure_vessels
from sre_monai.runs.memory import keep_freed_memory

__all__ = ["cost_table", "measure_cost"]

OPTIONS = argparse.Namespace(device="cpu", working_diameter=540)


def measure_cost(repeats: int = 5) -> dict[str, Any]:
    """Time the network and the measures in turn, and take the peak memory of each in a process of its own.

    Args:
        repeats: how often; the medians count. A first run of each, in which numba compiles skan's functions, does not.

    Returns:
        Seconds and megabytes of both, and the mask's size.
    """
    with tempfile.TemporaryDirectory() as parent:
        folder, output = Path(parent) / "photographs", Path(parent) / "output"
        write_photographs(folder, SIZES["8"], 1)
        parse(folder, str(output), OPTIONS, write_overlay=False).get_parsed_content("evaluator").run()
        context = multiprocessing.get_context("spawn")
        memory = {}
        for name in ("network", "measures"):
            with context.Pool(1) as process:
                memory[name] = process.apply(_peak_megabytes, (name, folder, output, torch.get_num_threads()))
        tasks = {name: _task(name, folder, output) for name in memory}
        times: dict[str, list[float]] = {name: [] for name in tasks}
        for _ in range(repeats + 1):
            for name, task in tasks.items():
                start = perf_counter()
                task()
                times[name].append(perf_counter() - start)
        with Image.open(output / "0_mask.png") as mask:
            size = mask.size
    return {
        "mask": size,
        "threads of the network": torch.get_num_threads(),
        "seconds": {name: median(seconds[1:]) for name, seconds in times.items()},
        "megabytes": memory,
    }


def cost_table(cost: dict[str, Any]) -> str:
    """Lay the figures out in Markdown."""
    title = f"{cost['mask'][0]} × {cost['mask'][1]} pixels"
    header = [title, f"network, {cost['threads of the network']} thread(s)", "measures, 1 thread"]
    lines = [
        ["time, s", *(f"{value:.2f}" for value in cost["seconds"].values())],
        ["peak memory, MB", *(f"{value:.0f}" for value in cost["megabytes"].values())],
    ]
    return markdown_table(header, lines)


def _task(name: str, folder: Path, output: Path) -> Callable[[], object]:
    """What is timed: the network on the prepared photograph, or the measures of the mask."""
    if name == "measures":
        pixels = np.asarray(Image.open(folder / "0.jpg")).T
        fov = estimate_field_of_view(pixels)[0].numpy()
        mask = np.asarray(Image.open(output / "0_mask.png")).T > 0
        return lambda: measure_vessels(mask, fov)
    keep_freed_memory()  # as in the run itself
    config = parse(folder, str(output), OPTIONS, write_overlay=False)
    [image] = preload(config, 1)
    network, inferer = config.get_parsed_content("network").eval(), config.get_parsed_content("inferer")

    def predict() -> None:
        with torch.no_grad():
            inferer(image, network)

    return predict


def _peak_megabytes(name: str, folder: Path, output: Path, threads: int) -> float:
    """Peak memory of a run, beyond what the process holds before it."""
    torch.set_num_threads(threads)
    task = _task(name, folder, output)
    if name == "measures":
        measure_vessels(np.eye(99, dtype=bool))  # compiles
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak
    before = _status("VmRSS")
    task()
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    """An entry of this process's status on Linux, in kB."""
    return int(Path("/proc/self/status").read_text().split(f"{key}:")[1].split()[0])
