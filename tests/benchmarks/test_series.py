"""What an experiment's run resumes, stores and refuses."""

import csv
import json
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.bundle_runs import BundleRun
from benchmarks.experiments import EXPERIMENTS, MEDMNIST
from benchmarks.series import run_experiment
from sre_monai.io import load_datalist
from tests.benchmarks.instant_runs import instant_runs, leave
from tests.bundles.medmnist_toy import SHORT
from tests.bundles.toy import copy_bundle, photographs
from tests.medmnist.medmnist_toy import write_set

BREAST = EXPERIMENTS["breastmnist"]
SMALL = {"max_epochs": 1, "image_size": 16, "device": "cpu"}


@pytest.fixture
def data(tmp_path):
    write_set(tmp_path / "data" / "medmnist" / "breastmnist.npz")
    photographs(tmp_path / "data" / "DRIVE", size=(70, 66))
    return tmp_path / "data"


@pytest.fixture
def retina(tmp_path):
    """The accuracy table of a copy of the bundle."""
    return EXPERIMENTS["accuracy"]._replace(bundle=copy_bundle(tmp_path / "bundles"))


def rows_of(output):
    with (output / "runs.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def test_a_row_is_trained_and_evaluated_by_its_recipe_once(data, tmp_path, monkeypatch):
    started, published = instant_runs(monkeypatch), EXPERIMENTS["breastmnist_published"]
    chosen = {"rows": ["resnet18"], "seeds": [1], "settings": SMALL | {"padding": "reflect"}, "jobs": 1}
    for _ in range(2):
        run_experiment(published, tmp_path / "out", data, **chosen)
    weights = str(tmp_path / "out" / "resnet18" / "seed1" / "train" / "model.pt")
    keys = ("net", "seed", "max_epochs", "amp", "padding", "checkpoint")
    assert [(run["files"], *(run.get(key) for key in keys)) for run in started] == [
        (["train.json", "paper.yaml"], "resnet18", 1, 1, True, None, None),
        (["train.json", "paper.yaml", "evaluate.json"], "resnet18", 1, 1, False, None, weights),
        (["train.json", "paper.yaml", "evaluate.json", "rotation.json"], "resnet18", 1, 1, False, "reflect", weights),
    ]
    [row] = rows_of(tmp_path / "out")
    expected = {"evaluate auc": 0.95, "rotated image auc worst": 0.7, "rotated flipped auc mean": 0.7}
    expected |= {"rotated flipped auc worst": 0.6, "training_minutes": 1.5, "seed": 1}
    assert {name: float(row[name]) for name in expected} == pytest.approx(expected)


def test_rows_and_seeds_are_added_and_those_of_another_series_do_not_count(data, tmp_path, monkeypatch):
    started, ablation = instant_runs(monkeypatch), EXPERIMENTS["ablation"]

    def run(row, seed, **settings):
        settings = {"device": "cpu", "max_epochs": 3, **settings}
        run_experiment(ablation, tmp_path / "out", data, [row], [seed], settings)
        return [(each["label"], each["seed"]) for each in rows_of(tmp_path / "out")]

    assert run("Dice alone", 1) == [("Dice alone", "1")]
    assert run("the recipe", 0) == [("the recipe", "0"), ("Dice alone", "1")]
    assert run("half the channels", 0, max_epochs=4) == [("half the channels", "0")]
    assert len(started) == 6
    (tmp_path / "out" / "the_recipe" / "seed0" / "train" / "model.pt").write_bytes(b"trained again")
    assert run("Dice alone", 2) == [("Dice alone", "1"), ("Dice alone", "2")]  # the scores belong to other weights


def test_a_measurement_is_of_the_weights_and_the_photographs(retina, data, tmp_path, monkeypatch):
    started, chosen = instant_runs(monkeypatch), {"rows": ["plain_unet"], "settings": {"angle_step": 180}}
    run_experiment(retina, tmp_path / "out", data, **chosen)
    assert [run["files"][-1] for run in started] == ["evaluate.json", *["rotation.json"] * 3]
    assert [run.get("angle_step") for run in started] == [None, 180, 180, 180]
    (retina.bundle / "models" / "baselines" / "plain_unet.pt").write_bytes(b"others")
    run_experiment(retina, tmp_path / "out", data, **chosen)
    Path(load_datalist(data / "DRIVE", "test")[0]["image"]).write_bytes(b"another photograph")
    run_experiment(retina, tmp_path / "out", data, **chosen)
    assert len(started) == 12
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| U-Net | 1,979,042 |" in table
    assert "| 0.8000 | 0.7500 ± 0.0500 | 0.7000 (10°) | 0.6000 |" in table


def test_networks_without_weights_are_named_and_skipped(retina, data, tmp_path):
    (retina.bundle / "models" / "baselines" / "paper.pt").unlink()
    text = run_experiment(retina, tmp_path / "out", data, rows=["paper"])
    assert text == "Not measured, there are no weights: paper."
    assert (tmp_path / "out" / "table.md").read_text() == text + "\n"


def test_weights_are_stored_of_the_best_seed_with_their_record(data, tmp_path, monkeypatch):
    def leave_log(output, files):
        leave(output, files)
        score = {"seed0": 0.8, "seed1": 0.9, "seed2": 0.7}[output.parent.name]
        (output / "training_log.csv").write_text(f"epoch,val_auc\n1,0.95\n2,{score}\n")

    instant_runs(monkeypatch, leave_log)
    stored = []
    monkeypatch.setattr(BundleRun, "store", lambda run, weights, threads: stored.append((run.output, weights, threads)))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    chosen = {"rows": ["sre_harmonic_resnet18", "resnet18"], "settings": SMALL, "jobs": 2, "store": True}
    run_experiment(BREAST, tmp_path / "out", data, **chosen)
    train = tmp_path / "out" / "sre_harmonic_resnet18" / "seed1" / "train"
    assert stored == [(train, MEDMNIST / "models" / "model.pt", 3)]


@pytest.mark.slow
def test_another_training_in_the_same_folder_is_refused(data, tmp_path, monkeypatch, capsys):
    training = BundleRun.run

    def run(self, threads=None):
        training(self) if self.output.name == "train" else self.output.mkdir(exist_ok=True)

    monkeypatch.setattr(BundleRun, "run", run)
    command = ["breastmnist", "--data", str(data), "--output_dir", str(tmp_path / "out"), "--rows", "sre_resnet18"]
    command += ["--seeds", "0", "--settings"]
    main([*command, json.dumps(SHORT | SMALL)])
    with pytest.raises(SystemExit) as stop:
        main([*command, json.dumps(SHORT | SMALL | {"optimizer#eps": 0.1})])
    assert stop.value.code == 2
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert "another training run: optimizer#eps was absent and is now 0.1; give another output_dir" in sentence


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["progress", "--rows", "plain_unet"], "invalid choice: 'plain_unet'"),
        (["accuracy", "--settings", '{"angel_step": 30}'], "angel_step: the configuration has no such option"),
        (["accuracy", "--data", "nowhere"], "nowhere has none of the data sets of this experiment"),
    ],
)
def test_mistakes_end_with_a_sentence(command, sentence, data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err
