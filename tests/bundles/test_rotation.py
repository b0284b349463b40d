"""rotation.json: its files compared with direct calculation, for an equivariant and an ordinary network."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sre_monai.retina import VESSEL_SCORES, LocalContrastNormalizationd
from tests.bundles.evaluation_toy import read_table, run_bundle, write_dataset, write_weights
from tests.bundles.mistakes import mistake

OVERLAYS = ("evaluate.json", "rotation.json")
SIZE = 63  # of the published protocol's crop
PUBLISHED = ["dice", "auc", "ceiling_dice", "ceiling_auc"]
TURNED_BACK = [*VESSEL_SCORES, "consistency"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rotation")
    write_dataset(folder / "data")
    write_weights(folder / "model.pt")
    run_bundle(*OVERLAYS, **paths(folder, folder / "out"), angles=[30, 90, 180, 270])
    return folder


def paths(folder: Path, output: Path) -> dict:
    paths = {"dataset_dir": folder / "data", "checkpoint": folder / "model.pt", "output_dir": output}
    return {key: str(path) for key, path in paths.items()} | {"published_size": SIZE}


def rows_of(folder: Path, protocol: str) -> list[dict[str, str]]:
    return [row for row in read_table(folder / "per_image.csv") if row["protocol"] == protocol]


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("protocol", "names"), [("published", PUBLISHED), ("turned_back", TURNED_BACK)])
def test_one_row_per_image_and_pose(folder, protocol, names):
    rows = rows_of(folder / "out", protocol)
    poses = [("0.0", "False"), ("30.0", "False"), ("90.0", "False"), ("180.0", "False"), ("270.0", "False")]
    poses += [(angle, "True") for angle in ("0.0", "90.0", "180.0", "270.0")]
    expected = [(f"{index:02d}.png", *pose) for index in range(3) for pose in poses]
    assert [(row["image"], row["angle"], row["flip"]) for row in rows] == expected
    for row in rows:
        filled = {name for name, value in row.items() if value != ""}
        assert filled == {"image", "protocol", "angle", "flip", *names}


@pytest.mark.parametrize(("protocol", "names"), [("published", PUBLISHED), ("turned_back", TURNED_BACK)])
def test_an_equivariant_network_scores_equally_at_all_symmetries(folder, protocol, names):
    rows = rows_of(folder / "out", protocol)
    for name in names:
        # one pair of pixels changes the AUC by 1e-6 to 5e-6; up to two pairs of these images differ by rounding only
        bound = 1e-5 if name.endswith("auc") else 1e-6
        for image in ("00.png", "01.png", "02.png"):
            exact = [float(row[name]) for row in rows if row["image"] == image and row["angle"] != "30.0"]
            assert len(exact) == 8
            assert max(exact) - min(exact) < bound
        assert summary_of(folder / "out")["protocols"][protocol][name]["symmetry_deviation"] < bound
    assert {row[names[0]] for row in rows if row["angle"] == "30.0"}.isdisjoint(row[names[0]] for row in rows[:1])


def test_upright_turned_back_is_the_evaluation(folder, tmp_path):
    settings = {key: path for key, path in paths(folder, tmp_path).items() if key != "published_size"}
    run_bundle("evaluate.json", **settings, write_overlay=False)
    evaluated = {row["image"]: row for row in read_table(tmp_path / "per_image.csv") if row["rater"] == "model"}
    for row in rows_of(folder / "out", "turned_back"):
        if (row["angle"], row["flip"]) == ("0.0", "False"):
            assert float(row["consistency"]) == 1
            for name in VESSEL_SCORES:
                assert float(row[name]) == pytest.approx(float(evaluated[row["image"]][name]), abs=1e-9)


def test_published_dice_against_direct_calculation(folder):
    """The first image needs no resampling: normalise, crop, turn by 90°, predict, compare."""
    image, label, fov = (
        np.asarray(Image.open(folder / "data" / f"{kind}s" / "00.png")).astype(np.float32)
        for kind in ("image", "label", "fov")
    )
    inside = image[fov > 0]
    image = np.where(fov[..., None] > 0, (image - inside.mean(0)) / inside.std(0), 0)
    data = {"image": torch.from_numpy(image).movedim(-1, 0), "fov": torch.from_numpy(fov)[None]}
    image = LocalContrastNormalizationd("image")(data)["image"].movedim(0, -1).numpy()
    top, left = (n // 2 - SIZE // 2 for n in image.shape[:2])
    crop, vessels = (np.rot90(array[top : top + SIZE, left : left + SIZE]) for array in (image, label > 0))
    with torch.no_grad():
        logits = write_weights(folder / "again.pt")(torch.from_numpy(crop.transpose(2, 0, 1).copy()).float()[None])
    prediction = (torch.softmax(logits, dim=1)[0, 1] >= 0.5).numpy()
    dice = 2 * (prediction & vessels).sum() / (prediction.sum() + vessels.sum())
    row = next(row for row in rows_of(folder / "out", "published") if row["angle"] == "90.0")
    assert 0.02 < dice < 0.9
    assert float(row["dice"]) == pytest.approx(dice, abs=1e-5)


def test_summary_against_the_rows(folder):
    summary = summary_of(folder / "out")
    assert {key: summary[key] for key in ("dataset", "section", "num_images")} == {
        "dataset": "toy",
        "section": "test",
        "num_images": 3,
    }
    assert summary["angles"] == [0, 30, 90, 180, 270]
    for protocol, names in (("published", PUBLISHED), ("turned_back", TURNED_BACK)):
        assert list(summary["protocols"][protocol]) == names
        rows = [row for row in rows_of(folder / "out", protocol) if row["flip"] == "False"]
        for name in names:
            table = np.array([float(row[name]) for row in rows]).reshape(3, 5)
            means = table.mean(axis=0)
            figures = summary["protocols"][protocol][name]
            expected = {"upright": means[0], "mean": means.mean(), "std": means.std(), "worst": means.min()}
            assert {key: figures[key] for key in expected} == pytest.approx(expected)
            assert means[summary["angles"].index(figures["worst_angle"])] == means.min()


def test_a_curve_is_drawn(folder):
    with Image.open(folder / "out" / "rotation_curve.png") as picture:
        assert picture.width > 500


def test_overlays_of_rotated_photographs(folder, tmp_path):
    run_bundle(
        *OVERLAYS, **paths(folder, tmp_path), angles=[0], limit=1, protocols=["turned_back"], overlay_angles=[0, 37]
    )
    assert sorted(path.name for path in (tmp_path / "overlays").iterdir()) == ["00.png", "00_37.png"]


def test_a_network_that_is_not_equivariant_shows(folder, tmp_path):
    network = torch.nn.Conv2d(3, 2, 3, padding=1)
    torch.nn.init.normal_(network.weight)
    torch.save(network.state_dict(), tmp_path / "conv.pt")
    definition = {"_target_": "torch.nn.Conv2d", "in_channels": 3, "out_channels": 2, "kernel_size": 3, "padding": 1}
    settings = paths(folder, tmp_path / "out") | {"checkpoint": str(tmp_path / "conv.pt"), "limit": 1}
    settings |= {"angle_step": 90, "network_def": definition}
    run_bundle(*OVERLAYS, **settings, **dict.fromkeys(["network_def#features", "network_def#kernel_size"], None))
    protocols = summary_of(tmp_path / "out")["protocols"]
    for protocol, name in (("published", "auc"), ("turned_back", "auc"), ("turned_back", "consistency")):
        assert protocols[protocol][name]["symmetry_deviation"] > 1e-3


def test_options_and_no_matplotlib(folder, tmp_path, monkeypatch, capsys):
    real_import = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    run_bundle(*OVERLAYS, **paths(folder, tmp_path), angle_step=180, limit=1, protocols=["turned_back"])
    summary = summary_of(tmp_path)
    assert (summary["num_images"], summary["angles"], list(summary["protocols"])) == (1, [0, 180], ["turned_back"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.txt", "per_image.csv", "summary.json"]
    output = capsys.readouterr()
    assert "rotation_curve.png was not written: plot_rotation_curve needs matplotlib" in output.out
    assert "turned_back consistency" in output.out
    assert "6/6" in output.err  # the progress bar: two rotations and four mirror images


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dataset_dir": "nowhere"}, "nowhere is not a folder"),
        ({"checkpoint": "nowhere.pt"}, "checkpoint: file not found: nowhere.pt"),
        ({"protocols": ["turned"]}, "protocols must be a list of one or more of published, turned_back"),
        ({"angles": ["north"]}, "angles must be a list of one or more numbers, in degrees"),
    ],
)
def test_a_mistake_ends_with_one_sentence(folder, tmp_path, capfd, wrong, sentence):
    settings = paths(folder, tmp_path / "out") | wrong
    assert sentence in mistake(capfd, lambda: run_bundle(*OVERLAYS, **settings))
    assert not (tmp_path / "out").exists()
