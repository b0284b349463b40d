"""Use the installed package as its user does: the commands, the bundles and README's pipeline, in an empty folder."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLES = Path(sysconfig.get_path("data"), "share", "sre_monai", "bundles")
COMMAND = shutil.which("sre-monai", path=sysconfig.get_path("scripts"))
SEGMENT = "retina_fundus_vessel_segmentation"
CLASSIFY = "medmnist_classification"
VOLUMES = "brain_mri_hippocampus_segmentation"


def main() -> None:
    """Run everything; the first failure ends the program."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        shutil.copytree(REPOSITORY / "docs" / "sample", "photographs")
        photographs = [path for path in Path("photographs").rglob("*") if path.suffix in (".png", ".jpg")]

        run(sys.executable, "-c", PRINT_PLACES)
        run(COMMAND, "segment", "photographs", "short")
        run_bundle(SEGMENT, "inference.json", dataset_dir="photographs", output_dir="long")
        assert count_done("short") == count_done("long") == len(photographs)
        for mask in Path("short").rglob("*_mask.png"):
            assert mask.read_bytes() == Path("long", mask.relative_to("short")).read_bytes(), mask

        run(sys.executable, "-c", WRITE_VOLUME)
        run(COMMAND, "segment", "volumes", "labels", "--bundle_root", VOLUMES)
        assert count_done("labels") == 1

        run_bundle(CLASSIFY, "inference.json", dataset_dir="photographs", output_dir="classes")
        assert count_done("classes") == len(photographs)
        run(COMMAND, "prepare", "shapes3d", "--output", "sets/shapes3d.npz", *TINY)
        volumes = {"dataset_dir": "sets", "dataset_name": "shapes3d"}
        run_bundle(CLASSIFY, "train.json", "volumes.yaml", **volumes, output_dir="trained", max_epochs="1")
        files = ("train.json", "volumes.yaml", "evaluate.json")
        run_bundle(CLASSIFY, *files, **volumes, output_dir="scores", checkpoint="trained/model.pt", saliency_count="1")
        assert 0 <= json.loads(Path("scores/summary.json").read_text())["accuracy"] <= 1

        run(sys.executable, "-c", readme_program("pipeline"))


WRITE_VOLUME = """
import os
import nibabel
import numpy as np
os.mkdir("volumes")
nibabel.save(nibabel.Nifti1Image(np.random.rand(36, 49, 35), np.eye(4)), "volumes/head.nii.gz")
"""

TINY = ["--train", "4", "--val", "4", "--test", "4", "--size", "10"]

PRINT_PLACES = """
import sys
import sre_monai
from sre_monai.networks.layers.kernels.library import VARIANTS
print(sre_monai.__version__, sre_monai.__file__, "kernels:", *VARIANTS or ["none"])
assert VARIANTS or sys.platform != "linux", "the wheel has no compiled layers"
"""


def run(*command: str) -> None:
    """Run a command, away from the repository."""
    print("---", *command, flush=True)
    start = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, check=True, env=environment)
    print(f"--- {time.perf_counter() - start:.0f} s", flush=True)


def run_bundle(name: str, *configurations: str, **options: str) -> None:
    """Run configuration files of a bundle by MONAI's command."""
    root = BUNDLES / name
    files = [str(root / "configs" / file) for file in configurations]
    pairs = [word for key, value in options.items() for word in (f"--{key}", value)]
    run(sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files), "--bundle_root", str(root), *pairs)


def count_done(folder: str) -> int:
    """The number of files that a folder's report says are done."""
    with Path(folder, "report.csv").open(newline="") as stream:
        return sum(row["status"] == "done" for row in csv.DictReader(stream))


def readme_program(mark: str) -> str:
    """The Python program that follows the comment ``<!-- .ci/run: MARK -->`` in README."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    program = re.search(rf"<!-- \.ci/run: {mark} -->\n```python\n(.*?)\n```", text, re.DOTALL)
    assert program, f"README has no program after <!-- .ci/run: {mark} -->"
    return program[1]


if __name__ == "__main__":
    main()
