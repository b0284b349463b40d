from __future__ import annotations

import json

import pytest
import torch

from benchmarks import retina_models, retina_train
from benchmarks.retina_models import BUDGET, MODELS, SCALE
from benchmarks.retina_train import train
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import copy_bundle, photographs


@pytest.fixture
def runs(tmp_path, monkeypatch) -> list:
    """Training runs that write weights immediately."""
    bundle = copy_bundle(tmp_path / "bundles")
    for module in (retina_models, retina_train):
        monkeypatch.setattr(module, "BUNDLE", bundle)
    photographs(tmp_path / "data" / "DRIVE")

    def leave(output, files):
        torch.save({"weight": torch.full((2,), 0.1)}, output / "model.pt")
        (output / "training_log.csv").write_text("epoch,loss\n")
        torch.save({"trainer": {"iteration": 2400}, "seconds": 90.0}, output / "checkpoint.pt")

    return instant_runs(monkeypatch, leave)


def test_trained_once_stored_with_its_record(tmp_path, runs):
    model = MODELS["plain_unet"]
    for _ in range(2):
        train(model, 2, tmp_path / "data", tmp_path / "output")
    settings = {"dataset_dir": str(tmp_path / "data" / "DRIVE"), "validation_count": 0, "max_epochs": BUDGET}
    settings |= SCALE
    assert runs == [settings | {"files": ["train.json", "models/plain_unet.yaml"], "threads": "2"}]
    assert torch.load(model.weights, weights_only=True)["weight"].dtype == torch.float32
    record = json.loads(model.weights.with_suffix(".json").read_text())
    assert record.pop("device") in ("cpu", "cuda:0")
    assert record.pop("mixed_precision") is False
    assert record == {"parameters": 1979042, "steps": 2400, "seed": 0, "threads": 2, "training_minutes": 1.5}


def test_other_settings_are_another_training_run(tmp_path, runs):
    for settings in ({}, {"seed": 1}, {"loss#lambda_dice": 0}):
        train(MODELS["plain_unet"], 1, tmp_path / "data", tmp_path / "output", settings)
    assert len(runs) == 3
