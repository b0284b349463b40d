from __future__ import annotations

import json

import torch

from benchmarks import medmnist_table
from benchmarks.medmnist_table import measure, summarize


def test_a_run_is_trained_evaluated_and_turned_once(tmp_path, monkeypatch):
    started = []

    def run(bundle, files, output, settings):
        started.append((files, settings["net"], settings["seed"], settings.get("checkpoint")))
        output.mkdir(parents=True)
        angles = {"image": {score: {"mean": 0.8, "worst": 0.7} for score in ("accuracy", "auc")}}
        flips = {axes: {"accuracy": value, "auc": value} for axes, value in (("x", 0.6), ("y", 0.8))}
        summary = {"accuracy": 0.9, "auc": 0.95, "rotation": angles, "flip": flips, "probability_deviation": 1e-7}
        (output / "summary.json").write_text(json.dumps(summary))
        torch.save({"seconds": 90.0}, output / "checkpoint.pt")

    monkeypatch.setattr(medmnist_table, "run_bundle", run)
    rows = [measure("resnet18", 1, tmp_path / "run", ["paper.yaml"], {"dataset_name": "a"}) for _ in range(2)]
    weights = str(tmp_path / "run" / "train" / "model.pt")
    assert started == [
        (["train.json", "paper.yaml"], "resnet18", 1, None),
        (["train.json", "paper.yaml", "evaluate.json"], "resnet18", 1, weights),
        (["train.json", "paper.yaml", "evaluate.json", "rotation.json"], "resnet18", 1, weights),
    ]
    assert rows[0] == rows[1]
    assert rows[0]["auc upright"] == 0.95
    assert (rows[0]["accuracy mean"], rows[0]["accuracy worst"]) == (0.8, 0.7)
    assert (rows[0]["auc flips mean"], rows[0]["auc flips worst"]) == (0.7, 0.6)
    assert rows[0]["training minutes"] == 1.5


def test_the_table_has_a_column_for_each_network():
    rows = [
        {"net": net, "seed": seed, "auc upright": auc, "probability deviation": 1e-7, "training minutes": 9.6}
        for net, seed, auc in (("a", 0, 0.7), ("b", 0, 0.8), ("a", 1, 0.9))
    ]
    assert summarize(rows) == [
        ["", "a (2 runs)", "b (1 runs)"],
        ["auc upright", "0.800 ± 0.100", "0.800 ± 0.000"],
        ["probability deviation", "1e-07 ± 0", "1e-07 ± 0"],
        ["training minutes", "10 ± 0", "10 ± 0"],
    ]
