"""Figures that stand on a page besides their own are the same there."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RETINA, MEDMNIST = ROOT / "bundles" / "retina_fundus_vessel_segmentation", ROOT / "bundles" / "medmnist_classification"


def rows(path: Path) -> list[list[str]]:
    """The rows of a page's tables, as cells."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


ACCURACY = rows(ROOT / "docs" / "accuracy.md")
TRIED = rows(ROOT / "docs" / "accuracy_tried.md")


def accuracy(network: str) -> tuple[list[str], list[str], list[str]]:
    """A network's rows in the three tables of results: DRIVE upright, DRIVE rotated, other data sets."""
    upright, turned, other = [row[1:] for row in ACCURACY if row[0] == network]
    return upright, turned, other


def drive(network: str) -> list[str]:
    """Parameters, F1 at 0°, its mean over the angles and the worst."""
    upright, turned, _ = accuracy(network)
    assert upright[2] == turned[0]
    return [upright[0], turned[0], turned[1].split(" ±")[0], turned[2].split(" (")[0]]


def test_readme():
    table = [row for row in rows(ROOT / "README.md") if len(row) == 5][2:]
    networks = {
        "SRE W-Net with harmonics, `models/drive.pt`": "SRE W-Net, trained longer",
        "small U-Net, trained on rotated images by the recipe of `drive.pt` for half its steps": (
            "small U-Net with rotations, trained longer"
        ),
        "SRE U-Net with harmonics, trained for as many steps as the U-Nets below": "SRE U-Net with harmonics",
        "U-Net": "U-Net",
        "U-Net, trained on rotated images": "U-Net with rotations",
    }
    for label, *figures in table[: len(networks)]:
        assert figures == drive(networks.pop(label)), label
    assert not networks

    lwnet, observer = table[5:]
    (one_pass,) = [row[1:] for row in ACCURACY if row[0] == "one pass, 0.5"]
    assert lwnet[2:] == [one_pass[0], "–", min(one_pass)]
    flips, own_threshold = [row[1:] for row in ACCURACY if row[0].startswith("mean of four flips")]
    prose = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"reaches {flips[0]} upright ({own_threshold[0]} at its own threshold) and {flips[4]} at 90°" in prose
    (upright, _) = [row[1:] for row in ACCURACY if row[0] == "second observer"]
    assert observer[2] == upright[2]


def test_model_card_of_the_retina_bundle():
    card = {row[0]: row[1:] for row in rows(RETINA / "docs" / "README.md") if len(row) == 4}
    assert card.pop("") == ["`drive.pt`", "`model.pt`", "second observer"]
    card.pop("---")
    wnet, cameras = drive("SRE W-Net, trained longer")[1:], drive("SRE U-Net, four cameras")[1:]
    observer_upright, observer_other = [row[1:] for row in ACCURACY if row[0] == "second observer"]
    elsewhere = accuracy("SRE W-Net, trained longer")[2]
    last = accuracy("SRE U-Net, four cameras")[2][9]
    assert card == {
        "DRIVE test (20), upright": [wnet[0], cameras[0], observer_upright[2]],
        "DRIVE test, mean over the angles": [wnet[1], cameras[1], "–"],
        "DRIVE test, worst angle": [wnet[2], cameras[2], "–"],
        "STARE (20)": [elsewhere[0], "–", observer_other[0]],
        "STARE, last ten": [elsewhere[9], last, observer_other[9]],
        "CHASE_DB1, patients 01–10 (20)": [elsewhere[3], "–", observer_other[3]],
        "HRF (15)": ["0.7090", "–", "–"],
    }
    page = " ".join((RETINA / "docs" / "README.md").read_text(encoding="utf-8").split())
    assert "the W-Net scores 0.7090," in " ".join((ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8").split())
    (smaller,) = [row for row in TRIED if row[0] == "the default weights at 540"]
    assert f"scores {smaller[2].split(',')[0]} on DRIVE" in page
    minutes = [accuracy(name)[0][1] for name in ("SRE U-Net, four cameras", "SRE W-Net, trained longer")]
    assert "in {} minutes (`drive.pt`: {} minutes)".format(*minutes) in page
    metrics = json.loads((RETINA / "configs" / "metadata.json").read_text(encoding="utf-8"))["eval_metrics"]
    assert metrics == {"mean_dice": float(cameras[0])}


def test_model_card_of_the_medmnist_bundle():
    home = rows(ROOT / "docs" / "classification.md")
    scores = [row for row in rows(MEDMNIST / "docs" / "README.md") if row[0].startswith(("accuracy", "AUC"))]
    assert len(scores) == 12
    for row in scores:
        assert row in home
