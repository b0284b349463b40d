import csv
import json

import pytest
import torch

from sre_monai.evaluation import EvaluationHandler
from sre_monai.medmnist import MULTI_LABEL, ClassificationTable, classification_scores
from tests.medmnist.classification_toy import CLASSES, evaluator, items

NETWORK = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))


def test_files_against_direct_calculation(tmp_path):
    data = items()
    table = ClassificationTable("multi-class", CLASSES)
    evaluator(NETWORK, data, EvaluationHandler(tmp_path, [table], {"dataset": "toy"})).run()
    with torch.no_grad():
        probability = NETWORK(torch.stack([item["image"] for item in data])).softmax(1)
    with (tmp_path / "per_image.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["index"]) for row in rows] == list(range(7))
    assert [int(row["label"]) for row in rows] == [item["label"] for item in data]
    assert [int(row["prediction"]) for row in rows] == probability.argmax(1).tolist()
    assert [float(row["probability_b"]) for row in rows] == pytest.approx(probability[:, 1].tolist(), abs=1e-6)
    expected = classification_scores(probability, torch.tensor([item["label"] for item in data]), "multi-class")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary == pytest.approx({"dataset": "toy", "num_images": 7, **expected})


def test_multi_label_rows_name_every_label(tmp_path):
    data = [{**item, "label": torch.tensor([1.0, 0.0, float(item["index"] % 2)])} for item in items()]
    table = ClassificationTable(MULTI_LABEL, CLASSES)
    evaluator(NETWORK, data, EvaluationHandler(tmp_path, [table]), task=MULTI_LABEL).run()
    with (tmp_path / "per_image.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["label"] for row in rows] == ["0", "0 2", "0", "0 2", "0", "0 2", "0"]
    for row in rows:
        above = [k for k, name in enumerate(CLASSES) if float(row[f"probability_{name}"]) > 0.5]
        assert row["prediction"] == " ".join(map(str, above))


def test_a_second_run_starts_anew(tmp_path):
    table = ClassificationTable("multi-class", CLASSES)
    engine = evaluator(NETWORK, items(), EvaluationHandler(tmp_path, [table]))
    engine.run()
    engine.run()
    assert table.summarize()["num_images"] == 7
