import builtins
import csv
import json

import numpy as np
import pytest
import torch

from sre_monai.evaluation import EvaluationHandler, Pose
from sre_monai.medmnist import CLASSIFICATION_SCORES, ClassificationRotation, classification_scores
from sre_monai.networks.nets import sre_r3d_18, sre_resnet18
from sre_monai.transforms import GridSymmetry
from tests.medmnist.classification_toy import evaluator, items
from tests.tolerances import assert_close

ORDINARY = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
PLOTS = {f"rotation_{name}.png" for name in CLASSIFICATION_SCORES}


def mirror(dims, *axes):
    return Pose(symmetry=GridSymmetry.mirror(dims, axes))


def test_poses_of_images_and_volumes():
    assert ClassificationRotation("multi-class", 2, [90, 45]).poses == [
        *(Pose(angle) for angle in (0.0, 45.0, 90.0)),
        *(mirror(2, *axes) for axes in ((0,), (1,), (0, 1))),
    ]
    poses = ClassificationRotation("multi-class", 3, range(0, 360, 30)).poses
    assert len(poses) == 3 * 12 + 7
    assert {pose.axis for pose in poses if not pose.mirrored} == {0, 1, 2}


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
def test_rotations_by_90_degrees_are_exact(size, padding):
    image, volume = torch.randn(2, 1, size, size), torch.randn(2, 1, size, size, size)
    show = ClassificationRotation("multi-class", 2, [], padding).show
    for k in range(4):
        assert torch.equal(show(image, Pose(90.0 * k)), image.rot90(k, (2, 3)))
        for axis, plane in enumerate(((3, 4), (2, 4), (2, 3))):
            assert torch.equal(show(volume, Pose(90.0 * k, axis=axis)), volume.rot90(k, plane))
    assert torch.equal(show(volume, mirror(3, 0, 2)), volume.flip([2, 4]))


def test_paddings_fill_the_corners_as_they_say():
    x = torch.ones(1, 1, 9, 9)
    zeros, reflect = (ClassificationRotation("multi-class", 2, [], padding) for padding in ("zeros", "reflect"))
    assert zeros.show(x, Pose(45))[0, 0, 0, 0] == 0
    assert_close(reflect.show(x, Pose(45)), x)


def run(folder, network, data, record=None, **kwargs):
    protocol = ClassificationRotation("multi-class", **kwargs)
    evaluator(network, data, EvaluationHandler(folder, [protocol], record)).run()
    with (folder / "rotation.csv").open(newline="") as stream:
        return list(csv.DictReader(stream)), json.loads((folder / "summary.json").read_text())


def test_table_against_direct_calculation(tmp_path):
    data = items()
    rows, summary = run(tmp_path, ORDINARY, data, spatial_dims=2, angles=[30, 90], record={"dataset": "toy"})
    x, label = torch.stack([item["image"] for item in data]), torch.tensor([item["label"] for item in data])
    poses = [Pose(0.0), Pose(30.0), Pose(90.0), *(mirror(2, *axes) for axes in ((0,), (1,), (0, 1)))]
    names = [("0.0", ""), ("30.0", ""), ("90.0", ""), ("0.0", "x"), ("0.0", "y"), ("0.0", "xy")]
    assert [(row["angle"], row["flip"]) for row in rows] == names
    probabilities = [ORDINARY(pose.apply(x, "nearest")).softmax(1).detach() for pose in poses]
    expected = [classification_scores(p, label, "multi-class") for p in probabilities]
    for row, scores in zip(rows, expected):
        assert {name: float(row[name]) for name in scores} == pytest.approx(scores)
    areas = [scores["auc"] for scores in expected[:3]]
    figures = summary["rotation"]["image"]["auc"]
    assert (figures["upright"], figures["mean"]) == pytest.approx((areas[0], np.mean(areas)))
    assert figures["worst"] == pytest.approx(min(areas))
    assert figures["worst_angle"] == (0.0, 30.0, 90.0)[int(np.argmin(areas))]
    assert summary["flip"]["xy"] == pytest.approx(expected[-1])
    exact = [probabilities[i] for i in (2, 3, 4, 5)]
    deviation = max((p - probabilities[0]).abs().max().item() for p in exact)
    assert summary["probability_deviation"] == pytest.approx(deviation, rel=1e-5)
    assert deviation > 0.1
    assert (summary["dataset"], summary["num_images"], summary["padding"]) == ("toy", 7, "zeros")
    assert {path.name for path in tmp_path.glob("*.png")} == PLOTS


@pytest.mark.parametrize("size", [16, 17])
def test_an_invariant_network_is_equal_at_all_symmetries(tmp_path, size):
    network = sre_resnet18(1, 3, features=(4, 4, 4, 4), norm="instance").eval()
    rows, summary = run(tmp_path, network, items(size=size), spatial_dims=2, angles=[45, 90, 180, 270])
    assert summary["probability_deviation"] < 1e-5
    exact = {(row["accuracy"], row["auc"]) for row in rows if row["angle"] != "45.0"}
    assert len(exact) == 1


def test_volumes_are_rotated_about_each_axis(tmp_path):
    network = sre_r3d_18(1, 3, features=(4, 4, 4, 4), norm="instance").eval()
    rows, summary = run(tmp_path, network, items(6, 9, 3), spatial_dims=3, angles=[30, 90], padding="reflect")
    assert [(row["axis"], row["angle"]) for row in rows if not row["flip"]] == [
        (axis, angle) for axis in "xyz" for angle in ("0.0", "30.0", "90.0")
    ]
    assert list(summary["rotation"]) == ["x", "y", "z"]
    assert list(summary["flip"]) == ["x", "y", "z", "xy", "xz", "yz", "xyz"]
    assert summary["probability_deviation"] < 1e-5


def test_without_matplotlib_the_curves_are_left_out(tmp_path, monkeypatch, caplog):
    real_import = builtins.__import__

    def no_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_matplotlib)
    run(tmp_path, ORDINARY, items(), spatial_dims=2, angles=[90])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rotation.csv", "summary.json"]
    for name in PLOTS:
        assert f"{name} was not written: plot_rotation_curve needs matplotlib" in caplog.text


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="padding must be one of zeros, reflect"):
        ClassificationRotation("multi-class", 2, [0], padding="wrap")
    for angles in (["x"], 30):
        with pytest.raises(ValueError, match="angles must be"):
            ClassificationRotation("multi-class", 2, angles)


def test_an_undefined_area_has_no_curve(tmp_path, caplog):
    data = [{**item, "label": 0} for item in items()]
    _, summary = run(tmp_path, ORDINARY, data, spatial_dims=2, angles=[90])
    assert summary["rotation"]["image"]["auc"]["mean"] is None
    assert {path.name for path in tmp_path.glob("*.png")} == PLOTS - {"rotation_auc.png"}
    assert "rotation_auc.png was not written: the score is undefined" in caplog.text
