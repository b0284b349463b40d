from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from sre_monai.evaluation import summarize_scores
from sre_monai.metrics import compute_cldice, compute_pixel_roc_auc
from sre_monai.retina import VESSEL_SCORES, vessel_scores

ALL_SCORES = [*VESSEL_SCORES, *(f"whole_image_{name}" for name in VESSEL_SCORES)]


def reference(prediction: np.ndarray, label: np.ndarray) -> dict[str, float]:
    """The textbook formulas on selected pixels."""
    tp, fp = np.sum(prediction & label), np.sum(prediction & ~label)
    fn, tn = np.sum(~prediction & label), np.sum(~prediction & ~label)
    return {
        "dice": 2 * tp / (2 * tp + fp + fn),
        "iou": tp / (tp + fp + fn),
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "mcc": np.corrcoef(prediction, label)[0, 1],
    }


@pytest.fixture
def maps():
    smooth = torch.nn.AvgPool2d(5, stride=1, padding=2)(torch.randn(2, 1, 50, 61))
    label = smooth[0] > 0.15
    probability = torch.sigmoid(4 * smooth.sum(0) - 0.5)
    fov = torch.zeros(1, 50, 61)
    fov[:, 5:40, 8:50] = 1
    return probability, label, fov


@pytest.mark.parametrize("threshold", [0.4, 0.5])
def test_against_the_formulae(maps, threshold):
    probability, label, fov = maps
    scores = vessel_scores(probability, label, fov, threshold)
    assert list(scores) == ALL_SCORES
    for prefix, region in (("", fov.bool().numpy()), ("whole_image_", np.ones(fov.shape, bool))):
        expected = reference((probability >= threshold).numpy()[region], label.numpy()[region])
        assert {name: scores[prefix + name] for name in expected} == pytest.approx(expected, rel=1e-6)
        assert scores[prefix + "auc"] == compute_pixel_roc_auc(probability[region], label[region])
        mask = torch.from_numpy(region)[None]
        assert scores[prefix + "cldice"] == compute_cldice(probability[None] >= threshold, label[None], mask).item()


def test_outside_counts_for_the_whole_image_only(maps):
    probability, label, fov = maps
    before = vessel_scores(probability, label, fov)
    after = vessel_scores(torch.where(fov > 0, probability, 1.0), label, fov)
    assert [after[name] for name in VESSEL_SCORES] == [before[name] for name in VESSEL_SCORES]
    assert after["whole_image_specificity"] < before["whole_image_specificity"]


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float16, torch.float64])
def test_hard_mask(maps, dtype):
    probability, label, fov = maps
    mask = probability >= 0.5
    scores = vessel_scores(mask.to(dtype), label, fov.to(torch.uint8) * 255)
    soft = vessel_scores(probability, label, fov)
    hard_scores = [name for name in ALL_SCORES if not name.endswith("auc")]
    assert [scores[name] for name in hard_scores] == [soft[name] for name in hard_scores]
    assert scores["auc"] == pytest.approx((scores["sensitivity"] + scores["specificity"]) / 2)


def test_undefined_scores_are_nan(maps):
    probability, _, fov = maps
    scores = vessel_scores(probability, torch.zeros_like(probability), fov)
    undefined = {name for name in VESSEL_SCORES if math.isnan(scores[name])}
    assert undefined == {"dice", "iou", "sensitivity", "mcc", "auc", "cldice"}


def test_second_observer_of_drive(shared_data):
    """The known agreement of the test set's two observers inside the field of view."""

    def read(name):
        return torch.from_numpy(np.array(Image.open(shared_data / "DRIVE" / "test" / name))).T[None] > 0

    names = [("2nd_manual/%02d_manual2.gif", "1st_manual/%02d_manual1.gif", "mask/%02d_test_mask.gif")] * 20
    rows = [vessel_scores(*(read(name % number) for name in image)) for number, image in enumerate(names, start=1)]
    summary = summarize_scores(rows)
    assert summary["dice"]["mean"] == pytest.approx(0.788, abs=0.002)
    assert summary["accuracy"]["mean"] < summary["whole_image_accuracy"]["mean"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"probability": torch.full((1, 4, 4), 255.0)}, "probability must lie in 0–1"),
        ({"probability": torch.full((1, 4, 4), math.nan)}, "probability must lie in 0–1"),
        ({"label": torch.full((1, 4, 4), 255)}, "label must hold only 0 and 1"),
        ({"fov": torch.zeros(1, 4, 4)}, "fov is empty"),
        ({"fov": torch.ones(1, 4, 5)}, "one shape"),
        ({"probability": torch.ones(4, 4)}, "one shape"),
    ],
)
def test_wrong_input(changed, message):
    maps = {name: torch.ones(1, 4, 4) for name in ("probability", "label", "fov")} | changed
    with pytest.raises(ValueError, match=message):
        vessel_scores(**maps)


def test_summary_leaves_out_nan():
    rows = [
        {"dice": 0.5, "auc": math.nan},
        {"dice": 0.75, "auc": 0.9},
        {"dice": 1.0, "auc": math.nan, "extra": math.nan},
    ]
    summary = summarize_scores(iter(rows))
    assert summary["dice"] == pytest.approx({"mean": 0.75, "std": math.sqrt(1 / 24), "min": 0.5, "max": 1})
    assert summary["auc"] == pytest.approx({"mean": 0.9, "std": 0, "min": 0.9, "max": 0.9})
    assert all(math.isnan(value) for value in summary["extra"].values())
    with pytest.raises(ValueError, match="no scores"):
        summarize_scores([])
