import pytest
import torch

from sre_monai.medmnist import MULTI_LABEL, ReportClassesd


def test_multi_label_names_all_above_one_half():
    report = ReportClassesd("pred", MULTI_LABEL, ["a", "b", "c"])({"pred": torch.tensor([1.0, -1.0, 2.0])})["report"]
    assert report["prediction"] == "a; c"
    assert float(report["probability_b"]) == pytest.approx(0.2689, abs=1e-4)


def test_classes_must_fit():
    with pytest.raises(ValueError, match="classes names 3 classes, the network gives \\(2,\\)"):
        ReportClassesd("pred", "multi-class", ["a", "b", "c"])({"pred": torch.zeros(2)})
