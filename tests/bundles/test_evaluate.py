"""evaluate.json: its files compared with direct calculation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import run
from PIL import Image

import sre_monai
from sre_monai.metrics import compute_pixel_roc_auc
from sre_monai.retina import (
    VESSEL_SCORES,
    LocalContrastNormalizationd,
    NormalizeInsideFieldOfViewd,
    WorkingResolutiond,
    vessel_scores,
)
from tests.bundles.evaluation_toy import NETWORK, SIZES, read_table, run_bundle, write_dataset, write_weights
from tests.bundles.mistakes import mistake
from tests.bundles.toy import BUNDLE

COLUMNS = ["image", "rater", *VESSEL_SCORES, *(f"whole_image_{name}" for name in VESSEL_SCORES)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate")
    write_dataset(folder / "data set")
    write_weights(folder / "model.pt")
    paths = {"dataset_dir": folder / "data set", "checkpoint": folder / "model.pt", "output_dir": folder / "out"}
    run_bundle("evaluate.json", **{key: str(path) for key, path in paths.items()})
    return folder


@pytest.fixture(scope="module")
def summary(folder) -> dict:
    return json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))


def read(folder: Path, kind: str, index: int) -> torch.Tensor:
    """A file of the data set as (C, W, H)."""
    pixels = np.atleast_3d(np.asarray(Image.open(folder / "data set" / f"{kind}s" / f"{index:02d}.png")))
    return torch.from_numpy(pixels.transpose(2, 1, 0).astype(np.float32))


def expected_maps(folder: Path, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Probability, label and field of view, without the bundle."""
    image, label, fov = read(folder, "image", index), read(folder, "label", index) > 0, read(folder, "fov", index) > 0
    data = NormalizeInsideFieldOfViewd("image")({"image": image, "fov": fov})
    data = WorkingResolutiond(["image", "fov"], diameter=84, mode=["bilinear", "nearest"])(data)
    data = LocalContrastNormalizationd("image")(data)
    with torch.no_grad():
        logits = write_weights(folder / "again.pt")(torch.as_tensor(data["image"]).as_tensor()[None].float())
    probability = torch.softmax(logits, dim=1)[:, 1:]
    if probability.shape[2:] != image.shape[1:]:
        probability = torch.nn.functional.interpolate(probability, image.shape[1:], mode="bilinear")
    return probability[0], label, fov


@pytest.mark.parametrize("index", [0, 1, 2])
def test_model_rows_against_direct_calculation(folder, index):
    rows = read_table(folder / "out" / "per_image.csv")
    assert list(rows[0]) == COLUMNS
    (row,) = (row for row in rows if row["image"] == f"{index:02d}.png" and row["rater"] == "model")
    scores = vessel_scores(*expected_maps(folder, index))
    assert 0.02 < scores["dice"] < 0.9
    for name, score in scores.items():
        assert float(row[name]) == pytest.approx(score, abs=1e-5), name


def test_the_second_observer_is_scored_like_a_model(folder, summary):
    rows = [row for row in read_table(folder / "out" / "per_image.csv") if row["rater"] == "second_observer"]
    assert [row["image"] for row in rows] == ["00.png", "01.png"]
    for index, row in enumerate(rows):
        second, label, fov = (read(folder, kind, index) > 0 for kind in ("second_observer", "label", "fov"))
        for name, score in vessel_scores(second.float(), label, fov).items():
            assert float(row[name]) == pytest.approx(score, abs=1e-6), name
    assert summary["raters"]["second_observer"]["num_images"] == 2


def test_summary_names_data_and_weights(folder, summary):
    assert {key: value for key, value in summary.items() if key != "raters"} == {
        "dataset": "toy",
        "section": "test",
        "threshold": 0.5,
        "checkpoint_sha256": hashlib.sha256((folder / "model.pt").read_bytes()).hexdigest(),
        "sre_monai_version": sre_monai.__version__,
        "num_images": 3,
    }


