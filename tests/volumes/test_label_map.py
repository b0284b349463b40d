import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from sre_monai.volumes import LabelMapd, structure_columns

STRUCTURES = {1: "anterior hippocampus", 2: "posterior hippocampus"}


def item(spacing=(2, 1, 0.5)):
    probabilities = torch.tensor([[0.8, 0.1, 0.3, 0.2], [0.1, 0.7, 0.3, 0.2], [0.1, 0.2, 0.4, 0.6]])
    affine = torch.diag(torch.tensor([*map(float, spacing), 1.0]))[[1, 0, 2, 3]]
    return {"pred": MetaTensor(probabilities.reshape(3, 2, 1, 2), affine=affine), "report": {"kept": 1}}


def test_labels_and_figures():
    done = LabelMapd("pred", STRUCTURES)(item())
    assert done["labels"].flatten().tolist() == [0, 1, 2, 2]
    assert done["labels"].dtype == torch.uint8
    np.testing.assert_array_equal(done["labels"].affine, item()["pred"].affine)
    report = done["report"]
    assert set(report) == {"kept", *structure_columns(STRUCTURES)}
    assert report["anterior_hippocampus_mm3"] == 1.0
    assert report["posterior_hippocampus_mm3"] == 2.0
    assert report["mean_probability"] == pytest.approx((0.7 + 0.4 + 0.6) / 3, abs=1e-4)
    assert (report["size"], report["spacing_mm"], report["orientation"]) == ("2×1×2", "2×1×0.5", "ARS")


def test_nothing_found():
    probabilities = MetaTensor(torch.tensor([1.0, 0, 0]).reshape(3, 1, 1, 1))
    report = LabelMapd("pred", STRUCTURES)({"pred": probabilities})["report"]
    assert (report["anterior_hippocampus_mm3"], report["mean_probability"]) == (0, "")


def test_other_numbers_of_classes_are_refused():
    with pytest.raises(ValueError, match="2 structures and background need as many probabilities, got 2"):
        LabelMapd("pred", STRUCTURES)({"pred": MetaTensor(torch.zeros(2, 1, 1, 1))})
