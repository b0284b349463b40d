"""The sample turns with the image, and is as large as asked for."""

import numpy as np
import pytest
import torch

from sre_monai.transforms.centred_sample import centred_sample
from sre_monai.transforms.grid_symmetries import grid_symmetries


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
@pytest.mark.parametrize("size", [(40, 40), (41, 41), (40, 57), (33, 64), (7, 8)])
@pytest.mark.parametrize("least_side", [1, 4, 7, 13])
def test_it_turns_with_the_image(symmetry, size, least_side):
    image = torch.arange(2 * size[0] * size[1]).reshape(2, *size)
    turned = centred_sample(symmetry.apply(image).numpy(), least_side)
    expected = symmetry.apply(torch.from_numpy(centred_sample(image.numpy(), least_side).copy()))
    np.testing.assert_array_equal(turned, expected)


@pytest.mark.parametrize(("size", "step"), [((9, 10), 1), ((11, 10), 1), ((15, 30), 3), ((24, 24), 3), ((25, 90), 5)])
def test_step_is_the_largest_odd_one(size, step):
    sample = centred_sample(np.arange(size[0] * size[1]).reshape(1, *size), least_side=5)
    assert min(sample.shape[1:]) >= 5 or min(size) < 5
    assert set(np.diff(sample[0], axis=1).ravel()) == {step}
    assert set(np.diff(sample[0], axis=0).ravel()) == {step * size[1]}
