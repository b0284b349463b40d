from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from monai.metrics import compute_dice
from PIL import Image

from sre_monai.evaluation import Calibration
from sre_monai.metrics import Reliability
from tests.evaluation.toy import evaluator, items


def test_files_describe_the_pixels_inside_the_mask(tmp_path):
    data = items(3, (60, 50))
    handler = Calibration(tmp_path, num_bins=20, mask_key="fov")
    evaluator(data, handler).run()
    inside = [item["fov"] > 0 for item in data]
    probabilities = [torch.sigmoid(item["image"].as_tensor())[fov] for item, fov in zip(data, inside, strict=True)]
    labels = [item["label"][fov] for item, fov in zip(data, inside, strict=True)]
    pooled = Reliability.of(torch.cat(probabilities), torch.cat(labels), 20)

    with (tmp_path / "reliability.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert [float(row["threshold"]) for row in rows] == pytest.approx([i / 20 for i in range(20)])
    assert [float(row["pixels"]) for row in rows] == pooled.pixels.tolist()
    np.testing.assert_allclose([float(row["frequency"]) for row in rows], pooled.frequency, rtol=1e-4)
    pairs = zip(probabilities, labels, strict=True)
    dice = np.mean([compute_dice((p >= 0.3)[None, None], y[None, None]).item() for p, y in pairs])
    assert float(rows[6]["dice"]) == pytest.approx(dice, abs=1e-6)

    summary = json.loads((tmp_path / "calibration.json").read_text())
    assert summary["expected_calibration_error"] == pytest.approx(pooled.expected_error(20), rel=1e-4)
    assert summary["temperature"] == pytest.approx(pooled.fit_temperature(), rel=1e-3)
    assert summary["best_dice"] == max(float(row["dice"]) for row in rows)
    assert summary["dice"] == float(rows[10]["dice"])


def test_without_a_mask_all_pixels_count(tmp_path):
    data = items(2, (60, 50))
    evaluator(data, Calibration(tmp_path, num_bins=20)).run()
    with (tmp_path / "reliability.csv").open() as table:
        assert sum(float(row["pixels"]) for row in csv.DictReader(table)) == 2 * 60 * 50


def test_a_second_run_starts_again(tmp_path):
    handler = Calibration(tmp_path)
    engine = evaluator(items(), handler)
    engine.run()
    first = (tmp_path / "calibration.json").read_text()
    engine.run()
    assert (tmp_path / "calibration.json").read_text() == first


def test_the_diagram_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")  # the optional extra `viz`
    evaluator(items(2, (60, 50)), Calibration(tmp_path, num_bins=20)).run()
    with Image.open(tmp_path / "reliability.png") as picture:
        assert picture.size == (750, 750)
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 10