def test_summary_against_the_rows(folder, summary):
    rows = [row for row in read_table(folder / "out" / "per_image.csv") if row["rater"] == "model"]
    assert list(summary["raters"]["model"]["scores"]) == COLUMNS[2:]
    for name, figures in summary["raters"]["model"]["scores"].items():
        values = np.array([float(row[name]) for row in rows])
        expected = {"mean": values.mean(), "std": values.std(), "min": values.min(), "max": values.max()}
        assert figures == pytest.approx(expected), name


def test_pooled_auc_is_over_all_pixels_inside(folder, summary):
    maps = [expected_maps(folder, index) for index in range(3)]
    probability, label = (torch.cat([m[place][m[2]] for m in maps]) for place in (0, 1))
    pooled = summary["raters"]["model"]["pooled_auc"]
    assert pooled == pytest.approx(compute_pixel_roc_auc(probability, label), abs=1e-5)
    assert pooled != pytest.approx(summary["raters"]["model"]["scores"]["auc"]["mean"], abs=1e-6)


def test_one_overlay_per_image_on_its_own_grid(folder):
    overlays = folder / "out" / "overlays"
    assert sorted(path.name for path in overlays.iterdir()) == ["00.png", "01.png", "02.png"]
    for index, size in enumerate(SIZES):
        with Image.open(overlays / f"{index:02d}.png") as picture:
            assert (picture.size, picture.mode) == (size, "RGB")


def test_options(folder, tmp_path):
    paths = {"dataset_dir": folder / "data set", "checkpoint": folder / "model.pt", "output_dir": tmp_path}
    settings = {key: str(path) for key, path in paths.items()}
    run_bundle("evaluate.json", **settings, section="all", limit=2, threshold=0.3, write_overlay=False)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (summary["section"], summary["num_images"], summary["threshold"]) == ("all", 2, 0.3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.txt", "per_image.csv", "summary.json"]
    rows = read_table(tmp_path / "per_image.csv")
    assert [row["image"] for row in rows if row["rater"] == "model"] == ["03.png", "00.png"]  # training comes first
    scores = vessel_scores(*expected_maps(folder, 0), threshold=0.3)
    (row,) = (row for row in rows if row["image"] == "00.png" and row["rater"] == "model")
    assert float(row["sensitivity"]) == pytest.approx(scores["sensitivity"], abs=1e-5)


def test_the_log_has_the_summary(folder, tmp_path, capsys):
    paths = {"dataset_dir": folder / "data set", "checkpoint": folder / "model.pt", "output_dir": tmp_path}
    run_bundle("evaluate.json", **{key: str(path) for key, path in paths.items()}, limit=1)
    log = capsys.readouterr().out
    assert "toy, test: mean ± standard deviation over 1 images" in log
    assert "second_observer" in log
    assert "whole_image_auc" in log


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dataset_dir": "nowhere"}, "nowhere is not a folder"),
        ({"section": "validation"}, "has no section 'validation'; choose one of training, test, all"),
        ({"checkpoint": "nowhere/model.pt"}, "checkpoint: file not found: nowhere/model.pt"),
    ],
)
def test_a_wrong_path_ends_with_one_sentence(folder, tmp_path, capfd, wrong, sentence):
    paths = {"dataset_dir": folder / "data set", "checkpoint": folder / "model.pt", "output_dir": tmp_path / "out"}
    settings = {key: str(path) for key, path in paths.items()} | wrong
    assert sentence in mistake(capfd, lambda: run_bundle("evaluate.json", **settings))
    assert not (tmp_path / "out").exists()


def test_from_inside_the_bundle(folder, tmp_path, monkeypatch, capsys):
    """With all paths at their defaults: relative to the bundle, weights in models/model.pt."""
    (tmp_path / "models").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "configs").symlink_to(BUNDLE / "configs")
    (tmp_path / "data" / "DRIVE").symlink_to(folder / "data set")
    write_weights(tmp_path / "models" / "model.pt")
    monkeypatch.chdir(tmp_path)
    settings = {f"network_def#{key}": value for key, value in NETWORK.items()}
    run(config_file=["configs/train.json", "configs/evaluate.json"], limit=1, **settings)
    assert "dice" in capsys.readouterr().out
    written = sorted(path.name for path in (tmp_path / "output" / "evaluate").iterdir())
    assert written == ["log.txt", "overlays", "per_image.csv", "summary.json"]
