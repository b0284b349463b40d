"""Time folder runs against the network alone, on photographs of four sizes, and the start of the command.

    python benchmarks/folder.py --output output/benchmark_folder.json

The network alone sees the prepared images, already in memory, at the same resolution and through the same windows.
Network, run, and run with overlays take turns, each several times; run it on an idle machine. Many photographs
(`--count`) hide the reading of the first and the saving of the last. The photographs are synthetic JPEG files, unless
`--dataset_dir` names a folder of real ones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import numpy as np
import torch
from monai.bundle import ConfigParser
from PIL import Image

from sre_monai.io.tables import write_json
from sre_monai.retina import synthetic_fundus
from sre_monai.runs.folder.tolerant_dataset import FAILURE
from sre_monai.runs.memory import keep_freed_memory
from sre_monai_cli import find_bundle, long_command

SIZES = {"0.3": (702, 468), "1": (1230, 820), "2.3": (1860, 1240), "8": (3504, 2336)}
"""Width and height of the photographs, by their megapixels."""


def write_photographs(folder: Path, size: tuple[int, int], count: int) -> None:
    """Write JPEG files of one size: synthetic eyes, enlarged, with the noise of a camera."""
    folder.mkdir()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        eye = Image.fromarray(synthetic_fundus(SIZES["0.3"], seed % 2).image).resize(size, Image.Resampling.BICUBIC)
        noisy = np.asarray(eye) + rng.normal(0, 2, (size[1], size[0], 3)).astype(np.float32)
        Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(folder / f"{seed}.jpg", quality=92)


def parse(dataset_dir: Path, output_dir: str, options: argparse.Namespace, write_overlay: bool) -> ConfigParser:
    """Read the configuration of inference."""
    root = find_bundle()
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.json")
    parser.update({"bundle_root": str(root), "dataset_dir": str(dataset_dir), "output_dir": output_dir})
    parser.update({"device": options.device, "write_overlay": write_overlay})
    if options.working_diameter:
        parser.update({"working_diameter": options.working_diameter})
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


def folder_seconds(dataset_dir: Path, options: argparse.Namespace, write_overlay: bool) -> float:
    """Time a folder run from the first file read to the report, without the start of the program."""
    with tempfile.TemporaryDirectory() as output:
        evaluator = parse(dataset_dir, output, options, write_overlay).get_parsed_content("evaluator")
        start = perf_counter()
        evaluator.run()
        return perf_counter() - start


def measure(dataset_dir: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return the median time per photograph of a folder, in seconds."""
    with tempfile.TemporaryDirectory() as unused:
        config = parse(dataset_dir, unused, options, write_overlay=False)
        batches = preload(config, config.get_parsed_content("batch_size"))
        times: dict[str, list[float]] = {"network alone": [], "folder": [], "folder with overlays": []}
        for _ in range(options.repeats):
            times["network alone"].append(network_seconds(config, batches))
            times["folder"].append(folder_seconds(dataset_dir, options, write_overlay=False))
            times["folder with overlays"].append(folder_seconds(dataset_dir, options, write_overlay=True))
    count = sum(map(len, batches))
    return {name: median(seconds) / count for name, seconds in times.items()}


def start_seconds(dataset_dir: Path, repeats: int) -> dict[str, float]:
    """Time the command from its start to its help, and both commands to the first photograph's mask."""
    short = [sys.executable, "-m", "sre_monai_cli"]
    times: dict[str, list[float]] = {"help": [], "first photograph": [], "first photograph, monai.bundle": []}
    for _ in range(repeats):
        start = perf_counter()
        subprocess.run([*short, "--help"], check=True, stdout=subprocess.DEVNULL)
        times["help"].append(perf_counter() - start)
        with tempfile.TemporaryDirectory() as output:
            command = [*short, "segment", str(dataset_dir), output]
            times["first photograph"].append(first_mask_seconds(command, Path(output)))
        with tempfile.TemporaryDirectory() as output:
            command = long_command("segment", str(dataset_dir), output)
            times["first photograph, monai.bundle"].append(first_mask_seconds(command, Path(output)))
    return {name: median(seconds) for name, seconds in times.items()}


def first_mask_seconds(command: list[str], output: Path) -> float:
    """Time a command from its start to its first mask."""
    with open(output / "log", "w") as log:
        start = perf_counter()
        run = subprocess.Popen(command, stdout=log, stderr=log)
        while not list(output.rglob("*_mask.png")) and run.poll() is None:
            sleep(0.01)
        seconds = perf_counter() - start
        run.wait()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", type=Path, help="folder of readable photographs, in place of synthetic ones")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES), help="megapixels")
    parser.add_argument("--measure", nargs="+", choices=("start", "photographs"), default=["start", "photographs"])
    parser.add_argument("--count", type=int, default=10, help="synthetic photographs of each size")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--working_diameter", type=float, help="in place of the configuration's")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("output/benchmark_folder.json"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as in the run itself

    with tempfile.TemporaryDirectory() as parent:
        folders = {str(options.dataset_dir): options.dataset_dir}
        if options.dataset_dir is None:
            folders = {f"{name} megapixels": Path(parent) / name for name in options.sizes}
            for name, folder in zip(options.sizes, folders.values(), strict=True):
                write_photographs(folder, SIZES[name], options.count)
        start, results = {}, {}
        if "start" in options.measure:
            start = start_seconds(next(iter(folders.values())), options.repeats)
            print("start: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in start.items()))
        for name, folder in folders.items() if "photographs" in options.measure else ():
            results[name] = measure(folder, options)
            alone = results[name]["network alone"]
            for row, seconds in results[name].items():
                print(f"{name:16} {row:21} {seconds:7.3f} s a photograph, {seconds / alone:5.2f} of the network alone")
    write_json(
        options.output, {"device": options.device, "threads": options.threads, "start": start, "photographs": results}
    )


if __name__ == "__main__":
    main()
