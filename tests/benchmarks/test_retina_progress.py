from __future__ import annotations

import csv
import json
import sys

import pytest
import torch

from benchmarks import retina_progress
from benchmarks.retina_models import MODELS
from benchmarks.retina_progress import kept_weights
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import photographs

MODEL = MODELS["general"]


@pytest.fixture
def folder(tmp_path):
    """A training run of 20 steps an epoch: its first cycles end after epochs 33 and 99."""
    folder = tmp_path / "runs" / MODEL.name
    (folder / "cycles").mkdir(parents=True)
    for epoch in (99, 66, 33, 132):
        (folder / "cycles" / f"averaged_epoch={epoch}.pt").write_bytes(b"weights")
    torch.save({"trainer": {"epoch_length": 20}}, folder / "checkpoint.pt")
    return folder


def test_pixels_of_trimmed_crops_are_counted(folder):
    first, second = kept_weights(MODEL, folder)
    edge = sum(range(256 - 15, 256 + 1)) / 16
    assert (first.epoch, second.epoch) == (33, 99)
    assert first.pixels == pytest.approx(33 * 20 * 4 * edge**2)
    assert second.pixels == pytest.approx(3 * first.pixels)


def test_ends_of_cycles_are_scored_once(folder, tmp_path, monkeypatch):
    photographs(tmp_path / "data" / "DRIVE")
    scores = {score: {"mean": 0.8} for score in ("dice", "auc", "cldice")}
    summary = json.dumps({"raters": {"model": {"scores": scores}}})
    started = instant_runs(monkeypatch, lambda output, files: (output / "summary.json").write_text(summary))
    command = ["retina_progress", "--data", str(tmp_path / "data"), "--runs", str(folder.parent)]
    monkeypatch.setattr(sys, "argv", [*command, "--models", MODEL.name, "--output_dir", str(tmp_path / "out")])
    for _ in range(2):
        retina_progress.main()
    assert [run["checkpoint"][-11:] for run in started] == ["epoch=33.pt", "epoch=99.pt"]
    with (tmp_path / "out" / "progress.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [(row["model"], row["epoch"], row["dice"]) for row in rows] == [
        (MODEL.label, "33", "0.8"),
        (MODEL.label, "99", "0.8"),
    ]
    assert (tmp_path / "out" / "progress.png").stat().st_size > 0


def test_a_run_without_kept_weights_is_refused(tmp_path, monkeypatch, capsys):
    command = ["retina_progress", "--data", str(tmp_path), "--runs", str(tmp_path), "--models", "general"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stop:
        retina_progress.main()
    assert stop.value.code == 2
    assert "cycles has no weights; train general by benchmarks.retina_train" in capsys.readouterr().err
