"""A folder of over three hundred files with thirty kinds of damage: good files are segmented, bad ones reported."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bundles.hostile import DAMAGE, add_other_files, add_special_files, make_hostile_folder
from tests.bundles.toy import BUNDLE, config_files

pytestmark = pytest.mark.slow

GIBIBYTE = 1 << 20  # in the kilobytes of rusage
MEASURE = """
import pathlib, resource, subprocess, sys

code = subprocess.run(sys.argv[2:], timeout=300).returncode
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""A small process in between: a process starts with the peak memory of the one that starts it, here pytest's."""


@dataclass
class Run:
    """The input files and the results of the run."""

    good: list[str]
    bad: list[str]
    others: list[str]
    output: Path
    code: int
    log: str
    kilobytes: int


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run the bundle on the folder of damaged files."""
    folder, output = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("results")
    good, bad = make_hostile_folder(folder)
    bad += add_special_files(folder)
    others = add_other_files(folder)
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", *config_files("inference.json")]
    command += ["--bundle_root", str(BUNDLE), "--dataset_dir", str(folder), "--output_dir", str(output)]
    command += ["--working_diameter", "100", "--device", "cpu"]
    peak = tmp_path_factory.mktemp("log") / "kilobytes"
    command = [sys.executable, "-c", MEASURE, str(peak), *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
    return Run(good, bad, others, output, done.returncode, done.stdout, int(peak.read_text()))


@pytest.fixture(scope="module")
def rows(segmented) -> dict[str, dict[str, str]]:
    with (segmented.output / "report.csv").open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def test_it_is_hostile(segmented):
    assert len(segmented.good) + len(segmented.bad) > 300
    assert len(DAMAGE) == 30


def test_every_good_photograph_is_segmented(segmented, rows):
    assert {file: rows[file]["reason"] for file in segmented.good if rows[file]["status"] != "done"} == {}
    masks = list(segmented.output.rglob("*_mask.png"))
    assert len(masks) == len(segmented.good)
    for mask in masks:
        with Image.open(mask) as image:
            assert image.height == 104
            assert set(np.unique(np.asarray(image))) == {0, 255}


def test_every_bad_file_is_in_the_report_with_its_reason(segmented, rows):
    assert {file for file in segmented.bad if rows[file]["status"] != "failed"} == set()
    assert all(rows[file]["reason"] for file in segmented.bad)
    assert len(rows) == len(segmented.bad) + len(segmented.good) + len(segmented.others)


def test_files_that_are_no_images_come_last_as_left_out(segmented, rows):
    assert [file for file, row in rows.items() if row["status"] == "left out"] == sorted(segmented.others)
    assert list(rows)[-len(segmented.others) :] == sorted(segmented.others)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("empty.jpg", "image format is not known"),
        ("huge.png", "more than the 100 million pixels allowed"),
        ("cut.bmp", "truncated"),
        ("black.png", "blank"),
        ("specks.png", "No field of view"),
        ("pipe.jpg", "not a regular file"),
        ("dangling.png", "broken link"),
    ],
)
def test_reasons_say_what_is_wrong(rows, file, reason):
    found = [row["reason"] for name, row in rows.items() if name.endswith(file)]
    assert found
    assert all(reason in text for text in found)


def test_the_run_tells_and_needs_little(segmented):
    assert segmented.code == 3, segmented.log[-3000:]
    assert "Traceback" not in segmented.log
    assert "100 done, 213 failed, 5 left out" in segmented.log
    assert segmented.kilobytes < 2 * GIBIBYTE
