"""The table of experiments: every row has what it names, and every command runs to its end."""

import csv
import json

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.experiments import BUNDLES, CHANGES, DEGREES, DRIVE_CHANGES, EXPERIMENTS, MEDMNIST, NETWORKS, RETINA
from benchmarks.series import plan
from sre_monai.networks.nets import SREWNet, build_segmenter
from sre_monai_cli.options import check_overrides, read_options
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import photographs
from tests.medmnist.medmnist_toy import write_set
from tests.volumes.toy import write_dataset

ROWS = [(name, row) for name, experiment in EXPERIMENTS.items() for row in experiment.rows]
ABLATIONS = {"ablation": "sre_harmonic_unet", "drive_ablation": "sre_harmonic_wnet"}
AT_DEFAULTS = ("lambda_dice", "lambda_ce", "label_smoothing")  # not set in the recipe


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """All data sets, small and synthetic."""
    folder = tmp_path_factory.mktemp("data")
    for name in DEGREES:
        photographs(folder / name, size=(70, 66))
    write_dataset(folder / "Hippocampus")
    for name in ("breastmnist", "adrenalmnist3d", "shapes3d"):
        write_set(folder / "medmnist" / f"{name}.npz", image_shape=(9, 9) if name == "breastmnist" else (9, 9, 9))
    return folder


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_every_row_sets_what_its_configurations_have(name, row, data, tmp_path):
    run = plan(EXPERIMENTS[name], row, 0, data, tmp_path)
    assert len(run.steps) == len(run.row.evaluations) + EXPERIMENTS[name].trains
    for step in run.steps:
        parser = step._replace(settings={}).configure()
        check_overrides(step.settings, parser.config, read_options(step.paths))
        assert len(step.configure().get_parsed_content("identity")) > 50


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_run_once_and_written(name, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.bundle_runs.BundleRun.describe", lambda _: {"training_minutes": 1.5, "steps": 6})
    started = instant_runs(monkeypatch)
    experiment, output = EXPERIMENTS[name], tmp_path / "out"
    command = [name, "--data", str(data), "--output_dir", str(output), "--jobs", "2"]
    if name == "calibrate":
        weights = build_segmenter("sre_harmonic_unet", 2, 3, 2).state_dict()
        torch.save(weights, tmp_path / "weights.pt")
        (tmp_path / "weights.json").write_text('{"steps": 8415}')
        command += ["--weights", str(tmp_path / "weights.pt")]
    main(command)
    table = capsys.readouterr().out.rpartition("\n\n")[0] or (output / "table.md").read_text()
    assert (output / "table.md").read_text().startswith(table)
    seeds = len(experiment.seeds) if experiment.trains else 1
    steps = seeds * sum(len(row.evaluations) + experiment.trains for row in experiment.rows.values())
    assert len(started) == steps
    with (output / "runs.csv").open(encoding="utf-8") as stream:
        labels = [row["label"] for row in csv.DictReader(stream)]
    assert sorted(labels) == sorted(seeds * [row.label for row in experiment.rows.values()])
    pictures = {
        "accuracy": {"rotation_dice.png", "overlays.png"},
        "cameras": {"reliability.png"},
        "progress": {"progress.png"},
        "hippocampus": {f"rotation_{part}_hippocampus_dice.png" for part in ("anterior", "posterior")},
        **({name: {"rotation_accuracy.png", "rotation_auc.png"}} if experiment.bundle == MEDMNIST else {}),
    }
    assert {path.name for path in output.glob("*.png")} == pictures.get(name, set())
    main(command)
    assert len(started) == steps


def test_help_lists_every_experiment_with_a_sentence(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(" ".join(f"{name} {each.help}".split()) in shown for name, each in EXPERIMENTS.items())


@pytest.mark.parametrize("name", [name for name, row in NETWORKS.items() if row.data == "DRIVE"])
def test_networks_trained_on_drive_see_it_at_its_own_size(name, data, tmp_path):
    for command in ("weights", "accuracy"):
        steps = plan(EXPERIMENTS[command], name, 0, data, tmp_path).steps
        assert {step.configure()["working_diameter"] for step in steps} == {540}


def test_weights_have_places_of_their_own():
    places = [(each.bundle, row.weights) for name, each in EXPERIMENTS.items() if name not in ("accuracy", "calibrate")
              for row in each.rows.values() if row.weights]  # fmt: skip
    assert len(set(places)) == len(places)
    assert {bundle / "models" / weights for bundle, weights in places} >= {
        path for bundle in (RETINA, MEDMNIST) for path in (BUNDLES / bundle / "models").glob("*.pt")
    }


@pytest.mark.parametrize(("name", "change"), [(n, c) for n in ABLATIONS for c in EXPERIMENTS[n].rows])
def test_every_change_is_of_something_that_is_in_the_recipe(name, change, data, tmp_path):
    changes = (CHANGES if name == "ablation" else DRIVE_CHANGES)[change]
    training = plan(EXPERIMENTS[name], change, 0, data, tmp_path).training
    recipe, parser = plan(EXPERIMENTS[name], "the recipe", 0, data, tmp_path).training.configure(), training.configure()
    for place, value in changes.items():
        if not place.endswith(AT_DEFAULTS) and not place.startswith("network_def#"):
            assert recipe[place] != value
        assert parser[place] == value
    network = parser.get_parsed_content("network_def").train()
    logits, label = network(torch.randn(2, 3, 33, 32)), torch.randint(2, (2, 1, 33, 32))
    assert logits.shape == ((2, 2, 2, 33, 32) if isinstance(network, SREWNet) else (2, 2, 33, 32))
    assert network.eval()(torch.zeros(1, 3, 33, 32)).shape == (1, 2, 33, 32)
    is_other_network = any(place.startswith(("net", "network_def")) for place in changes)
    assert (repr(network) != repr(build_segmenter(ABLATIONS[name], 2, 3, 2))) == is_other_network
    assert parser.get_parsed_content("loss")(logits, label.float()).isfinite()


@pytest.mark.parametrize("change", DRIVE_CHANGES)
def test_crops_of_each_change_have_the_size_of_the_recipe(change, data, tmp_path):
    parser = plan(EXPERIMENTS["drive_ablation"], change, 0, data, tmp_path).training.configure()
    side = parser.get_parsed_content("region_size")
    crop = {key: torch.rand(channels, side, side) for key, channels in (("image", 3), ("label", 1), ("fov", 1))}
    for step in ("rotate", "zoom", "center_crop"):
        crop = parser.get_parsed_content(f"augmentation#{step}")(crop)
    assert crop["image"].shape == (3, 144, 144)
    assert crop["image"].count_nonzero() > 0


def test_the_local_contrast_normalisation_is_left_out(data, tmp_path):
    for step in plan(EXPERIMENTS["ablation"], "no local contrast normalisation", 0, data, tmp_path).steps:
        assert step._replace(settings={}).configure()["transforms#local_contrast#_target_"].endswith("Normalizationd")
        image = torch.rand(3, 8, 8)
        leave_out = step.configure().get_parsed_content("transforms#local_contrast")
        assert leave_out({"image": image})["image"] is image


def test_each_camera_is_left_out_once(data, tmp_path):
    for name in DEGREES:
        training, pixels, angle = plan(EXPERIMENTS["cameras"], name, 0, data, tmp_path).steps
        assert training.settings["datasets"] == [other for other in DEGREES if other != name]
        assert training.settings["section"] == "all"
        for step in (pixels, angle):
            assert json.loads(json.dumps(step.settings))["dataset_dir"] == str(data / name)
            assert step.settings["checkpoint"] == str(training.output / "model.pt")
        diameters = {"DRIVE": 900, "STARE": 700, "CHASE_DB1": 600, "HRF": 1200}
        assert [step.configure()["working_diameter"] for step in (pixels, angle)] == [912, diameters[name]]


def test_rotations_are_for_training_only_when_asked_for(data, tmp_path):
    for name in ("resnet18", "resnet18 with rotations"):
        settings = plan(EXPERIMENTS["breastmnist"], name, 0, data, tmp_path).training.settings
        expected = (pytest.approx(3.14159, abs=1e-5), 0.5) if name.endswith("rotations") else (None, None)
        assert (settings["net"], (settings.get("rotation_range"), settings.get("flip_prob"))) == ("resnet18", expected)
