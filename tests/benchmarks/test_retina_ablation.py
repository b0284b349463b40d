from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser

from benchmarks import retina_ablation
from benchmarks.retina_ablation import CHANGES, Run, measure, summarize
from sre_monai.tables import write_table
from tests.bundles.toy import BUNDLE


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_of_something_that_is_in_the_recipe(change):
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "train.json")
    for place, value in CHANGES[change].items():
        if not place.endswith(("_disabled_", "pooling", "lambda_dice", "lambda_ce")):  # these are at their defaults
            assert parser[place] != value
        parser[place] = value
    assert parser.get_parsed_content("network_def")(torch.zeros(1, 3, 33, 32)).shape == (1, 2, 33, 32)
    assert callable(parser.get_parsed_content("loss"))


def test_what_is_disabled_is_the_local_contrast_normalisation():
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "train.json")
    (place,) = CHANGES["no local contrast normalisation"]
    assert parser[place.removesuffix("#_disabled_") + "#_target_"].endswith("LocalContrastNormalizationd")


def test_each_run_is_trained_once_with_its_change_and_seed(tmp_path, monkeypatch):
    started = []

    def run(bundle, files, output, settings, threads):
        started.append(settings)
        output.mkdir()
        (output / "model.pt").touch()

    monkeypatch.setattr(retina_ablation, "run_bundle", run)
    for _ in range(2):
        measure(Run("lines only (order 2)", 7), 1, tmp_path, tmp_path, epochs=3)
    (settings,) = started
    assert (settings["network_def#harmonics"], settings["seed"], settings["max_epochs"]) == ([2], 7, 3)


def test_the_table_is_of_means_over_seeds_best_first(tmp_path):
    scores = {"the recipe": (0.75, 0.77), "edges only (order 1)": (0.78, 0.80), "Dice alone": (0.5, 0.5)}
    runs = [Run(change, seed) for change in scores for seed in (0, 1)]
    for run in runs:
        rows = [{"epoch": 1, "val_dice": 0.1}, {"epoch": 2, "val_dice": scores[run.change][run.seed]}]
        write_table(run.folder(tmp_path) / "training_log.csv", rows)
    assert summarize(runs, tmp_path) == [
        ["edges only (order 1)", "0.7900 ± 0.0100", "+0.0300"],
        ["the recipe", "0.7600 ± 0.0100", "+0.0000"],
        ["Dice alone", "0.5000 ± 0.0000", "-0.2600"],
    ]
