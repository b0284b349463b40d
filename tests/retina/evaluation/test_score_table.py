from __future__ import annotations

import csv
import json
import logging

import pytest
import torch

from sre_monai.evaluation import EvaluationHandler
from sre_monai.metrics import compute_pixel_roc_auc
from sre_monai.retina import ScoreTable, vessel_scores
from tests.evaluation.toy import evaluator, items


@pytest.fixture
def data():
    return items()


def test_rows_and_summary(data, tmp_path, caplog):
    table = EvaluationHandler(tmp_path, [ScoreTable(threshold=0.6)], {"dataset": "toy"})
    with caplog.at_level(logging.INFO):
        evaluator(data, table).run()
    with (tmp_path / "per_image.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["image"], row["rater"]) for row in rows] == [
        ("0.tif", "model"),
        ("0.tif", "second_observer"),
        ("1.tif", "model"),
    ]
    maps = [(torch.sigmoid(item["image"].as_tensor()), item["label"], item["fov"]) for item in data]
    maps.insert(1, (data[0]["second_observer"], data[0]["label"], data[0]["fov"]))
    for row, (probability, label, fov) in zip(rows, maps, strict=True):
        for name, score in vessel_scores(probability, label, fov, 0.6).items():
            assert float(row[name]) == pytest.approx(score, abs=1e-6)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary == table.summarize()
    assert (summary["dataset"], summary["num_images"]) == ("toy", 2)
    pooled = [torch.cat([values[place][values[2] > 0] for values in (maps[0], maps[2])]) for place in (0, 1)]
    assert summary["raters"]["model"]["pooled_auc"] == pytest.approx(compute_pixel_roc_auc(*pooled))
    assert summary["raters"]["second_observer"]["num_images"] == 1
    assert f"{summary['raters']['model']['scores']['dice']['mean']:.4f} ±" in caplog.text


def test_a_second_run_starts_anew(data, tmp_path):
    engine = evaluator(data, EvaluationHandler(tmp_path, [ScoreTable()]))
    engine.run()
    first = (tmp_path / "per_image.csv").read_bytes(), (tmp_path / "summary.json").read_bytes()
    engine.run()
    assert ((tmp_path / "per_image.csv").read_bytes(), (tmp_path / "summary.json").read_bytes()) == first


def test_undefined_scores_are_null(data, tmp_path):
    for item in data:
        item["label"] = torch.zeros_like(item["label"])
    evaluator(data, EvaluationHandler(tmp_path, [ScoreTable()])).run()
    model = json.loads((tmp_path / "summary.json").read_text())["raters"]["model"]
    assert model["pooled_auc"] is None
    assert model["scores"]["sensitivity"]["mean"] is None
    assert model["scores"]["specificity"]["mean"] > 0
