"""Turning volumes: exact where the grid allows, and otherwise as scipy does it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from sre_monai.volumes import Turn, random_axes
from tests.volumes.toy import smooth_noise


@pytest.mark.parametrize(("axis", "planes"), [((1, 0, 0), (2, 3)), ((0, 1, 0), (3, 1)), ((0, 0, 1), (1, 2))])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3, 5])
def test_quarter_turns_are_exact(axis, planes, quarters):
    x = torch.rand(2, 5, 6, 7)
    turn = Turn(axis, 90.0 * quarters)
    assert torch.equal(turn.apply(x), x.rot90(quarters, planes))
    assert torch.equal(turn.invert(turn.apply(x), x.shape[1:]), x)
    assert turn.is_upright == (quarters == 0)


def test_mirror_images_are_exact():
    x = torch.rand(2, 5, 6, 7)
    assert torch.equal(Turn(mirrored=(True, False, True)).apply(x), x.flip(1, 3))


@pytest.mark.parametrize("turn", [Turn((0, 0, 1), 30), Turn((1, -2, 0.5), 77, (True, False, False))])
def test_interpolation_is_that_of_scipy(turn):
    x = smooth_noise((12, 13, 10))
    made = turn.apply(torch.tensor(x)[None])[0].numpy()
    centres = [(np.array(values.shape) - 1) / 2 for values in (x, made)]
    offset = centres[0] - turn.matrix.T @ centres[1]
    expected = ndimage.affine_transform(
        np.pad(x, 1), turn.matrix.T, offset=offset + 1, output_shape=made.shape, order=1, mode="constant"
    )
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_nothing_is_cut():
    x = torch.ones(1, 9, 14, 11)
    for axis in random_axes(5):
        turned = Turn(axis, 50).apply(x)
        assert turned.sum() == pytest.approx(x.sum().item(), rel=0.02)
        back = Turn(axis, 50).invert(turned, x.shape[1:])
        assert back[:, 2:-2, 2:-2, 2:-2].min() > 0.99


def test_random_axes_are_reproducible():
    assert random_axes(3) == random_axes(3)
    assert random_axes(3, seed=1) != random_axes(3)
    np.testing.assert_allclose(np.linalg.norm(random_axes(9), axis=1), 1)
