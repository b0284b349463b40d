"""Each flag is raised by its own defect only."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from scipy.ndimage import gaussian_filter

from sre_monai.io import RGBReader
from sre_monai.retina import (
    FieldOfViewd,
    NormalizeInsideFieldOfViewd,
    PhotographQualityd,
    WorkingResolutiond,
    synthetic_fundus,
)

DIAMETER = 260


@pytest.fixture(scope="module")
def pixels():
    return synthetic_fundus((300, 280), seed=4).image


def report(pixels, diameter=DIAMETER):
    """The quality measures of a photograph (H, W, 3)."""
    photograph = MetaTensor(torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 1, 0))))
    data = FieldOfViewd("image")({"image": photograph})
    chain = Compose(
        [
            NormalizeInsideFieldOfViewd("image"),
            WorkingResolutiond(["image", "fov"], mode=["bilinear", "nearest"], diameter=diameter),
            PhotographQualityd("image", working_diameter=diameter),
        ]
    )
    return chain({**data, "photograph": photograph, "photograph_fov": data["fov"]})["report"]


def test_a_good_photograph_has_no_flag(pixels):
    figures = report(pixels)
    assert figures["quality"] == ""
    assert (figures["width"], figures["height"], figures["working_scale"]) == (300, 280, 1.0)
    fov = pixels.max(axis=-1) > 40
    assert figures["brightness"] == pytest.approx(np.median(pixels[..., 0][fov]), abs=3)


def test_a_blurred_one(pixels):
    assert report(gaussian_filter(pixels, (3, 3, 0)))["quality"] == "blurred"


def test_a_dark_one(pixels):
    assert report((0.2 * pixels).astype(np.uint8))["quality"] == "dark"


def test_an_overexposed_one(pixels):
    assert report(np.minimum(3.0 * pixels, 255).astype(np.uint8))["quality"] == "overexposed"
    assert "overexposed" not in report(np.minimum(1.3 * pixels, 255).astype(np.uint8))["quality"]


def test_one_without_a_border(pixels):
    assert "no border" in report(pixels[90:190, 100:200])["quality"]


def test_a_small_one(pixels):
    figures = report(pixels[::3, ::3])
    assert "small" in figures["quality"]
    assert figures["working_scale"] == pytest.approx(DIAMETER / figures["fov_diameter_px"], rel=0.02)


def test_a_sliver(pixels):
    sliver = np.zeros_like(pixels)
    sliver[120:170] = pixels[120:170]
    assert "irregular field of view" in report(sliver)["quality"]


@pytest.mark.parametrize("name", ["DRIVE/test/images/01_test.tif", "CHASEDB1/Image_05L.jpg", "HRF/images/01_dr.JPG"])
def test_real_photographs_have_no_flag(name, shared_data):
    pixels, _ = RGBReader().get_data([shared_data / name])
    assert report(pixels.transpose(1, 0, 2), diameter=540)["quality"] == ""
    if not name.startswith("HRF"):  # the darkest of them
        overexposed = np.minimum(3.0 * pixels.transpose(1, 0, 2), 255)
        assert "overexposed" in report(overexposed.astype(np.uint8), diameter=540)["quality"]


def test_two_eyes_in_one_picture(pixels):
    both = np.concatenate([pixels, pixels[:, ::-1]], axis=1)
    figures = report(both)
    assert figures["quality"] == "two fields of view"
    assert figures["fov_diameter_px"] == report(pixels)["fov_diameter_px"]
