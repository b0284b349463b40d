from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import pytest

from benchmarks import retina_cameras
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import photographs

pytest.importorskip("matplotlib")  # the optional extra `viz`

FREQUENCIES = {"DRIVE": 0.2, "STARE": 0.3, "CHASE_DB1": 0.4, "HRF": 0.25}
"""Of vessels among the pixels with a probability of 0.1; at 0.9 as many are background."""


def leave(output: Path, files: list[str]) -> None:
    """Write the files of a run."""
    if "evaluate.json" not in files:
        (output / "model.pt").write_bytes(b"")
        return
    frequency = FREQUENCIES[output.parent.name]
    scores = {score: {"mean": 0.8} for score in retina_cameras.SCORES}
    summary = {"num_images": 20, "raters": {"model": {"scores": scores}}}
    (output / "summary.json").write_text(json.dumps(summary))
    bins = [[0, "", ""] for _ in range(20)]
    bins[2], bins[17] = [1000, 0.1, frequency], [1000, 0.9, 1 - frequency]
    lines = [",".join(map(str, [i / 20, *row, 0.8 - 0.01 * abs(i - 10)])) for i, row in enumerate(bins)]
    (output / "reliability.csv").write_text("\n".join(["threshold,pixels,probability,frequency,dice", *lines]))


@pytest.fixture
def data(tmp_path) -> Path:
    for name in retina_cameras.CAMERAS:
        photographs(tmp_path / "data" / name)
    return tmp_path / "data"


def test_each_camera_is_left_out_once(data, tmp_path, monkeypatch, capsys):
    started = instant_runs(monkeypatch, leave)
    output = tmp_path / "cameras"
    command = ["retina_cameras", "--data", str(data), "--output_dir", str(output), "--cycles", "2"]
    monkeypatch.setattr(sys, "argv", command)
    retina_cameras.main()
    trainings = [run for run in started if "evaluate.json" not in run["files"]]
    evaluations = [run for run in started if "evaluate.json" in run["files"]]
    assert [run["datasets"] for run in trainings] == [
        [name for name in retina_cameras.CAMERAS if name != left_out] for left_out in retina_cameras.CAMERAS
    ]
    assert {(run["max_epochs"], run["section"]) for run in trainings} == {("$3 * @cycle_epochs", "all")}
    assert [(Path(run["dataset_dir"]).name, run["section"]) for run in evaluations] == [
        (name, "all") for name in retina_cameras.CAMERAS
    ]
    assert [Path(run["checkpoint"]).parent.parent.name for run in evaluations] == list(retina_cameras.CAMERAS)

    with (output / "cameras.csv").open() as table:
        rows = {row["camera"]: row for row in csv.DictReader(table)}
    others = [math.log(9) / math.log(1 / f - 1) for name, f in FREQUENCIES.items() if name != "DRIVE"]
    assert float(rows["DRIVE"]["temperature"]) == pytest.approx(math.prod(others) ** (1 / 3), rel=1e-3)
    assert float(rows["DRIVE"]["calibration error"]) == pytest.approx(0.1)
    assert float(rows["DRIVE"]["calibration: threshold"]) == 0.5
    assert float(rows["DRIVE"]["dice with it"]) == float(rows["DRIVE"]["dice at it"]) == 0.8
    shown = capsys.readouterr().out
    assert shown.strip() == (output / "cameras.md").read_text().strip()
    assert (output / "reliability.png").is_file()
    retina_cameras.main()
    assert len(started) == 8

    monkeypatch.setattr(sys, "argv", [*command, "--pixels_per_degree", "20"])
    retina_cameras.main()
    assert [run["working_diameter"] for run in started[8:]] == [900, 700, 600, 1200]  # and no training again
    assert (output / "by_angle" / "cameras.md").is_file()
