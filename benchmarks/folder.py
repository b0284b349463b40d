"""Time folders of photographs, vessel measures and the start of the command beside the network alone.

    python -m benchmarks folder --working_diameter 540
    python -m benchmarks folder --working_diameter 540 --sizes 8 --count 1 --measure photographs memory --threads 1

The network alone sees the prepared images, already in memory, at the same resolution and through the same windows. The
subjects take turns; run it on an idle machine. Many photographs (--count) hide the reading of the first and the saving
of the last. They are synthetic JPEG files, unless --dataset_dir names a folder of real ones.

    python -m benchmarks folder --measure lists

times what surrounds the network in a run over a long list, whose photographs are links to one and whose records and
results are synthetic. Records are not flushed to the disk, which takes a constant time for each. Processor time and
memory must grow no faster than the list. --keep FOLDER keeps the last report, for docs/check_report.py.
"""

import logging
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import process_time, sleep
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
from monai.bundle import ConfigParser
from PIL import Image

from benchmarks.bundle_runs import BundleRun
from benchmarks.experiments import RETINA
from benchmarks.timing import in_own_process, peak_megabytes, time_in_turn
from sre_monai.io.png import save_png
from sre_monai.io.tables import write_json
from sre_monai.retina import estimate_field_of_view, measure_vessels, synthetic_fundus
from sre_monai.retina.overlay import vessel_overlay
from sre_monai.runs.folder import FolderRun, list_images, thumbnail
from sre_monai.runs.folder.tolerant_dataset import FAILURE
from sre_monai.runs.memory import keep_freed_memory
from sre_monai_cli import long_command

SIZES = {"0.3": (702, 468), "1": (1230, 820), "2.3": (1860, 1240), "8": (3504, 2336)}
"""Width and height of the photographs, by their megapixels."""
CHOICES = {"sizes": SIZES, "measure": ("start", "photographs", "memory", "lists")}
REASON = "the file is damaged: it ends after {0} of 12345 bytes, in the middle of a scan. " * 4
Subject = tuple[Callable[[], Any], Callable[[Any], object]]
"""What prepares a call, which is not timed, and what is timed."""


def write_photographs(folder: Path, size: tuple[int, int], count: int) -> Path:
    """Write JPEG files of one size into a folder: synthetic eyes, enlarged, with the noise of a camera."""
    folder.mkdir()
    for seed in range(count):
        rng = np.random.default_rng(seed)
        eye = Image.fromarray(synthetic_fundus(SIZES["0.3"], seed % 2).image).resize(size, Image.Resampling.BICUBIC)
        noisy = np.asarray(eye) + rng.normal(0, 2, (size[1], size[0], 3)).astype(np.float32)
        Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8)).save(folder / f"{seed}.jpg", quality=92)
    return folder


class Folder(NamedTuple):
    """Photographs, a folder for results, and overrides of the configuration of inference."""

    photographs: Path
    results: Path
    settings: dict[str, Any]

    def configure(self, **more: Any) -> ConfigParser:
        """Read the configuration, for results in a new folder."""
        places = {"dataset_dir": str(self.photographs), "output_dir": tempfile.mkdtemp(dir=self.results)}
        return BundleRun(RETINA, ["inference.json"], self.results, places | self.settings | more).configure()

    def run(self, write_overlay: bool) -> Subject:
        """A run from the first file read to the report."""
        return lambda: self.configure(write_overlay=write_overlay).get_parsed_content(
            "evaluator"
        ), lambda run: run.run()

    def network_alone(self) -> Subject:
        """The network on all photographs, in batches of equal sizes as a run makes them."""
        get = self.configure().get_parsed_content
        batches: list[list[torch.Tensor]] = [[]]
        for image in (each["image"].as_tensor() for each in get("dataset") if FAILURE not in each):
            if batches[-1] and (len(batches[-1]) == get("batch_size") or batches[-1][0].shape != image.shape):
                batches.append([])
            batches[-1].append(image)
        network, inferer = get("network").eval(), get("inferer")
        stacks = [torch.stack(batch).to(get("device")) for batch in batches]
        return lambda: stacks, torch.no_grad()(lambda stacks: [inferer(stack, network).cpu() for stack in stacks])

    def measures(self) -> Subject:
        """The measures of all masks inside the fields of view."""
        config, pairs = self.configure(write_overlay=False), []
        config.get_parsed_content("evaluator").run()
        for item in config.get_parsed_content("datalist"):
            fov = estimate_field_of_view(np.asarray(Image.open(item["image"]).convert("RGB")).T)[0].numpy().T
            pairs.append((np.asarray(Image.open(f"{config['output_dir']}/{item['name']}_mask.png")) > 0, fov))
        measure_vessels(np.eye(99, dtype=bool))  # compiles
        return lambda: pairs, lambda pairs: [measure_vessels(*pair) for pair in pairs]


