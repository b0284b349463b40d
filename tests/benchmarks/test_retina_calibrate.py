from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import retina_calibrate
from benchmarks.logit_calibration import CameraReliability, LogitCalibration
from sre_monai.networks.nets import SREUNet
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import photographs


def leave(output: Path, _: list[str]) -> None:
    """Write the table of an evaluation where the best threshold is 0.4 or 0.2."""
    best = 4 if output.name == "DRIVE" else 8
    lines = [f"{i / 20},10,{i / 20 + 0.02},{i / 20 + 0.02},{0.8 - 0.01 * abs(i - best)}" for i in range(20)]
    (output / "reliability.csv").write_text("\n".join(["threshold,pixels,probability,frequency,dice", *lines]))


def test_calibrates_on_training_photographs(tmp_path, monkeypatch, capsys):
    for name in retina_calibrate.CAMERAS:
        photographs(tmp_path / "data" / name)
    state = SREUNet(2, 3, 2, features=(4, 4, 8, 4), kernel_size=3).state_dict()
    torch.save(state, tmp_path / "weights.pt")
    (tmp_path / "weights.json").write_text('{"steps": 8415}')
    started, output = instant_runs(monkeypatch, leave), tmp_path / "calibrate"
    options = {"data": tmp_path / "data", "weights": tmp_path / "weights.pt", "output_dir": output}
    monkeypatch.setattr(sys, "argv", ["retina_calibrate", *(f"--{name}={value}" for name, value in options.items())])
    retina_calibrate.main()
    assert [(Path(run["dataset_dir"]).name, run["section"]) for run in started] == [
        (name, "training") for name in retina_calibrate.CAMERAS
    ]
    assert all(run["write_calibration"] and run["checkpoint"] == str(tmp_path / "weights.pt") for run in started)

    fitted = LogitCalibration.fit([CameraReliability.read(output / name) for name in retina_calibrate.CAMERAS])
    assert fitted.threshold == 0.3
    record = json.loads((output / "model.json").read_text())
    assert record == {"steps": 8415, "calibration": {"threshold": 0.3, "temperature": fitted.temperature}}
    calibrated = torch.load(output / "model.pt", weights_only=True)
    for name, values in fitted.apply(state).items():
        assert torch.equal(calibrated[name], values)
    with (output / "calibration.csv").open() as table:
        rows = {row["camera"]: row for row in csv.DictReader(table)}
    assert float(rows["DRIVE"]["dice"]) == pytest.approx(0.74)
    assert float(rows["DRIVE"]["dice with it"]) == float(rows["HRF"]["dice with it"]) == pytest.approx(0.78)
    assert capsys.readouterr().out.strip() == (output / "calibration.md").read_text().strip()
    retina_calibrate.main()
    assert len(started) == 4
