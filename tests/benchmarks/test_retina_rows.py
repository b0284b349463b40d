from __future__ import annotations

import math

import pytest

from benchmarks.retina_models import MODELS
from benchmarks.retina_rows import as_markdown, model_row, observer_row, read_poses, rotation_columns
from sre_monai.io.tables import write_table

NAMES = ("dice", "iou", "sensitivity", "specificity", "accuracy", "mcc", "auc", "cldice")


def summary(*raters: str, score: float = 0.75, images: int = 20) -> dict:
    scores = {name: {"mean": score, "std": 0.1, "min": 0.5, "max": 0.9} for name in NAMES}
    return {"raters": {rater: {"num_images": images, "scores": scores} for rater in raters}}


def poses(protocol: str = "turned_back") -> list[dict]:
    """Two images at two angles and in two mirror images."""
    dice = {(0.0, False): 0.8, (10.0, False): 0.7, (0.0, True): 0.78, (90.0, True): 0.76}
    other = "consistency" if protocol == "turned_back" else "ceiling_dice"
    return [
        {"image": image, "protocol": protocol, "angle": angle, "flip": flip, "dice": score + more, other: 0.9, "iou": 0}
        for image, more in (("a", 0.01), ("b", -0.01))
        for (angle, flip), score in dice.items()
    ]


def test_rotation_columns():
    columns = rotation_columns(poses())
    expected = {"upright": 0.8, "mean": 0.75, "std": 0.05, "worst": 0.7, "worst_angle": 10, "mirrored": 0.76}
    for figure, value in expected.items():
        assert columns[f"turned_back dice {figure}"] == pytest.approx(value)
    assert columns["turned_back consistency mean"] == pytest.approx(0.9)
    assert not any(" iou " in column for column in columns)


def test_poses_come_back_from_their_file(tmp_path):
    rows = poses()
    write_table(tmp_path / "per_image.csv", [*rows, rows[0] | {"dice": math.nan}])
    *read, last = read_poses(tmp_path / "per_image.csv")
    assert read == rows
    assert math.isnan(last["dice"])


def test_tables():
    summaries = {"DRIVE": summary("model", "second_observer"), "HRF": summary("model", score=0.5, images=3)}
    training = {"parameters": 274306, "training_minutes": 39.6, "seed": 0}
    turned = {protocol: poses(protocol) for protocol in ("turned_back", "published")}
    rows = [
        model_row(MODELS["sre_harmonics"], training, summaries, turned),
        model_row(MODELS["plain_unet"], {}, summaries, {}),
        observer_row(summaries),
    ]
    upright, turns, elsewhere = (table.splitlines() for table in as_markdown(rows).split("\n\n"))
    assert upright[0] == "|  | parameters | training, min | F1 | AUC | MCC | clDice | sensitivity | specificity |"
    assert upright[2:] == [
        "| SRE U-Net with harmonics | 274,306 | 40 | 0.7500 | 0.7500 | 0.7500 | 0.7500 | 0.7500 | 0.7500 |",
        "| U-Net | – | – | 0.7500 | 0.7500 | 0.7500 | 0.7500 | 0.7500 | 0.7500 |",
        "| second observer | – | – | 0.7500 | – | 0.7500 | 0.7500 | 0.7500 | 0.7500 |",
    ]
    spread = "0.8000 | 0.7500 ± 0.0500 | 0.7000 (10°)"
    assert turns[2:] == [f"| SRE U-Net with harmonics | {spread} | 0.7600 | 0.9000 | {spread} | 0.9000 | 0.9000 |"]
    assert elsewhere[0] == "|  | HRF (3): F1 | HRF (3): AUC | HRF (3): clDice |"
    assert [line[:10] for line in elsewhere[2:]] == ["| SRE U-Ne", "| U-Net | "]


def test_an_undefined_score_is_a_dash():
    row = model_row(MODELS["plain_unet"], {}, {"DRIVE": summary("model", score=math.nan)}, {})
    assert as_markdown([row, row | {"parameters": 7}]).count("– |") == 7


def test_nothing_measured():
    assert as_markdown([observer_row({})]) == ""
