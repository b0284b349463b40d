"""Time one convolution layer, forward and forward with backward: ours, SRE-Conv, GMR-Conv and ordinary convolutions.

    pip install SRE-Conv==1.0.2 GMR-Conv==1.0.3
    python benchmarks/layers.py --output output/benchmark_layers.csv

All are timed in one run, in turn, so that what slows the machine down slows all of them: trust the ratios.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from types import ModuleType

import torch
from torch import nn

from sre_monai.networks.layers import SREConv2d

SIZES = ((32, 256), (64, 128), (128, 64))


def load_by_file(package: str, file: str) -> ModuleType:
    """Load one module of a package whose __init__ imports more than the module needs."""
    found = importlib.util.find_spec(package)
    if found is None:
        raise SystemExit(f"error: {package} is not installed; run: pip install SRE-Conv==1.0.2 GMR-Conv==1.0.3")
    spec = importlib.util.spec_from_file_location(file, Path(found.submodule_search_locations[0]) / f"{file}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_layers(channels: int, kernel_size: int) -> dict[str, nn.Module]:
    """Layers of the same reach, and the plain 3×3 one."""
    arguments = {"kernel_size": kernel_size, "padding": kernel_size // 2}
    return {
        "ours, bands": SREConv2d(channels, channels, **arguments),
        "ours, gaussian": SREConv2d(channels, channels, profile="gaussian", **arguments),
        "SRE-Conv": load_by_file("SRE_Conv", "sre_conv").SRE_Conv2d(channels, channels, **arguments),
        "GMR-Conv": load_by_file("GMR_Conv", "gmr_conv").GMR_Conv2d(channels, channels, **arguments),
        "nn.Conv2d": nn.Conv2d(channels, channels, **arguments),
        "nn.Conv2d 3×3": nn.Conv2d(channels, channels, 3, padding=1),
    }


def forward(layer: nn.Module, x: torch.Tensor) -> None:
    """One pass without gradients."""
    with torch.no_grad():
        layer(x)


def forward_backward(layer: nn.Module, x: torch.Tensor) -> None:
    """One pass with the gradients of input and weights."""
    layer(x.requires_grad_()).sum().backward()


def time_in_turn(
    step: Callable[[nn.Module, torch.Tensor], None], layers: dict[str, nn.Module], x: torch.Tensor, repeats: int
) -> dict[str, float]:
    """Median milliseconds of each layer."""
    times: dict[str, list[float]] = {name: [] for name in layers}
    for repeat in range(repeats + 1):
        for name, layer in layers.items():
            start = perf_counter()
            step(layer, x)
            if repeat:  # the first round warms up
                times[name].append(1e3 * (perf_counter() - start))
    return {name: median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel_sizes", type=int, nargs="+", default=[3, 5, 9])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("output/benchmark_layers.csv"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    rows = []
    for channels, size in SIZES:
        x = torch.randn(1, channels, size, size).contiguous(memory_format=torch.channels_last)
        for kernel_size in options.kernel_sizes:
            layers = make_layers(channels, kernel_size)
            for step in (forward, forward_backward):
                times = time_in_turn(step, layers, x.clone(), options.repeats)
                for name, milliseconds in times.items():
                    speedup = times["SRE-Conv"] / milliseconds
                    rows.append([channels, size, kernel_size, step.__name__, name, milliseconds, speedup])
                    print(
                        f"{channels:4} channels @{size}² k={kernel_size} {step.__name__:16} {name:14} "
                        f"{milliseconds:7.1f} ms  {speedup:5.1f}× SRE-Conv"
                    )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with options.output.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["channels", "size", "kernel_size", "step", "layer", "milliseconds", "speedup_over_sre_conv"])
        table.writerows(rows)


if __name__ == "__main__":
    main()
