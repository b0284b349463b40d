from __future__ import annotations

import math

import pytest

from sre_monai.evaluation import mean_by_angle, summarize_curve, summarize_rotation

DICE = {
    "a": {(0.0, False): 0.80, (45.0, False): 0.70, (90.0, False): 0.79, (0.0, True): 0.80, (90.0, True): 0.83},
    "b": {(0.0, False): 0.60, (45.0, False): 0.40, (90.0, False): 0.62, (0.0, True): 0.60, (90.0, True): 0.60},
}


def rows(**more: float) -> list[dict]:
    return [
        {"image": image, "protocol": "published", "angle": angle, "flip": flip, "dice": dice, **more}
        for image, poses in DICE.items()
        for (angle, flip), dice in poses.items()
    ]


def test_mean_by_angle_leaves_flips_out():
    assert mean_by_angle(rows(), "dice") == pytest.approx({0.0: 0.7, 45.0: 0.55, 90.0: 0.705})


def test_summary():
    summary = summarize_rotation(rows(consistency=1.0))
    assert list(summary) == ["dice", "consistency"]
    means = [0.7, 0.55, 0.705]
    mean = sum(means) / 3
    assert summary["dice"] == pytest.approx(
        {
            "upright": 0.7,
            "mean": mean,
            "std": math.sqrt(sum((m - mean) ** 2 for m in means) / 3),
            "worst": 0.55,
            "worst_angle": 45.0,
            "symmetry_deviation": 0.03,  # of image a, mirrored and turned by 90°
        }
    )
    assert summary["consistency"]["std"] == 0


def test_a_curve_of_one_value_an_angle():
    assert summarize_curve({0.0: 0.5, 30.0: math.nan, 90.0: 0.25, 180.0: 0.75}) == pytest.approx(
        {"upright": 0.5, "mean": 0.5, "std": math.sqrt(1 / 24), "worst": 0.25, "worst_angle": 90.0}
    )


def test_undefined_scores_are_left_out():
    nan = float("nan")
    table = rows(auc=nan)
    table[1]["dice"] = nan
    summary = summarize_rotation(table)
    assert summary["dice"]["worst"] == pytest.approx(0.4)
    assert all(math.isnan(value) for value in summary["auc"].values())
