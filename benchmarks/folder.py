"""Time folders of photographs, vessel measures and the start of the command beside the network alone.

    python -m benchmarks folder --working_diameter 540
    python -m benchmarks folder --working_diameter 540 --sizes 8 --count 1 --measure photographs memory --threads 1

The network alone sees the prepared images, already in memory, at the same resolution and through the same windows. The
subjects take turns; run it on an idle machine. Many photographs (--count) hide the reading of the first and the saving
of the last. They are synthetic JPEG files, unless --dataset_dir names a folder of real ones.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from PIL import Image

from benchmarks.timing import in_own_process, peak_megabytes, reset_peak, time_in_turn
from sre_monai.io.tables import write_json
from sre_monai.retina import estimate_field_of_view, measure_vessels, synthetic_fundus
from sre_monai.runs.folder.tolerant_dataset import FAILURE
from sre_monai.runs.memory import keep_freed_memory
from sre_monai_cli import find_bundle, long_command

SIZES = {"0.3": (702, 468), "1": (1230, 820), "2.3": (1860, 1240), "8": (3504, 2336)}
"""Width and height of the photographs, by their megapixels."""
ALONE, FOLDER_RUNS = "network alone", {"folder": False, "folder with overlays": True}
SUBJECTS = (ALONE, *FOLDER_RUNS, "measures of the masks")
CHOICES = {"sizes": SIZES, "measure": ("start", "photographs", "memory")}


def write_photographs(folder: Path, size: tuple[int, int], count: int) -> Path:
    """Write JPEG files of one size into a folder: synthetic eyes, enlarged, with the noise of a camera."""
    folder.mkdir()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        eye = Image.fromarray(synthetic_fundus(SIZES["0.3"], seed % 2).image).resize(size, Image.Resampling.BICUBIC)
        noisy = np.asarray(eye) + rng.normal(0, 2, (size[1], size[0], 3)).astype(np.float32)
        Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(folder / f"{seed}.jpg", quality=92)
    return folder


def configure(folder: Path, output: Path, settings: dict[str, Any], **more: Any) -> ConfigParser:
    """Read the configuration of inference, for results in a new folder."""
    parser = ConfigParser()
    parser.read_config(find_bundle() / "configs" / "inference.json")
    places = {"bundle_root": str(find_bundle()), "dataset_dir": str(folder), "output_dir": tempfile.mkdtemp(dir=output)}
    parser.update({**places, **settings, **more})
    return parser


def subject(name: str, folder: Path, output: Path, settings: dict[str, Any]) -> tuple[Callable[..., Any], Any, int]:
    """What is timed, what prepares its argument before each call, if it takes one, and the number of photographs."""
    config = configure(folder, output, settings, write_overlay=False)
    get = config.get_parsed_content
    items = get("datalist")
    if name in FOLDER_RUNS:
        more = {"write_overlay": FOLDER_RUNS[name]}
        prepare = lambda: configure(folder, output, settings, **more).get_parsed_content("evaluator")  # noqa: E731
        return lambda evaluator: evaluator.run(), prepare, len(items)
    if name == ALONE:
        batches: list[list[torch.Tensor]] = [[]]
        for image in (each["image"].as_tensor() for each in get("dataset") if FAILURE not in each):
            if batches[-1] and (len(batches[-1]) == get("batch_size") or batches[-1][0].shape != image.shape):
                batches.append([])
            batches[-1].append(image)
        stacks, network = [torch.stack(batch).to(get("device")) for batch in batches], get("network").eval()
        return torch.no_grad()(lambda: [get("inferer")(x, network).cpu() for x in stacks]), None, len(items)
    get("evaluator").run()
    masks = [Image.open(Path(config["output_dir"]) / f"{item['name']}_mask.png") for item in items]
    fields = [estimate_field_of_view(np.asarray(Image.open(item["image"]).convert("RGB")).T)[0] for item in items]
    pairs = [(np.asarray(mask) > 0, fov.numpy().T) for mask, fov in zip(masks, fields)]
    return lambda: [measure_vessels(*pair) for pair in pairs], None, len(items)


def time_photographs(folder: Path, output: Path, settings: dict[str, Any], rounds: int) -> dict[str, float]:
    """Seconds per photograph of each subject, without the start of the program."""
    made = {name: subject(name, folder, output, settings) for name in SUBJECTS}
    runs = {name: run for name, (run, _, _) in made.items()}
    prepare = {name: each for name, (_, each, _) in made.items() if each}
    seconds = time_in_turn(runs, rounds, turn=0, device=str(settings["device"]), prepare=prepare)
    return {name: value / made[name][2] for name, value in seconds.items()}


def peak(name: str, folder: Path, output: Path, settings: dict[str, Any]) -> float:
    """Peak memory in megabytes of a subject on a folder, beyond what this process needs before it."""
    keep_freed_memory()
    measure_vessels(np.eye(99, dtype=bool))  # compiles
    run, prepare, _ = subject(name, folder, output, settings)
    arguments = [prepare()] if prepare else []
    before = reset_peak(str(settings["device"]))
    run(*arguments)
    return peak_megabytes(str(settings["device"])) - before


def start_seconds(folder: Path, output: Path, rounds: int) -> dict[str, float]:
    """Seconds of the command from its start to its help, and of both commands to the first photograph's mask."""
    short = [sys.executable, "-m", "sre_monai_cli"]

    def to_first_mask(results: str, command: Sequence[str]) -> None:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            while not list(Path(results).rglob("*_mask.png")) and run.poll() is None:
                sleep(0.01)
            run.kill()

    runs = {
        "help": lambda _: subprocess.run([*short, "--help"], check=True, stdout=subprocess.DEVNULL),
        "first photograph": lambda out: to_first_mask(out, [*short, "segment", str(folder), out]),
        "the same, monai.bundle": lambda out: to_first_mask(out, long_command("segment", str(folder), out)),
    }
    return time_in_turn(runs, rounds, 0, prepare=dict.fromkeys(runs, partial(tempfile.mkdtemp, dir=output)))


