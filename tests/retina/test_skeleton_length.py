import numpy as np
import pytest
import torch

from sre_monai.retina import SkeletonLengthd
from sre_monai.retina.skeleton_length import skeleton_length


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_straight_vessel_is_as_long_as_it_is(width):
    mask = np.zeros((60, 40), bool)
    mask[5:55, 20 : 20 + width] = True
    assert skeleton_length(mask) == pytest.approx(50, abs=width)


def test_it_is_reported_in_the_photographs_pixels():
    probability = torch.zeros(1, 40, 30)
    probability[0, 5:35, 15] = 0.6
    report = {"working_scale": 0.25}
    assert SkeletonLengthd("pred", 0.5)({"pred": probability, "report": report})["report"]["skeleton_length_px"] == 120
    assert SkeletonLengthd("pred", 0.7)({"pred": probability, "report": report})["report"]["skeleton_length_px"] == 0