SUBJECTS: dict[str, Callable[[Folder], Subject]] = {
    "network alone": Folder.network_alone,
    "folder": partial(Folder.run, write_overlay=False),
    "folder with overlays": partial(Folder.run, write_overlay=True),
    "measures of the masks": Folder.measures,
}


def peak(name: str, folder: Folder) -> float:
    """Peak memory of a subject in megabytes, beyond what is in use before it."""
    keep_freed_memory()
    prepare, run = SUBJECTS[name](folder)
    argument, before = prepare(), peak_megabytes(folder.settings["device"], reset=True)
    run(argument)
    return peak_megabytes(folder.settings["device"]) - before


def start_of_commands(photographs: Path, results: Path) -> dict[str, Subject]:
    """The command from its start to its help, and both commands to the first photograph's mask."""
    short = [sys.executable, "-m", "sre_monai_cli"]

    def to_first_mask(output: str, command: Callable[..., list[str]]) -> None:
        words = command("segment", str(photographs), output)
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            while not list(Path(output).rglob("*_mask.png")) and run.poll() is None:
                sleep(0.01)
            run.kill()

    prepare = partial(tempfile.mkdtemp, dir=results)
    return {
        "help": (prepare, lambda _: subprocess.run([*short, "--help"], check=True, stdout=subprocess.DEVNULL)),
        "first photograph": (prepare, partial(to_first_mask, command=lambda *words: [*short, *words])),
        "the same, monai.bundle": (prepare, partial(to_first_mask, command=long_command)),
    }


def measure_list(count: int, folder: Path) -> dict[str, float]:
    """Run a list through everything but the network: processor seconds of each step, megabytes above the imports."""
    logging.disable()
    shutil.rmtree(folder, ignore_errors=True)
    thumbnails, datalist = write_files(folder, count)
    seconds: dict[str, float] = {}
    before = peak_megabytes(reset=True)

    @contextmanager
    def timed(step: str) -> Iterator[None]:
        start = process_time()
        yield
        seconds[step] = round(process_time() - start, 2)

    with timed("list"):
        items = list_images(datalist, folder / "results")
    with timed("start"):
        run = make_run(items, folder / "results")
        assert len(run.start()) == count
    with timed("records"), patch.object(os, "fsync"):
        for item in items:
            add_record(run, item, folder, thumbnails)
    with timed("report"):
        written = run.report.write(items, run.journal)
    with timed("resume"):
        left = len(make_run(items, folder / "results").start())
    assert left == written["failed"]
    assert written["done"] + written["failed"] == count
    page = folder / "results" / "report.html"
    return {**seconds, "MB of memory": round(peak_megabytes() - before), "MB of page": page.stat().st_size / 1e6}


