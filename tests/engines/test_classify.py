import csv

import pytest
import torch

from sre_monai.engines import ClassificationReport, ReportClassesd
from sre_monai.metrics import MULTI_LABEL


def test_multi_label_names_all_above_one_half():
    report = ReportClassesd("pred", MULTI_LABEL, ["a", "b", "c"])({"pred": torch.tensor([1.0, -1.0, 2.0])})["report"]
    assert report["prediction"] == "a; c"
    assert float(report["probability_b"]) == pytest.approx(0.2689, abs=1e-4)


def test_classes_must_fit():
    with pytest.raises(ValueError, match="classes names 3 classes, the network gives \\(2,\\)"):
        ReportClassesd("pred", "multi-class", ["a", "b", "c"])({"pred": torch.zeros(2)})


def test_report_has_its_columns_even_when_all_fail(tmp_path):
    report = ClassificationReport(tmp_path, ["a", "b"])
    done = {"file": "z.png", "status": "done", "prediction": "a", "probability_a": "0.9", "probability_b": "0.1"}
    failed = {"file": "b.png", "status": "failed", "reason": "damaged"}
    report.write([{"file": "z.png"}, {"file": "b.png"}], [done, failed])
    with (tmp_path / "report.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["file", "status", "reason", "prediction", "probability_a", "probability_b", "seconds"]
    assert [(row["file"], row["prediction"]) for row in rows] == [("b.png", ""), ("z.png", "a")]
    assert "damaged" in (tmp_path / "report.html").read_text(encoding="utf-8")
