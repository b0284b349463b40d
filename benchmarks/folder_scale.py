"""Time and memory of what surrounds the network in a run over a long list: listing, start, records, resuming, report.

    python -m benchmarks folder_scale --counts 1000 10000 100000

The photographs are links to a few synthetic images and nothing is segmented: records and results are synthetic, too.
Records are not flushed to the disk, which takes a constant time for each. Processor time and memory must grow no faster
than the list. --keep FOLDER keeps the last report, for docs/check_report.py.
"""

import logging
import os
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any
from unittest.mock import patch

import numpy as np
from monai.bundle import ConfigParser

from benchmarks.timing import in_own_process, peak_megabytes, reset_peak
from sre_monai.io.png import save_png
from sre_monai.io.tables import write_json
from sre_monai.retina import synthetic_fundus
from sre_monai.retina.overlay import vessel_overlay
from sre_monai.runs.folder import FolderRun, list_images, thumbnail
from sre_monai_cli import find_bundle

CHOICES: dict[str, Sequence[str]] = {}
EYES = 4  # different pictures
REASON = "the file is damaged: it ends after {0} of {1} bytes, in the middle of a scan. " * 4


def main(
    output: Path = Path("output/folder_scale.json"),
    counts: Sequence[int] = (1000, 10_000, 100_000),
    keep: Path | None = None,
) -> str:
    """Measure lists of several lengths, each in a process of its own."""
    results = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as parent:
            folder = keep if keep and count == counts[-1] else Path(parent) / "run"
            results[count] = in_own_process(measure, count, folder)
    write_json(output, results)
    return output.read_text(encoding="utf-8")


def measure(count: int, folder: Path) -> dict[str, float]:
    """Run a list through everything but the network: processor seconds of each step, megabytes above the imports."""
    random.seed(0)
    logging.disable()
    shutil.rmtree(folder, ignore_errors=True)
    pictures = write_pictures(folder)
    datalist = write_list(folder, count)
    seconds: dict[str, float] = {}
    before = reset_peak()

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
            add_record(run, item, pictures[int(os.readlink(item["image"])[-5])])
    with timed("report"):
        written = run.report.write(items, run.journal)
    with timed("resume"):
        run = make_run(items, folder / "results")
        left = len(run.start())
    assert left == written["failed"]
    assert written["done"] + written["failed"] == count
    page = folder / "results" / "report.html"
    return {**seconds, "MB of memory": round(peak_megabytes() - before), "MB of page": page.stat().st_size / 1e6}


def write_pictures(folder: Path) -> list[dict[str, Any]]:
    """Write some synthetic eyes with their results; the records share them through links."""
    pictures = []
    (folder / "eyes").mkdir(parents=True)
    for seed in range(EYES):
        eye = synthetic_fundus((480, 450), seed)
        overlay = vessel_overlay(eye.image.transpose(2, 1, 0), eye.vessels.T[None], eye.fov.T[None])
        files = {kind: folder / "eyes" / f"{seed}_{kind}.png" for kind in ("mask", "overlay")}
        save_png(files["mask"], eye.vessels * np.uint8(255))
        save_png(files["overlay"], overlay)
        pictures.append({"files": files, "thumbnails": [thumbnail(eye.image), thumbnail(overlay)]})
        save_png(folder / "eyes" / f"{seed}.png", eye.image)
    return pictures


def write_list(folder: Path, count: int) -> Path:
    """Write the photographs, links to the eyes, and their list."""
    files = [f"site_{number % 97:02}/patient_{number:06}_{'LR'[number % 2]}.png" for number in range(count)]
    for site in {Path(file).parent for file in files}:
        (folder / site).mkdir(parents=True)
        (folder / "results" / site).mkdir(parents=True)
    for number, file in enumerate(files):
        (folder / file).symlink_to(folder.absolute() / "eyes" / f"{number % EYES}.png")
    datalist = folder / "list.csv"
    datalist.write_text("\n".join(["image", *files]) + "\n")
    return datalist


def make_run(items: list[dict[str, str]], output: Path) -> FolderRun:
    """Make a run with the columns of the bundle's report."""
    parser = ConfigParser()
    parser.read_config(find_bundle() / "configs" / "inference.json")
    parser["output_dir"] = str(output)
    return FolderRun(items, output, {"version": "1"}, report=parser.get_parsed_content("folder_run#report"))


def add_record(run: FolderRun, item: dict[str, str], picture: dict[str, Any]) -> None:
    """Record a success, or sometimes a failure."""
    if random.random() < 0.02:
        run.add(item, "failed", run.fingerprint(item), reason=REASON.format(random.randrange(9999), 12345).strip())
        return
    outputs = {}
    for kind, file in picture["files"].items():
        outputs[f"{item['name']}_{kind}.png"] = file.stat().st_size
        (run.output_dir / f"{item['name']}_{kind}.png").symlink_to(file.absolute())
    figures = {column: round(random.random(), 4) for column in run.report.columns[4:]}
    figures["quality"] = random.choice(["", "", "", "blurred", "dark", "blurred; few vessels"])
    run.add(item, "done", run.fingerprint(item), outputs=outputs, thumbnails=picture["thumbnails"], **figures)
