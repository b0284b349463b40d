import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from sre_monai.volumes import structure_scores

STRUCTURES = {1: "a", 2: "b"}


def boxes(*slices):
    labels = torch.zeros(1, 12, 12, 12)
    for number, box in enumerate(slices, start=1):
        labels[(0, *box)] = number
    return labels


def surface_distances(first, second, spacing):
    """From each surface voxel of the first to the nearest of the second."""
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (first, second)]
    return ndimage.distance_transform_edt(~surfaces[1], sampling=spacing)[surfaces[0]]


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 1, 3)])
def test_values_against_a_direct_computation(spacing):
    label = boxes(np.s_[2:8, 2:8, 2:8], np.s_[9:11, 2:8, 2:8])
    prediction = boxes(np.s_[3:8, 2:9, 2:8], np.s_[9:11, 2:8, 4:8])
    scores = structure_scores(prediction, label, STRUCTURES, spacing)
    for number, name in STRUCTURES.items():
        first, second = ((values[0] == number).numpy() for values in (prediction, label))
        assert scores[f"{name}_dice"] == pytest.approx(2 * (first & second).sum() / (first.sum() + second.sum()))
        expected = max(
            np.percentile(surface_distances(*pair, spacing), 95) for pair in ((first, second), (second, first))
        )
        assert scores[f"{name}_hd95"] == pytest.approx(expected)


def test_a_missing_structure():
    label, nothing = boxes(np.s_[2:8, 2:8, 2:8]), torch.zeros(1, 12, 12, 12)
    scores = structure_scores(nothing, label, STRUCTURES, (1, 1, 1))
    assert scores["a_dice"] == 0
    assert math.isnan(scores["a_hd95"])
    assert math.isnan(scores["b_dice"])
