"""The bundle medmnist_classification keeps to MONAI's specification, trains, evaluates and predicts."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import monai.bundle
import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import create_workflow
from monai.networks.nets import ResNet
from PIL import Image

import sre_monai
from sre_monai.medmnist import classification_scores, write_synthetic_volumes
from sre_monai.networks.nets import build_classifier
from tests.bundles.killed import kill_training
from tests.bundles.medmnist_toy import BUNDLE, SHORT, SMALL, config_files, copy_bundle, parse, run_bundle
from tests.bundles.mistakes import mistake
from tests.medmnist.medmnist_toy import write_set

NET = "sre_harmonic_resnet18"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    write_set(folder / "breastmnist.npz", (13, 13))
    write_set(folder / "colour.npz", (18, 18, 3), classes=3)
    write_set(folder / "several.npz", (18, 18), columns=4)
    write_synthetic_volumes(folder / "shapes3d.npz", 8, 4, 4, size=10)
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    run_bundle("train.json", dataset_dir=str(data), output_dir=str(folder))
    torch.set_num_threads(threads)
    return folder


@pytest.fixture(autouse=True)
def _single_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize(("name", "workflow_type"), [("train.json", "train"), ("inference.json", "inference")])
def test_workflow_has_all_properties(name, workflow_type, data, trained, tmp_path):
    overrides = {"dataset_dir": str(data), "output_dir": str(tmp_path / "output")}
    overrides |= SHORT if workflow_type == "train" else SMALL | {"checkpoint": str(trained / "model.pt")}
    workflow = create_workflow(
        config_file=config_files(name)[0],
        workflow_type=workflow_type,
        bundle_root=str(BUNDLE),
        logging_file=False,
        **overrides,
    )
    assert workflow.check_properties() == []
    assert workflow.version == sre_monai.__version__


@pytest.mark.slow
def test_killed_training_ends_with_the_weights_and_the_log_of_an_uninterrupted_one(data, tmp_path):
    settings = SHORT | {"max_epochs": 20, "dataset_dir": str(data)}
    run_bundle("train.json", **settings, output_dir=str(tmp_path / "uninterrupted"))
    kill_training(BUNDLE, config_files("train.json"), tmp_path / "killed", settings)
    run_bundle("train.json", **settings, output_dir=str(tmp_path / "killed"))
    folders = (tmp_path / "uninterrupted", tmp_path / "killed")
    states = [torch.load(folder / "checkpoint.pt", weights_only=True) for folder in folders]
    weights = [torch.load(folder / "model.pt", weights_only=True) for folder in folders]
    for expected, found in (weights, *([state[key] for state in states] for key in ("network", "averaged_network"))):
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected)
    logs = [(folder / "training_log.csv").read_text() for folder in folders]
    assert logs[0] == logs[1]
    assert "val_auc" in logs[0]
    assert len(logs[0].splitlines()) == 21


def test_overlay_is_the_published_recipe():
    parser = parse("train.json", "paper.yaml")
    optimizer, scheduler = (parser.get_parsed_content(key) for key in ("optimizer", "lr_scheduler"))
    assert type(optimizer) is torch.optim.SGD
    settings = {key: optimizer.defaults[key] for key in ("lr", "momentum", "weight_decay")}
    assert settings == {"lr": 2e-2, "momentum": 0.9, "weight_decay": 1e-3}
    assert (type(scheduler).__name__, scheduler.T_max, scheduler.eta_min) == ("CosineAnnealingLR", 100, 1e-6)
    assert (parser["batch_size"], parser["max_epochs"], parser["translation"]) == (128, 100, 0.1)
    assert parser["net"] == "sre_resnet18"
    volumes = parse("train.json", "volumes.yaml", "paper.yaml", "paper_volumes.yaml")
    assert (volumes["batch_size"], volumes["learning_rate"], volumes["net"]) == (4, 1e-2, "sre_r3d_18")
    assert volumes["optimizer"]["_target_"] == "torch.optim.SGD"


@pytest.mark.parametrize(("overlays", "name", "axes"), [([], "breastmnist", 2), (["volumes.yaml"], "shapes3d", 3)])
def test_images_are_rotated_and_flipped_only_when_asked_for(data, overlays, name, axes):
    """One half is bright; halves along an axis are compared after augmentation."""

    def contrasts(**settings: float) -> torch.Tensor:
        parser = parse("train.json", *overlays, dataset_dir=str(data), dataset_name=name, image_size=16, **settings)
        augment = parser.get_parsed_content("train#preprocessing").set_random_state(0)
        image = np.zeros((1, *(16,) * axes), np.uint8)
        image[..., 8:] = 255
        images = torch.stack([augment({"image": image})["image"] for _ in range(16)])
        halves = [
            [half.mean(dim=tuple(range(1, axes + 2))) for half in images.chunk(2, axis)] for axis in (2, axes + 1)
        ]
        return torch.stack([second - first for first, second in halves])

    first, last = contrasts()
    assert first.abs().max() < 0.2
    assert last.min() > 0.5
    first, last = contrasts(rotation_range=np.pi)
    assert first.min() < -0.3
    assert first.max() > 0.3
    assert last.min() < -0.3
    assert last.max() > 0.3
    first, last = contrasts(flip_prob=1.0)
    assert first.abs().max() < 0.2
    assert last.min() < -0.5
    assert last.max() > 0.5


@pytest.mark.slow
def test_from_inside_the_bundle_everything_lands_in_its_output_folder(tmp_path, data):
    bundle = copy_bundle(tmp_path)
    (tmp_path / "short.json").write_text(json.dumps(SHORT | {"max_epochs": 1}))
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/train.json"]
    command += ["--dataset_dir", str(data), "--args_file", str(tmp_path / "short.json")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=bundle, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    build_classifier(NET, 2, 1, 2, **SMALL["net_settings"]).load_state_dict(
        torch.load(bundle / "output" / "train" / "model.pt", weights_only=True)
    )
    assert (bundle / "output" / "train" / "log.txt").is_file()
    assert "val_auc" in result.stdout


def test_the_seed_decides(data, trained, tmp_path):
    for name, seed in (("again", 0), ("other", 1)):
        run_bundle("train.json", dataset_dir=str(data), output_dir=str(tmp_path / name), seed=seed)
    folders = (trained, tmp_path / "again", tmp_path / "other")
    first, again, other = (torch.load(f / "checkpoint.pt", weights_only=True)["network"] for f in folders)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["fc.weight"], other["fc.weight"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "overlays"), [("colour", []), ("several", ["paper.yaml"]), ("shapes3d", ["volumes.yaml"])]
)
def test_every_kind_of_set_trains_and_is_evaluated(data, tmp_path, name, overlays):
    settings = {"dataset_dir": str(data), "dataset_name": name, "max_epochs": 1}
    run_bundle("train.json", *overlays, **settings, output_dir=str(tmp_path))
    common = settings | {"checkpoint": str(tmp_path / "model.pt")}
    run_bundle("train.json", *overlays, "evaluate.json", **common, output_dir=str(tmp_path / "evaluate"))
    run_bundle(
        *("train.json", *overlays, "evaluate.json", "rotation.json"),
        **common,
        output_dir=str(tmp_path / "rotation"),
        angle_step=90,
    )
    upright, rotation = (summary_of(tmp_path / step) for step in ("evaluate", "rotation"))
    assert rotation["probability_deviation"] < 1e-5
    for figures in rotation["rotation"].values():
        assert figures["auc"]["worst"] == pytest.approx(upright["auc"], abs=1e-6)
    assert list(rotation["rotation"]) == (["x", "y", "z"] if name == "shapes3d" else ["image"])


def test_evaluation_against_direct_calculation(data, trained, tmp_path):
    settings = {"dataset_dir": str(data), "checkpoint": str(trained / "model.pt"), "saliency_count": 2}
    run_bundle("train.json", "evaluate.json", **settings, output_dir=str(tmp_path))
    network = build_classifier(NET, 2, 1, 2, **SMALL["net_settings"])
    network.load_state_dict(torch.load(trained / "model.pt", weights_only=True))
    arrays = np.load(data / "breastmnist.npz")
    x = torch.from_numpy(arrays["test_images"]).float().transpose(1, 2)[:, None] / 255
    x = torch.nn.functional.interpolate(x, (16, 16), mode="bilinear") * 2 - 1
    with torch.no_grad():
        probability = network.eval()(x).softmax(1)
    rows = rows_of(tmp_path / "per_image.csv")
    given = np.array([[float(row["probability_0"]), float(row["probability_1"])] for row in rows])
    assert np.abs(given - probability.numpy()).max() < 1e-5
    label = torch.from_numpy(arrays["test_labels"][:, 0].astype(int))
    expected = classification_scores(torch.from_numpy(given), label, "binary-class")
    assert {key: summary_of(tmp_path)[key] for key in expected} == pytest.approx(expected)
    assert summary_of(tmp_path)["num_images"] == 7
    assert sorted(path.name for path in (tmp_path / "saliency").iterdir()) == ["0000.png", "0001.png"]


def test_an_ordinary_network_trains_by_the_same_recipe_and_is_not_invariant(data, tmp_path):
    settings = {"dataset_dir": str(data), "net": "resnet18", "net_settings": {"widen_factor": 0.0625}}
    network = parse("train.json", **SHORT | settings).get_parsed_content("network_def")
    assert isinstance(network, ResNet)
    run_bundle("train.json", **settings, output_dir=str(tmp_path))
    settings |= {"checkpoint": str(tmp_path / "model.pt"), "output_dir": str(tmp_path / "rotation")}
    run_bundle("train.json", "evaluate.json", "rotation.json", **settings, angles=[90])
    assert summary_of(tmp_path / "rotation")["probability_deviation"] > 1e-4


def test_inference_on_a_folder(trained, tmp_path, capsys):
    rng = np.random.default_rng(1)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    picture = Image.fromarray(rng.integers(0, 256, (33, 20), dtype=np.uint8))
    picture.save(tmp_path / "in" / "a.png")
    picture.rotate(90, expand=True).save(tmp_path / "in" / "sub" / "turned.png")
    picture.convert("RGB").save(tmp_path / "in" / "colour.png")
    (tmp_path / "in" / "damaged.png").write_bytes(b"no picture")
    settings = SMALL | {"dataset_dir": str(tmp_path / "in"), "checkpoint": str(trained / "model.pt")}
    files = config_files("inference.json")
    with pytest.raises(SystemExit) as caught:
        monai.bundle.run(config_file=files, logging_file=False, output_dir=str(tmp_path / "out"), **settings)
    assert caught.value.code == 3  # some failed
    rows = {row["file"]: row for row in rows_of(tmp_path / "out" / "report.csv")}
    assert {name: row["status"] for name, row in rows.items()} == {
        "a.png": "done",
        "colour.png": "done",
        "damaged.png": "failed",
        "sub/turned.png": "done",
    }
    assert "cannot be read as an image" in rows["damaged.png"]["reason"]
    keys = ["prediction", "probability_malignant", "probability_normal, benign"]
    for other in ("colour.png", "sub/turned.png"):
        assert [rows[other][key] for key in keys] == [rows["a.png"][key] for key in keys]


def test_inference_on_volumes(tmp_path):
    volume = np.random.default_rng(2).integers(0, 256, (9, 10, 11), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    for name, array in (("a", volume), ("turned", np.rot90(volume, 1, (0, 2)).copy())):
        nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "in" / f"{name}.nii.gz")
    settings = SMALL | {"dataset_dir": str(tmp_path / "in"), "checkpoint": str(tmp_path / "model.pt")}
    torch.save(build_classifier(NET, 3, 1, 2, **SMALL["net_settings"]).state_dict(), tmp_path / "model.pt")
    files = config_files("inference.json", "volumes_inference.yaml")
    monai.bundle.run(config_file=files, logging_file=False, output_dir=str(tmp_path / "out"), **settings)
    rows = rows_of(tmp_path / "out" / "report.csv")
    assert [row["status"] for row in rows] == ["done", "done"]
    assert rows[0]["probability_normal"] == rows[1]["probability_normal"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlays", "weights", "accuracy", "auc"),
    [
        ([], "model.pt", 0.872, 0.891),
        (["recipes/adrenalmnist3d.yaml"], "adrenalmnist3d.pt", 0.802, 0.889),
    ],
)
def test_weights_score_as_the_model_card_says(shared_data, tmp_path, overlays, weights, accuracy, auc):
    settings = {"dataset_dir": str(shared_data / "medmnist"), "checkpoint": str(BUNDLE / "models" / weights)}
    settings |= {"output_dir": str(tmp_path), "saliency_count": 0}
    files = config_files("train.json", *overlays, "evaluate.json")
    monai.bundle.run(config_file=files, logging_file=False, bundle_root=str(BUNDLE), **settings)
    summary = summary_of(tmp_path)
    assert [summary["accuracy"], summary["auc"]] == pytest.approx([accuracy, auc], abs=0.007)  # an image of 156
    card = (BUNDLE / "docs" / "README.md").read_text()
    assert f"accuracy {accuracy:.3f}, AUC {auc:.3f}" in card


@pytest.mark.parametrize(
    ("names", "wrong", "sentence"),
    [
        (["train.json"], {"dataset_dir": "nowhere"}, "dataset_dir nowhere has no breastmnist.npz"),
        (["train.json"], {"dataset_name": "foo"}, "has no foo.npz"),
        (["train.json"], {"net": "vgg"}, "net must be one of sre_harmonic_resnet18"),
        (["train.json"], {"net_settings": {"block": "dense"}}, "block must be one of basic"),
        (["train.json"], {"task": "regression"}, "task must be one of"),
        (["train.json"], {"batch_size": 0}, "batch_size must be a whole number of at least 1, got 0."),
        (["train.json"], {"image_size": 4}, "image_size must be a whole number of at least 8, in pixels, got 4."),
        (["train.json"], {"learning_rat": 1}, "the configuration has no such option; did you mean learning_rate?"),
        (
            ["train.json", "evaluate.json"],
            {"saliency_count": -1},
            "saliency_count must be a whole number of at least 0",
        ),
        (["train.json", "evaluate.json"], {"checkpoint": "no.pt"}, "checkpoint: file not found: no.pt"),
        (["train.json", "evaluate.json"], {"section": "training"}, "section must be one of test, val, train"),
        (
            ["train.json", "evaluate.json", "rotation.json"],
            {"padding": "wrap"},
            "padding must be one of zeros, reflect",
        ),
        (
            ["train.json", "evaluate.json", "rotation.json"],
            {"angles": ["a"]},
            "angles must be a list of one or more numbers, in degrees",
        ),
    ],
)
def test_a_mistake_ends_with_one_sentence(data, trained, tmp_path, capfd, names, wrong, sentence):
    settings = {"dataset_dir": str(data), "output_dir": str(tmp_path / "out")}
    if len(names) > 1:
        settings["checkpoint"] = str(trained / "model.pt")
    assert sentence in mistake(capfd, lambda: run_bundle(*names, **settings | wrong))
    assert not (tmp_path / "out").exists()


def test_each_process_of_inference_has_its_own_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setenv("LOCAL_RANK", "2")
    assert parse("inference.json").get_parsed_content("device") == torch.device("cuda:2")
