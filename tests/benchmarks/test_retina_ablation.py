from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser

from benchmarks.retina_ablation import SUMMARY, Run, finished, measure, summarize
from benchmarks.retina_changes import RECIPES
from sre_monai.io.tables import write_json
from sre_monai.networks.nets import WNet, build_segmenter
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import BUNDLE, photographs

NETS = {"bundle": "sre_harmonic_unet", "drive": "sre_harmonic_wnet"}
AT_DEFAULTS = ("lambda_dice", "lambda_ce", "label_smoothing")  # not set in the recipe


def recipe_parser(recipe):
    """Read the configurations of a recipe."""
    parser = ConfigParser()
    parser.read_config([BUNDLE / "configs" / name for name in RECIPES[recipe].configs])
    for place, value in RECIPES[recipe].settings.items():
        parser[place] = value
    return parser


@pytest.mark.parametrize(("recipe", "change"), [(name, change) for name in RECIPES for change in RECIPES[name].changes])
def test_every_change_is_of_something_that_is_in_the_recipe(recipe, change):
    parser, changes = recipe_parser(recipe), RECIPES[recipe].changes[change]
    for place, value in changes.items():
        if not place.endswith(AT_DEFAULTS) and not place.startswith("network_def#"):
            assert parser[place] != value
        parser[place] = value
    network = parser.get_parsed_content("network_def").train()
    logits, label = network(torch.randn(2, 3, 33, 32)), torch.randint(2, (2, 1, 33, 32))
    assert logits.shape == ((2, 2, 2, 33, 32) if isinstance(network, WNet) else (2, 2, 33, 32))
    assert network.eval()(torch.zeros(1, 3, 33, 32)).shape == (1, 2, 33, 32)
    assert (repr(network) != repr(build_segmenter(NETS[recipe], 2, 3, 2))) == any(
        place.startswith(("net", "network_def")) for place in changes
    )
    assert parser.get_parsed_content("loss")(logits, label.float()).isfinite()


@pytest.mark.parametrize("change", RECIPES["drive"].changes)
def test_crops_of_each_change_have_the_size_of_the_recipe(change):
    parser = recipe_parser("drive")
    parser.update(dict(RECIPES["drive"].changes[change]))
    steps = [parser.get_parsed_content(f"augmentation#{step}") for step in ("rotate", "zoom", "center_crop")]
    side = parser.get_parsed_content("region_size")
    data = {key: torch.rand(channels, side, side) for key, channels in (("image", 3), ("label", 1), ("fov", 1))}
    for step in steps:
        data = step(data)
    assert data["image"].shape == (3, 144, 144)
    assert data["image"].count_nonzero() > 0


@pytest.mark.parametrize("names", [["train.json"], ["train.json", "evaluate.json"]], ids=["training", "evaluation"])
def test_the_local_contrast_normalisation_is_left_out(names):
    parser = ConfigParser()
    parser.read_config([BUNDLE / "configs" / name for name in names])
    ((step, nothing),) = RECIPES["bundle"].changes["no local contrast normalisation"].items()
    assert parser[f"{step}#_target_"].endswith("LocalContrastNormalizationd")
    parser[step] = nothing
    image = torch.rand(3, 8, 8)
    assert parser.get_parsed_content(step)({"image": image})["image"] is image


def leave(output, files):
    """Write the files of a run."""
    (output / ("summary.json" if "evaluate.json" in files else "model.pt")).touch()


def test_each_run_is_trained_and_scored_once_with_its_change_and_seed(tmp_path, monkeypatch):
    photographs(tmp_path / "DRIVE")
    started = instant_runs(monkeypatch, leave)
    for _ in range(2):
        measure(Run("bundle", "lines only (order 2)", 7, tmp_path, 3), 1, tmp_path)
    assert [run["files"] for run in started] == [["train.json"], ["train.json", "evaluate.json"]]
    for run in started:
        assert (run["network_def#harmonics"], run["seed"], run["max_epochs"]) == ([2], 7, 3)
    assert started[1]["checkpoint"] == str(tmp_path / "lines_only__order_2__seed7" / "model.pt")


def test_runs_of_the_other_recipe_have_its_overlays(tmp_path, monkeypatch):
    photographs(tmp_path / "DRIVE")
    started = instant_runs(monkeypatch, leave)
    measure(Run("drive", "weight decay of 0.01", 1, tmp_path, 3), 1, tmp_path)
    assert [run["files"] for run in started] == [
        ["train.json", "cycles.yaml", "drive.yaml"],
        ["train.json", "cycles.yaml", "drive.yaml", "evaluate.json"],
    ]
    for run in started:
        assert (run["weight_decay"], run["max_epochs"], run["cycle_epochs"]) == (0.01, 3, "@max_epochs")


def test_runs_of_another_series_do_not_count(tmp_path, monkeypatch):
    photographs(tmp_path / "DRIVE")
    instant_runs(monkeypatch, leave)
    runs = [
        Run("bundle", "the recipe", 0, tmp_path, 3),
        Run("bundle", "Dice alone", 1, tmp_path, 3),
        Run("bundle", "half the channels", 0, tmp_path, 4),
    ]
    for run in runs:
        measure(run, 1, tmp_path)
    assert finished(tmp_path, "bundle", tmp_path, epochs=3) == [runs[1], runs[0]]
    assert finished(tmp_path, "bundle", tmp_path, epochs=4) == [runs[2]]
    (runs[0].folder(tmp_path) / "model.pt").write_bytes(b"trained again")  # its scores belong to other weights
    assert finished(tmp_path, "bundle", tmp_path, epochs=3) == [runs[1]]


def test_the_table_is_of_means_over_seeds_best_first(tmp_path):
    scores = {"the recipe": (0.75, 0.77), "edges only (order 1)": (0.78, 0.80), "Dice alone": (0.5,)}
    for change, values in scores.items():
        for seed, dice in enumerate(values):
            folder = Run("bundle", change, seed, tmp_path, 3).folder(tmp_path)
            means = {"dice": {"mean": dice}, "auc": {"mean": 0.97}, "cldice": {"mean": 0.8}}
            write_json(folder / SUMMARY, {"raters": {"model": {"scores": means}}})
            torch.save({"seconds": 240.0 + 120 * seed}, folder / "checkpoint.pt")
    runs = [Run("bundle", change, seed, tmp_path, 3) for change in scores for seed in range(len(scores[change]))]
    assert summarize(runs, tmp_path) == [
        ["edges only (order 1)", "2", "0.7900 ± 0.0100", "+0.0300", "0.9700", "0.8000", "5"],
        ["the recipe", "2", "0.7600 ± 0.0100", "+0.0000", "0.9700", "0.8000", "5"],
        ["Dice alone", "1", "0.5000", "-0.2600", "0.9700", "0.8000", "4"],
    ]
