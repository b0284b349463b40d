from __future__ import annotations

import csv
import json
import sys

import pytest
import torch

from benchmarks import retina_progress
from benchmarks.retina_models import MODELS
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import photographs

MODEL = MODELS["drive"]
STEPS = 2  # an epoch


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Run the command with instant training runs, and give their settings."""
    photographs(tmp_path / "data" / "DRIVE")
    scores = {score: {"mean": 0.8} for score in ("dice", "auc", "cldice")}
    summary = json.dumps({"raters": {"model": {"scores": scores}}})

    def leave(output, files):
        if "evaluate.json" in files:
            (output / "summary.json").write_text(summary)
        else:
            epochs = json.loads((output / "arguments.json").read_text())["max_epochs"]
            (output / "model.pt").write_bytes(b"weights")
            torch.save({"trainer": {"iteration": STEPS * epochs}}, output / "checkpoint.pt")

    started = instant_runs(monkeypatch, leave)
    command = ["retina_progress", "--data", str(tmp_path / "data"), "--output_dir", str(tmp_path / "out")]

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", [*command, *arguments])
        retina_progress.main()
        return started

    return run


def test_every_budget_is_one_cycle_trained_and_scored_once(measure, tmp_path):
    for _ in range(2):
        started = measure("--models", MODEL.name, "--epochs", "6", "3", "--settings", '{"seed": 1}')
    training = [run for run in started if "evaluate.json" not in run["files"]]
    assert [(run["cycle_epochs"], run["max_epochs"], run["seed"]) for run in training] == [(3, 3, 1), (6, 6, 1)]
    scored = [run["checkpoint"] for run in started if "evaluate.json" in run["files"]]
    assert scored == [str(tmp_path / "out" / f"drive_{epochs}" / "train" / "model.pt") for epochs in (3, 6)]
    assert (tmp_path / "out" / "progress.png").stat().st_size > 0


def test_pixels_of_trimmed_crops_are_counted(measure, tmp_path):
    measure("--models", MODEL.name, "plain_unet_small_longer", "--epochs", "3")
    with (tmp_path / "out" / "progress.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [(row["model"], row["epochs"], row["dice"]) for row in rows] == [
        (MODEL.label, "3", "0.8"),
        (MODELS["plain_unet_small_longer"].label, "3", "0.8"),
    ]
    edge = sum(range(144 - 15, 144 + 1)) / 16
    for row in rows:
        assert float(row["billion pixels"]) == pytest.approx(3 * STEPS * 4 * edge**2 / 1e9)


def test_networks_of_another_recipe_are_refused(measure, capsys):
    with pytest.raises(SystemExit) as stop:
        measure("--models", "plain_unet", "--epochs", "3")
    assert stop.value.code == 2
    assert "invalid choice: 'plain_unet'" in capsys.readouterr().err
