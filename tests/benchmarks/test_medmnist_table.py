from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import medmnist_table
from benchmarks.bundle_runs import BundleRun
from benchmarks.medmnist_table import Run, draw, summarize
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.medmnist_toy import SHORT
from tests.medmnist.medmnist_toy import write_set


@pytest.fixture
def settings(tmp_path) -> dict[str, str]:
    """A small data set, a small network, a short training run."""
    write_set(tmp_path / "data" / "breastmnist.npz")
    return {**SHORT, "max_epochs": 1, "dataset_dir": str(tmp_path / "data")}


def leave(output: Path, files: list[str]) -> None:
    """Write the files of a run."""
    angles = {"image": {score: {"mean": 0.8, "worst": 0.7} for score in ("accuracy", "auc")}}
    flips = {axes: {"accuracy": value, "auc": value} for axes, value in (("x", 0.6), ("y", 0.8))}
    summary = {"accuracy": 0.9, "auc": 0.95, "rotation": angles, "flip": flips, "probability_deviation": 1e-7}
    (output / "summary.json").write_text(json.dumps(summary))
    poses = "axis,angle,flip,accuracy,auc\n,0,,0.9,0.95\n,10,,0.7,0.75\n,0,x,0.6,0.6\n"
    (output / "rotation.csv").write_text(poses)
    torch.save({"seconds": 90.0}, output / "checkpoint.pt")


def test_a_run_is_trained_evaluated_and_rotated_once(settings, tmp_path, monkeypatch):
    started = instant_runs(monkeypatch, leave)
    run = Run("resnet18", 1, tmp_path / "run", ["paper.yaml"], settings | {"amp": True})
    run.measure()
    run.measure(threads=2)
    weights = str(tmp_path / "run" / "train" / "model.pt")
    assert [(run["files"], run["net"], run["seed"], run["amp"], run.get("checkpoint")) for run in started] == [
        (["train.json", "paper.yaml"], "resnet18", 1, True, None),
        (["train.json", "paper.yaml", "evaluate.json"], "resnet18", 1, False, weights),
        (["train.json", "paper.yaml", "evaluate.json", "rotation.json"], "resnet18", 1, False, weights),
    ]
    row = run.row()
    assert (row["model"], row["seed"]) == ("resnet18", 1)
    assert row["auc upright"] == 0.95
    assert (row["accuracy mean"], row["accuracy worst"]) == (0.8, 0.7)
    assert (row["auc flips mean"], row["auc flips worst"]) == (0.7, 0.6)
    assert row["training minutes"] == 1.5


def test_each_padding_has_its_results(settings, tmp_path, monkeypatch):
    started = instant_runs(monkeypatch, leave)
    command = ["medmnist_table", "--dataset_dir", settings.pop("dataset_dir"), "--output_dir", str(tmp_path / "table")]
    command += ["--models", "resnet18", "--seeds", "0", "--settings", json.dumps(settings)]
    for padding in ("zeros", "reflect"):
        monkeypatch.setattr(sys, "argv", [*command, "--padding", padding])
        medmnist_table.main()
    assert [run.get("padding") for run in started] == [None, None, "zeros", "reflect"]
    for padding in ("zeros", "reflect"):
        files = {path.name for path in (tmp_path / "table" / padding).iterdir()}
        assert files == {"runs.csv", "table.md", "rotation_accuracy.png", "rotation_auc.png"}


def test_rotations_are_for_training_only_when_asked_for(settings, tmp_path, monkeypatch):
    started = instant_runs(monkeypatch, leave)
    for model in ("resnet18", "resnet18 with rotations"):
        Run(model, 0, tmp_path / model, [], settings).measure()
    chosen = [(run["net"], run.get("rotation_range"), run.get("flip_prob")) for run in started[::3]]
    assert chosen == [("resnet18", None, None), ("resnet18", pytest.approx(3.14159, abs=1e-5), 0.5)]


def test_curves_are_drawn_without_flips(settings, tmp_path, monkeypatch):
    instant_runs(monkeypatch, leave)
    run = Run("resnet18", 0, tmp_path / "run", [], settings)
    run.measure()
    curves = {}
    monkeypatch.setattr(
        medmnist_table, "plot_rotation_curve", lambda lines, path, ylabel: curves.update({path.name: lines})
    )
    draw([run, run], tmp_path)
    assert curves["rotation_auc.png"] == {"resnet18": {0.0: pytest.approx(0.95), 10.0: pytest.approx(0.75)}}


def test_weights_of_the_best_validation_are_stored(settings, tmp_path, monkeypatch):
    def leave_training(output: Path, files: list[str]) -> None:
        leave(output, files)
        seed = int(output.parent.name[-1])
        score = {0: 0.8, 1: 0.9, 2: 0.7}[seed]
        (output / "training_log.csv").write_text(f"epoch,val_auc\n1,0.95\n2,{score}\n")

    instant_runs(monkeypatch, leave_training)
    stored = []
    monkeypatch.setattr(medmnist_table, "store", lambda run, weights: stored.append((run.output, weights)))
    output = tmp_path / "table"
    command = ["medmnist_table", "--dataset_dir", settings.pop("dataset_dir"), "--output_dir", str(output)]
    command += ["--models", "sre_resnet18", "resnet18", "--settings", json.dumps(settings), "--store", "kept.pt"]
    monkeypatch.setattr(sys, "argv", command)
    medmnist_table.main()
    assert stored == [(output / "sre_resnet18_seed1" / "train", medmnist_table.BUNDLE / "models" / "kept.pt")]


@pytest.mark.slow
def test_a_row_of_another_training_run_is_refused(settings, tmp_path, monkeypatch, capsys):
    command = ["medmnist_table", "--dataset_dir", settings.pop("dataset_dir"), "--output_dir", str(tmp_path / "table")]
    command += ["--models", "sre_resnet18", "--seeds", "0"]
    training = BundleRun.run

    def run(self: BundleRun, threads: int | None = None) -> None:
        training(self) if self.output.name == "train" else leave(self.output, [])

    monkeypatch.setattr(BundleRun, "run", run)
    for name in ("evaluate", "rotation_zeros"):
        (tmp_path / "table" / "sre_resnet18_seed0" / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", [*command, "--settings", json.dumps(settings)])
    medmnist_table.main()
    monkeypatch.setattr(sys, "argv", [*command, "--settings", json.dumps(settings | {"optimizer#eps": 0.1})])
    with pytest.raises(SystemExit) as stop:
        medmnist_table.main()
    assert stop.value.code == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert "another training run: optimizer#eps was absent and is now 0.1; give another output_dir" in sentence


def test_the_table_has_a_column_for_each_network():
    rows = [
        {"model": model, "seed": seed, "auc upright": auc, "probability deviation": deviation, "training minutes": 9.6}
        for model, seed, auc, deviation in (("a", 0, 0.7, 1e-7), ("b", 0, 0.8, 1e-7), ("a", 1, 0.9, 3e-7))
    ]
    assert summarize(rows) == [
        ["", "a (2 runs)", "b (1 runs)"],
        ["auc upright", "0.800 ± 0.100", "0.800 ± 0.000"],
        ["probability deviation", "3e-07", "1e-07"],
        ["training minutes", "10 ± 0", "10 ± 0"],
    ]
