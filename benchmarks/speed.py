"""All timings in one run: layers, networks and memory, compared with the published and standard ones.

    pip install -c constraints.txt -e ".[test]"
    python -m benchmarks.speed --output output/speed

About ten minutes on two idle cores. Writes the times as layers.csv, unets.csv, resnets.csv and memory.csv, two charts,
and the ratios as tables.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.chart import chart_layers, chart_networks
from benchmarks.layers import KERNEL_SIZES, SIZES, VOLUMES, time_layers
from benchmarks.networks import measure_memory, time_resnets, time_unets
from benchmarks.tables import layer_table, network_table
from sre_monai.io.tables import write_table
from sre_monai.runs.memory import keep_freed_memory

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("output/speed"))
    parser.add_argument("--device", default="cpu", help="cpu or cuda:0")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--kernel_sizes", type=int, nargs="+", default=KERNEL_SIZES)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # for all contenders, as in the bundles' runs
    options.output.mkdir(parents=True, exist_ok=True)
    where = (options.device, DTYPES[options.dtype])

    unets = list(tqdm(time_unets(*where, options.rounds), "U-Nets", leave=False))
    resnets = list(tqdm(time_resnets(*where, options.rounds), "ResNets", leave=False))
    memory = list(tqdm(measure_memory(*where), "memory", leave=False))
    layers = list(tqdm(time_layers(*where, options.kernel_sizes, SIZES, options.rounds), "layers", leave=False))
    volumes = list(tqdm(time_layers(*where, (3, 5, 9), VOLUMES, options.rounds, 3), "volumes", leave=False))
    for name, rows in (("layers", layers + volumes), ("unets", unets), ("resnets", resnets), ("memory", memory)):
        write_table(options.output / f"{name}.csv", rows)
    chart_layers(layers, options.output / "layers.png")
    chart_networks(unets, options.output / "networks.png")
    flat = [layer_table(layers, k) for k in options.kernel_sizes]
    tables = "\n\n".join(
        [*flat, *(layer_table(volumes, k, 3) for k in (3, 5, 9)), network_table(unets, memory), network_table(resnets)]
    )
    (options.output / "tables.md").write_text(tables + "\n", encoding="utf-8")
    print(tables)


if __name__ == "__main__":
    main()