def main(
    output: Path = Path("output/folder.json"),
    dataset_dir: Path | None = None,
    sizes: Sequence[str] = tuple(SIZES),
    measure: Sequence[str] = ("start", "photographs"),
    count: int = 10,
    device: str = "cuda:0" if torch.cuda.is_available() else "cpu",
    working_diameter: float | None = None,
    threads: int | None = None,
    rounds: int = 3,
) -> str:
    """Time everything and write a record."""
    torch.set_num_threads(threads or torch.get_num_threads())
    keep_freed_memory()  # as in the run itself
    settings = {"device": device} | ({"working_diameter": working_diameter} if working_diameter else {})
    record: dict[str, Any] = {"threads": torch.get_num_threads(), **settings}
    with tempfile.TemporaryDirectory() as parent:
        results = Path(parent) / "results"
        results.mkdir()
        folders = {str(dataset_dir): dataset_dir} if dataset_dir else {}
        for size in sizes if not dataset_dir else ():
            folders[f"{size} megapixels"] = write_photographs(Path(parent) / size, SIZES[size], count)
        if "start" in measure:
            record["start"] = start_seconds(next(iter(folders.values())), results, rounds)
        for title, folder in folders.items():
            if "photographs" in measure:
                seconds = time_photographs(folder, results, settings, rounds)
                relative = {name: value / seconds[ALONE] for name, value in seconds.items()}
                record[title] = {"seconds": seconds, "of the network alone": relative}
            if "memory" in measure:
                megabytes = {name: in_own_process(peak, name, folder, results, settings) for name in SUBJECTS}
                record[f"{title}, megabytes"] = megabytes
    write_json(output, record)
    return output.read_text(encoding="utf-8")
