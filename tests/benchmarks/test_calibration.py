import json

import numpy as np
import pytest
import torch

from benchmarks.calibration import CameraReliability, LogitCalibration, add_calibrations, calibrate
from benchmarks.results import Result
from sre_monai.evaluation import Calibration
from sre_monai.metrics import Reliability
from sre_monai.networks.nets import SREUNet

BINS = 1000


def camera(offset: float, factor: float, seed: int) -> CameraReliability:
    """A camera whose logits are the true ones times a factor, plus an offset."""
    generator = torch.Generator().manual_seed(seed)
    truth = 2 * torch.randn(50_000, generator=generator) - 2
    label = (torch.rand(truth.shape, generator=generator) < torch.sigmoid(truth)).float()
    pixels = Reliability.of(torch.sigmoid(factor * truth + offset), label, BINS)
    return CameraReliability(pixels, pixels.dice_by_threshold())


def loss(cameras: list[CameraReliability], threshold: float) -> float:
    """The largest loss of Dice at a threshold."""
    return max(float(np.nanmax(each.dice)) - each.dice_at(threshold) for each in cameras)


def test_no_threshold_has_a_smaller_largest_loss():
    cameras = [camera(1.0, 1.0, 0), camera(-1.0, 1.0, 1), camera(-0.5, 1.0, 2)]
    fitted = LogitCalibration.fit(cameras)
    assert loss(cameras, fitted.threshold) == min(loss(cameras, t / BINS) for t in range(1, BINS))
    assert loss(cameras, fitted.threshold) < loss(cameras, 0.5)


def test_temperature_is_the_geometric_mean():
    cameras = [camera(0.0, 1.5, 0), camera(0.0, 3.0, 1)]
    shift = LogitCalibration.fit(cameras).shift
    temperatures = [each.pixels.recalibrated(shift=shift).fit_temperature() for each in cameras]
    assert LogitCalibration.fit(cameras).temperature == pytest.approx(np.sqrt(np.prod(temperatures)))


def test_columns_are_without_and_with_it():
    seen = camera(0.7, 2.0, 0)
    calibration = LogitCalibration(0.4, 2.0)
    columns = calibration.columns(seen)
    best = columns["best threshold"]
    assert columns["dice at it"] == max(seen.dice_at(t / BINS) for t in range(1, BINS)) == seen.dice_at(best)
    assert columns["calibration error"] == seen.pixels.expected_error()
    assert columns["dice with it"] == seen.dice_at(0.4)
    after = seen.pixels.recalibrated(2.0, calibration.shift)
    assert columns["calibration error with it"] == after.expected_error() < seen.pixels.expected_error()
    assert after.dice_by_threshold()[BINS // 2] == pytest.approx(seen.dice_at(0.4), abs=2e-3)


def test_the_last_layer_gives_the_calibrated_probabilities():
    network = SREUNet(2, 3, 2, features=(4, 4, 8, 4), kernel_size=3).eval()
    image = torch.randn(1, 3, 20, 21)
    calibration = LogitCalibration(0.35, 1.6)
    before = network(image)
    network.load_state_dict(calibration.apply(network.state_dict()))
    probability = network(image).softmax(1)[:, 1]
    logit = before[:, 1] - before[:, 0]
    torch.testing.assert_close(probability, torch.sigmoid((logit + calibration.shift) / 1.6))
    assert torch.equal(probability > 0.5, before.softmax(1)[:, 1] > 0.35)


def test_reads_what_an_evaluation_has_written(tmp_path):
    evaluation = Calibration(tmp_path, num_bins=20)
    evaluation.images = [
        Reliability.of(torch.tensor([0.1, 0.3, 0.9]), torch.tensor([0, 1, 1]), 20),
        Reliability.of(torch.tensor([0.1, 0.3, 0.9]), torch.tensor([0, 0, 1]), 20),
    ]
    evaluation._write()
    read = CameraReliability.read(tmp_path)
    for values, expected in zip(read.pixels, Reliability.pooled(evaluation.images), strict=True):
        np.testing.assert_allclose(values, expected)
    assert [read.dice_at(threshold) for threshold in (0.25, 0.5)] == pytest.approx([5 / 6, 5 / 6])
    assert read.dice_at(0.05) == pytest.approx((0.8 + 0.5) / 2)


def measured(folder, best: int) -> Result:
    """An evaluation whose best threshold is ``best`` twentieths."""
    folder.mkdir()
    lines = [f"{i / 20},10,{i / 20 + 0.02},{i / 20 + 0.02},{0.8 - 0.01 * abs(i - best)}" for i in range(20)]
    (folder / "reliability.csv").write_text("\n".join(["threshold,pixels,probability,frequency,dice", *lines]))
    return Result(folder.name, 0, {}, {"all": folder}, folder.parent / "weights.pt")


def test_weights_are_calibrated_on_all_cameras(tmp_path):
    state = SREUNet(2, 3, 2, features=(4, 4, 8, 4), kernel_size=3).state_dict()
    torch.save(state, tmp_path / "weights.pt")
    (tmp_path / "weights.json").write_text('{"steps": 8415}')
    results = [measured(tmp_path / name, best) for name, best in (("DRIVE", 4), ("STARE", 8), ("HRF", 8))]
    calibrate(results, tmp_path, "all")
    fitted = LogitCalibration.fit([CameraReliability.read(each.folders["all"]) for each in results])
    assert fitted.threshold == 0.3
    record = json.loads((tmp_path / "model.json").read_text())
    assert record == {"steps": 8415, "calibration": {"threshold": 0.3, "temperature": fitted.temperature}}
    calibrated = torch.load(tmp_path / "model.pt", weights_only=True)
    assert all(torch.equal(calibrated[name], values) for name, values in fitted.apply(state).items())
    assert [each.values["all dice with it"] for each in results] == pytest.approx([0.78] * 3)


def test_a_camera_is_calibrated_by_the_others(tmp_path):
    results = [measured(tmp_path / name, best) for name, best in (("DRIVE", 4), ("STARE", 8), ("HRF", 10))]
    add_calibrations([*results, results[0]._replace(seed=1)], tmp_path)
    assert [each.values["all fitted threshold"] for each in results] == pytest.approx([0.45, 0.35, 0.3])
    alone = [results[0]._replace(values={})]
    add_calibrations(alone, tmp_path)
    assert alone[0].values == {}
