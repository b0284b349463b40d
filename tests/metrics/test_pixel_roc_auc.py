from __future__ import annotations

import math

import pytest
import torch
from monai.metrics import compute_roc_auc

from sre_monai.metrics.pixel_roc_auc import PixelROCAUCMetric, compute_pixel_roc_auc


def pair_count(probability: torch.Tensor, label: torch.Tensor) -> float:
    """Fraction of positive-negative pairs in the right order, ties counting one half."""
    positive, negative = probability[label == 1].double(), probability[label == 0].double()
    wins = (positive[:, None] > negative).sum().double() + (positive[:, None] == negative).sum().double() / 2
    return (wins / (len(positive) * len(negative))).item()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int32])
@pytest.mark.parametrize("levels", [2, 7, 100_000])
def test_against_all_pairs_and_monai(dtype, levels):
    label = (torch.rand(1, 20, 31) < 0.2).long()
    probability = ((torch.rand(1, 20, 31) + 0.3 * label) * levels).floor()
    probability = probability.to(dtype) if dtype == torch.int32 else (probability / levels).to(dtype)
    auc = compute_pixel_roc_auc(probability, label)
    assert auc == pytest.approx(pair_count(probability, label), abs=1e-12)
    assert auc == pytest.approx(compute_roc_auc(probability.flatten().double(), label.flatten()), abs=1e-12)
    assert auc == compute_pixel_roc_auc(probability, label.bool()) == compute_pixel_roc_auc(probability, label.half())


def test_extremes():
    label = torch.tensor([0, 0, 1, 1, 1])
    assert compute_pixel_roc_auc(torch.tensor([0.1, 0.2, 0.3, 0.3, 0.4]), label) == 1
    assert compute_pixel_roc_auc(torch.tensor([0.9, 0.8, 0.3, 0.3, 0.4]), label) == 0
    assert compute_pixel_roc_auc(torch.full((5,), 0.3), label) == 0.5


def test_exact_for_many_pixels():
    # half a million pairs per pixel: float32 sums would be wrong in the fourth decimal
    label = torch.arange(1_000_000) % 2
    probability = (torch.arange(1_000_000) // 2 * 2 + 1 - label).float()  # every pair of neighbours is swapped
    assert compute_pixel_roc_auc(probability, label) == (500_000 - 1) / (2 * 500_000)


@pytest.mark.parametrize("label", [torch.zeros(4), torch.ones(4), torch.zeros(0)])
def test_one_class_is_nan(label):
    assert math.isnan(compute_pixel_roc_auc(torch.rand(len(label)), label))


def test_wrong_input():
    with pytest.raises(ValueError, match="same shape"):
        compute_pixel_roc_auc(torch.rand(3), torch.ones(4))
    with pytest.raises(ValueError, match="holds NaN"):
        compute_pixel_roc_auc(torch.tensor([0.5, math.nan]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match=r"only 0 and 1, got .*255"):
        compute_pixel_roc_auc(torch.rand(3), torch.tensor([0, 1, 255]))


@pytest.fixture
def images():
    """Images of two sizes, larger than one row of the buffer, with 255 outside the field of view."""
    sizes = [(70, 80), (70, 80), (31, 90)]
    labels = [(torch.rand(1, *size) < 0.2).int() for size in sizes]
    probabilities = [(torch.rand(1, *size) + 0.3 * y).div(1.3) for size, y in zip(sizes, labels, strict=True)]
    for y in labels:
        y[..., :10] = 255
    return probabilities, labels


def collect(metric: PixelROCAUCMetric, probabilities: list, labels: list) -> float:
    metric(y_pred=torch.stack(probabilities[:2]), y=torch.stack(labels[:2]))
    metric(y_pred=probabilities[2:], y=labels[2:])
    return metric.aggregate().item()


def test_pooled_metric(images):
    probabilities, labels = images
    probability = torch.cat([p.flatten() for p in probabilities])
    label = torch.cat([y.flatten() for y in labels])
    expected = compute_pixel_roc_auc(probability[label != 255], label[label != 255])
    assert collect(PixelROCAUCMetric(ignore_index=255), probabilities, labels) == expected


def test_mean_metric(images):
    probabilities, labels = images
    labels[1] = torch.where(labels[1] == 1, 0, labels[1])  # one class only: left out
    areas = [compute_pixel_roc_auc(p[y != 255], y[y != 255]) for p, y in zip(probabilities, labels, strict=True)]
    result = collect(PixelROCAUCMetric(pooled=False, ignore_index=255), probabilities, labels)
    assert math.isnan(areas[1])
    assert result == pytest.approx((areas[0] + areas[2]) / 2, abs=1e-6)


@pytest.mark.parametrize("pooled", [True, False])
def test_metric_of_one_class_is_nan(pooled):
    metric = PixelROCAUCMetric(pooled=pooled)
    metric(y_pred=torch.rand(2, 1, 8, 8), y=torch.zeros(2, 1, 8, 8))
    assert math.isnan(metric.aggregate().item())
    metric.reset()
    with pytest.raises(ValueError, match="nothing to aggregate"):
        metric.aggregate()


def test_metric_needs_one_channel():
    with pytest.raises(ValueError, match="select the foreground channel"):
        PixelROCAUCMetric()(y_pred=torch.rand(2, 2, 8, 8), y=torch.zeros(2, 2, 8, 8))