def write_files(folder: Path, count: int) -> tuple[list[str], Path]:
    """Write a synthetic eye with its results, photographs that are links to it, and their list."""
    folder.mkdir(parents=True)
    eye = synthetic_fundus((480, 450))
    overlay = vessel_overlay(eye.image.transpose(2, 1, 0), eye.vessels.T[None], eye.fov.T[None])
    for kind, picture in {"eye": eye.image, "mask": eye.vessels * np.uint8(255), "overlay": overlay}.items():
        save_png(folder / f"{kind}.png", picture)
    files = [f"site_{number % 97:02}/patient_{number:06}_{'LR'[number % 2]}.png" for number in range(count)]
    for site in {Path(file).parent for file in files}:
        (folder / site).mkdir()
        (folder / "results" / site).mkdir(parents=True)
    for file in files:
        (folder / file).symlink_to(folder.absolute() / "eye.png")
    datalist = folder / "list.csv"
    datalist.write_text("\n".join(["image", *files]) + "\n")
    return [thumbnail(eye.image), thumbnail(overlay)], datalist


def make_run(items: list[dict[str, str]], output: Path) -> FolderRun:
    """Make a run with the columns of the bundle's report."""
    parser = BundleRun(RETINA, ["inference.json"], output, {"output_dir": str(output)}).configure()
    return FolderRun(items, output, {"version": "1"}, report=parser.get_parsed_content("folder_run#report"))


def add_record(run: FolderRun, item: dict[str, str], folder: Path, thumbnails: list[str]) -> None:
    """Record a success, or for some a failure."""
    number = int(Path(item["image"]).stem.split("_")[1])
    if number % 50 == 49:
        run.add(item, "failed", run.fingerprint(item), reason=REASON.format(number))
        return
    outputs = {}
    for kind in ("mask", "overlay"):
        outputs[f"{item['name']}_{kind}.png"] = (folder / f"{kind}.png").stat().st_size
        (run.output_dir / f"{item['name']}_{kind}.png").symlink_to(folder.absolute() / f"{kind}.png")
    figures = {column: round(math.sin(number) ** 2, 4) for column in run.report.columns[4:]}
    figures["quality"] = ("", "", "", "blurred", "dark", "blurred; few vessels")[number % 6]
    run.add(item, "done", run.fingerprint(item), outputs=outputs, thumbnails=thumbnails, **figures)


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
    list_lengths: Sequence[int] = (1000, 10_000, 100_000),
    keep: Path | None = None,
) -> str:
    """Measure seconds of the start and for each photograph, megabytes, and long lists; write a record."""
    torch.set_num_threads(threads or torch.get_num_threads())
    keep_freed_memory()  # as in the run itself
    settings = {"device": device} | ({"working_diameter": working_diameter} if working_diameter else {})
    record: dict[str, Any] = {"threads": torch.get_num_threads(), **settings}

    def timed(subjects: dict[str, Subject]) -> dict[str, float]:
        prepare, runs = ({name: each[part] for name, each in subjects.items()} for part in (0, 1))
        return time_in_turn(runs, rounds, 0, device, prepare)

    with tempfile.TemporaryDirectory() as parent, tempfile.TemporaryDirectory() as results:
        places = {str(dataset_dir): dataset_dir} if dataset_dir else {}
        for size in sizes if not dataset_dir else ():
            places[f"{size} megapixels"] = write_photographs(Path(parent) / size, SIZES[size], count)
        for title, place in places.items():
            folder = Folder(place, Path(results), settings)
            if "start" in measure and "start" not in record:
                record["start"] = timed(start_of_commands(place, Path(results)))
            if "photographs" in measure:
                seconds = timed({name: make(folder) for name, make in SUBJECTS.items()})
                number = len(folder.configure().get_parsed_content("datalist"))
                record[title] = {name: value / number for name, value in seconds.items()}
            if "memory" in measure:
                record[f"{title}, MB"] = {name: in_own_process(peak, name, folder) for name in SUBJECTS}
        for length in list_lengths if "lists" in measure else ():
            place = keep if keep and length == list_lengths[-1] else Path(results) / "list"
            record[f"list of {length}"] = in_own_process(measure_list, length, place)
    write_json(output, record)
    return output.read_text(encoding="utf-8")
