import json

import pytest

from benchmarks.results import (
    Result,
    add_difference,
    add_pixels,
    add_second_observer,
    read_evaluation,
    read_poses,
    table_of_means,
)
from benchmarks.series import plan
from sre_monai.io.tables import write_table


def test_figures_of_an_evaluation(tmp_path):
    """Two images at two angles and in two mirror images; names have no level that says nothing."""
    rater = {"num_images": 2, "scores": {"dice": {"mean": 0.75, "std": None}}}
    curve = {"dice": {"upright": 0.8}}
    summary = {"dataset": "DRIVE", "angles": [0, 10], "raters": {"model": rater, "second_observer": rater}}
    summary |= {"protocols": {"turned_back": curve}, "rotation": {"x": curve}, "flip": {"xy": {"auc": 0.5}}}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    dice = {(0.0, False): 0.8, (10.0, False): 0.7, (0.0, True): 0.78, (90.0, True): 0.76}
    rows = [
        {"image": image, "protocol": "turned_back", "angle": angle, "flip": flip, "dice": score + more}
        for image, more in (("a", 0.01), ("b", -0.01))
        for (angle, flip), score in dice.items()
    ]
    write_table(tmp_path / "per_image.csv", rows)
    assert read_poses(tmp_path) == [{**row, "flip": "True" if row["flip"] else ""} for row in rows]
    expected = {"num_images": 2, "dice mean": 0.75, "dice std": float("nan"), "second_observer dice std": float("nan")}
    expected |= {"second_observer num_images": 2, "second_observer dice mean": 0.75, "x dice upright": 0.8}
    expected |= {"dice upright": 0.8, "flip xy auc": 0.5, "flipped dice mean": 0.77, "flipped dice worst": 0.76}
    figures = read_evaluation("turned_back", tmp_path)
    assert figures == pytest.approx({f"turned_back {key}": value for key, value in expected.items()}, nan_ok=True)
    write_table(tmp_path / "per_image.csv", [{"image": "a", "rater": "model", "dice": 0.8}])
    assert read_poses(tmp_path) == []


def test_the_table_is_of_means_over_seeds():
    runs = [
        {"auc": auc, "probability deviation": deviation, "minutes": 9.6}
        for auc, deviation in ((0.7, 1e-7), (0.9, 3e-7))
    ]
    columns = {
        "runs": "{runs}",
        "AUC": "{auc:.3f}",
        "deviation": "{probability deviation:.1g}",
        "n": "{parameters:,.0f}",
    }
    columns |= {"worst": "{auc:.1f} ({minutes:.0f}°)", "missing": "{dice:.4f}"}
    rows = {"a": runs, "b": runs[:1], "nothing": [{}], "undefined": [{"auc": float("nan"), "parameters": 1e6}]}
    expected = [
        ["", "runs", "AUC", "deviation", "n", "worst"],
        ["a", "2", "0.800 ± 0.100", "3e-07", "–", "0.8 (10°)"],
        ["b", "1", "0.700", "1e-07", "–", "0.7 (10°)"],
        ["nothing", "1", "–", "–", "–", "–"],
        ["undefined", "1", "–", "–", "1,000,000", "–"],
    ]
    for transposed in (False, True):
        cells = [line.split("|")[1:-1] for line in table_of_means(rows, columns, transposed).splitlines()]
        stripped = [[cell.strip() for cell in line] for line in cells[:1] + cells[2:]]
        assert stripped == (list(map(list, zip(*expected))) if transposed else expected)
        assert table_of_means({"nothing": [{}]}, {"AUC": "{auc:.3f}"}, transposed) == ""


def test_the_difference_is_from_the_mean_of_the_baseline_and_the_best_comes_first(tmp_path):
    scores = (("base", 0.75), ("base", 0.77), ("worse", 0.5), ("better", 0.78), ("better", 0.80))
    results = [Result(label, 0, {"dice": dice}) for label, dice in scores]
    add_difference(results, tmp_path, score="dice", baseline="base")
    assert [each.label for each in results] == ["better", "better", "base", "base", "worse"]
    assert [each.values["difference"] for each in results] == pytest.approx([0.02, 0.04, -0.01, 0.01, -0.26])
    others = [Result("worse", 0, {"dice": 0.5})]
    add_difference(others, tmp_path, score="dice", baseline="base")
    assert "difference" not in others[0].values


def test_the_second_observer_has_no_roc_curve(tmp_path):
    scores = {"DRIVE dice mean": 0.8, "DRIVE second_observer dice mean": 0.7, "DRIVE second_observer auc mean": 0.8}
    results = [Result("network", 0, scores)]
    add_second_observer(results, tmp_path)
    assert (results[1].label, results[1].values) == ("second observer", {"DRIVE dice mean": 0.7})
    add_second_observer(results[1:], tmp_path)
    assert len(results) == 2


def test_pixels_of_trimmed_crops_are_counted(tmp_path):
    from benchmarks.experiments import EXPERIMENTS

    training = plan(EXPERIMENTS["progress"], "drive_450", 0, tmp_path, tmp_path).training
    results = [Result("", 0, {"steps": 6}, training=training)]
    add_pixels(results, tmp_path)
    edge = sum(range(144 - 15, 144 + 1)) / 16
    assert results[0].values["billion pixels"] == pytest.approx(6 * 4 * edge**2 / 1e9)
