"""Time a folder run against the network alone, on the same photographs, with overlays and without.

    python benchmarks/folder.py --dataset_dir my/photographs --output output/benchmark_folder.json

The network alone sees the prepared images, already in memory, at the same resolution and through the same windows.
The two are timed in turn, each several times; run it on an idle machine. A folder of at least 20 photographs hides the
reading of the first and the saving of the last.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from monai.bundle import ConfigParser

from sre_monai.cli import find_bundle
from sre_monai.folder.tolerant_dataset import FAILURE
from sre_monai.memory import keep_freed_memory
from sre_monai.tables import write_json


def parse(dataset_dir: Path, output_dir: str, device: str, write_overlay: bool) -> ConfigParser:
    """Read the configuration of inference."""
    root = find_bundle()
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.json")
    parser.update({"bundle_root": str(root), "dataset_dir": str(dataset_dir), "output_dir": output_dir})
    parser.update({"device": device, "write_overlay": write_overlay})
    return parser


def preload(parser: ConfigParser, batch_size: int) -> list[torch.Tensor]:
    """Prepare all photographs, in batches of equal sizes as the folder run makes them."""
    dataset, device = parser.get_parsed_content("dataset"), parser.get_parsed_content("device")
    images = [
        item["image"].as_tensor() for item in map(dataset.__getitem__, range(len(dataset))) if FAILURE not in item
    ]
    batches: list[list[torch.Tensor]] = []
    for image in images:
        if batches and len(batches[-1]) < batch_size and batches[-1][0].shape == image.shape:
            batches[-1].append(image)
        else:
            batches.append([image])
    return [torch.stack(batch).to(device) for batch in batches]


def network_seconds(parser: ConfigParser, batches: list[torch.Tensor]) -> float:
    """Time the network on all images."""
    network, inferer = parser.get_parsed_content("network").eval(), parser.get_parsed_content("inferer")
    with torch.no_grad():
        inferer(batches[0], network)
        start = perf_counter()
        for batch in batches:
            inferer(batch, network).cpu()
        return perf_counter() - start


def folder_seconds(dataset_dir: Path, device: str, write_overlay: bool) -> float:
    """Time a folder run from the first file read to the report, without the start of the program."""
    with tempfile.TemporaryDirectory() as output:
        evaluator = parse(dataset_dir, output, device, write_overlay).get_parsed_content("evaluator")
        start = perf_counter()
        evaluator.run()
        return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=Path, required=True, help="folder of readable photographs")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("output/benchmark_folder.json"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as in the run itself

    with tempfile.TemporaryDirectory() as unused:
        config = parse(options.dataset_dir, unused, options.device, write_overlay=False)
        batches = preload(config, config.get_parsed_content("batch_size"))
        times: dict[str, list[float]] = {"network alone": [], "folder": [], "folder with overlays": []}
        for _ in range(options.repeats):
            times["network alone"].append(network_seconds(config, batches))
            times["folder"].append(folder_seconds(options.dataset_dir, options.device, write_overlay=False))
            times["folder with overlays"].append(
                folder_seconds(options.dataset_dir, options.device, write_overlay=True)
            )
    count = sum(map(len, batches))
    bare = median(times["network alone"])
    result: dict[str, Any] = {"images": count, "device": options.device, "threads": options.threads}
    for name, seconds in times.items():
        result[name] = {"images_per_second": count / median(seconds), "share_of_network": bare / median(seconds)}
        print(f"{name:21} {count / median(seconds):8.3f} images/s  {bare / median(seconds):6.1%} of the network alone")
    write_json(options.output, result)


if __name__ == "__main__":
    main()
