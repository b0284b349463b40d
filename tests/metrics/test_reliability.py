from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import CalibrationErrorMetric, compute_dice
from scipy.optimize import minimize_scalar

from sre_monai.metrics import Reliability, reliability


@pytest.fixture
def pixels() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits that are twice too large, their probabilities, and labels."""
    logits = 3 * torch.randn(100_000, dtype=torch.float64) - 2
    label = (torch.rand_like(logits) < torch.sigmoid(logits)).float()
    return 2 * logits, torch.sigmoid(2 * logits).float(), label


def test_expected_error_is_monais(pixels):
    _, probability, label = pixels
    metric = CalibrationErrorMetric(num_bins=50)
    metric(y_pred=probability[None, None], y=label[None, None])
    assert Reliability.of(probability, label, 100).expected_error(50) == pytest.approx(
        metric.aggregate().item(), rel=1e-5
    )


def test_images_are_pooled_by_pixel(pixels):
    _, probability, label = pixels
    sizes = [10, 90_000, 9_990]
    parts = [Reliability.of(*part, 20) for part in zip(probability.split(sizes), label.split(sizes), strict=True)]
    for pooled, whole in zip(Reliability.pooled(parts), Reliability.of(probability, label, 20), strict=True):
        np.testing.assert_allclose(pooled, whole, rtol=1e-4)


def test_many_pixels_are_counted_in_parts(pixels, monkeypatch):
    _, probability, label = pixels
    whole = Reliability.of(probability, label)
    monkeypatch.setattr(reliability, "CHUNK", 999)
    for part, expected in zip(Reliability.of(probability, label), whole, strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-4)


def test_bins_are_merged(pixels):
    _, probability, label = pixels
    merged = Reliability.of(probability, label, 200).coarser(10)
    for part, expected in zip(merged, Reliability.of(probability, label, 10), strict=True):
        np.testing.assert_allclose(part, expected, rtol=1e-4)


def test_temperature_is_that_of_the_pixels(pixels):
    logits, probability, label = pixels

    def cross_entropy(temperature: float) -> float:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits / temperature, label.double()).item()

    exact = minimize_scalar(cross_entropy, bounds=(0.1, 10), method="bounded").x
    bins = Reliability.of(probability, label)
    assert bins.fit_temperature() == pytest.approx(exact, rel=0.03)
    assert bins.recalibrated(exact).expected_error(20) < 0.2 * bins.expected_error(20)
    exactly = Reliability.of(torch.sigmoid(logits / 1.5).float(), label)
    assert bins.recalibrated(1.5).expected_error(20) == pytest.approx(exactly.expected_error(20), rel=0.05)
    assert bins.recalibrated(1.5).pixels.sum() == len(label)


def test_shift_is_that_of_the_pixels(pixels):
    logits, probability, label = pixels
    shifted = Reliability.of(probability, label).recalibrated(shift=0.7)
    exactly = Reliability.of(torch.sigmoid(logits + 0.7).float(), label)
    assert shifted.expected_error(20) == pytest.approx(exactly.expected_error(20), rel=0.02)
    assert np.average(np.nan_to_num(shifted.probability), weights=shifted.pixels) == pytest.approx(
        torch.sigmoid(logits + 0.7).mean().item(), abs=1e-3
    )


def test_temperature_of_calibrated_probabilities_is_one(pixels):
    logits, _, label = pixels
    assert Reliability.of(torch.sigmoid(logits / 2).float(), label).fit_temperature() == pytest.approx(1, abs=0.03)


def test_dice_at_each_threshold(pixels):
    _, probability, label = pixels
    dice = Reliability.of(probability, label, 10).dice_by_threshold()
    for threshold, value in zip(np.arange(10) / 10, dice, strict=True):
        prediction = (probability >= np.float32(threshold)).float()
        assert value == pytest.approx(compute_dice(prediction[None, None], label[None, None]).item(), abs=1e-6)


def test_empty_bins_are_nan_and_count_for_nothing():
    bins = Reliability.of(torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0, 1, 1]), num_bins=4)
    assert bins.pixels.tolist() == [2, 0, 0, 1]
    assert np.isnan(bins.probability).tolist() == [False, True, True, False]
    assert bins.expected_error(4) == pytest.approx(1 / 3, abs=1e-6)
    assert np.isfinite(bins.fit_temperature())
    assert bins.dice_by_threshold().tolist() == pytest.approx([0.8, 2 / 3, 2 / 3, 2 / 3])
