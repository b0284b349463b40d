"""Resampling about the centre: places are kept, and it commutes with the symmetries of the grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from sre_monai.transforms import grid_symmetries
from sre_monai.volumes import CentredSpacingd
from tests.volumes.toy import smooth_noise


def volume(size, spacing, seed=0):
    return MetaTensor(torch.tensor(smooth_noise(size, seed))[None], affine=torch.diag(torch.tensor([*spacing, 1.0])))


def place_of_centre(x):
    centre = [(n - 1) / 2 for n in x.shape[1:]]
    return (x.affine.numpy() @ [*centre, 1])[:3]


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.5, 1.3, 2.2), (0.95, 1.05, 3)])
def test_the_centre_and_the_extent_are_kept(spacing):
    x = volume((20, 21, 13), spacing)
    y = CentredSpacingd("image")({"image": x})["image"]
    np.testing.assert_allclose(place_of_centre(y), place_of_centre(x), atol=1e-6)
    extents = [np.array(z.shape[1:]) * z.pixdim.numpy() for z in (x, y)]
    np.testing.assert_allclose(*extents, rtol=1e-6)
    assert (np.abs(y.pixdim.numpy() - 1) <= 0.1).all()


def test_volumes_that_are_close_enough_stay_as_they_are():
    x = volume((20, 21, 13), (0.95, 1, 1.05))
    y = CentredSpacingd("image")({"image": x})["image"]
    assert torch.equal(y, x)
    assert torch.equal(y.affine, x.affine)


@pytest.mark.parametrize("spacing", [0.6, 1.7])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_it_commutes_with_the_symmetries_of_the_grid(spacing, mode):
    transform = CentredSpacingd("image", mode=mode)
    x = volume((10, 11, 13), (spacing,) * 3)
    x = x if mode == "bilinear" else x.round().div(20).round()
    upright = transform({"image": x})["image"].as_tensor()
    for symmetry in grid_symmetries(3):
        turned = MetaTensor(symmetry.apply(x.as_tensor()), affine=x.affine)
        made = transform({"image": turned})["image"].as_tensor()
        torch.testing.assert_close(made, symmetry.apply(upright), rtol=1e-6, atol=1e-5)


def test_the_inverse_has_the_original_grid():
    preprocessing = Compose([CentredSpacingd("image")])
    x = volume((20, 21, 13), (0.5, 1.3, 2.2))
    item = preprocessing({"image": x})
    item["pred"] = MetaTensor(item["image"].as_tensor().clone())
    back = Invertd("pred", preprocessing, "image", nearest_interp=False)(item)["pred"]
    assert back.shape == x.shape
    torch.testing.assert_close(back.affine, x.affine)
    assert np.corrcoef(back.numpy().ravel(), x.numpy().ravel())[0, 1] > 0.97


@pytest.mark.parametrize("arguments", [{"spacing": 0}, {"tolerance": -1}, {"mode": "cubic"}])
def test_arguments_are_checked(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        CentredSpacingd("image", **arguments)
