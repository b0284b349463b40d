"""The steps of inference.json in tensors equal those of the bundle."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from sre_monai import VesselSegmenter
from sre_monai.retina import PhotographNetwork, field_of_view_diameter
from sre_monai.retina.photograph_network import feret_diameter, resample, resample_mask
from sre_monai.transforms import resample as arrays

SAMPLE = "docs/sample/eye_565x584.png"


def segmenter_and_module(**options):
    segmenter = VesselSegmenter(**options)
    return segmenter, PhotographNetwork(segmenter._network, **options).eval()


def photograph(scale: float = 0.3) -> np.ndarray:
    """The sample, small."""
    image = Image.open(SAMPLE).convert("RGB")
    return np.asarray(image.resize([round(n * scale) for n in image.size], Image.Resampling.BOX)).copy()


@torch.no_grad()
def probability(module, image, field_of_view):
    return module(torch.from_numpy(image), torch.from_numpy(field_of_view.astype(np.uint8))).numpy()


@pytest.mark.parametrize(
    "options",
    [
        {"working_diameter": 100, "window_size": 64},
        {"working_diameter": 160, "window_size": 1024},
        {"working_diameter": 90, "largest_diameter": 120, "window_size": 48},
    ],
    ids=["windows", "as it is", "reduced twice"],
)
def test_probabilities_are_those_of_the_bundle(options):
    segmenter, module = segmenter_and_module(**options)
    image = np.pad(photograph(), ((0, 9), (60, 0), (0, 0)))  # a border that is cropped
    expected = segmenter.segment(image)
    actual = probability(module, image, expected.field_of_view)
    assert actual.max() > 0.5
    np.testing.assert_allclose(actual, expected.probability, atol=1e-4)


def test_turned_and_mirrored_photographs_give_the_turned_and_mirrored_probability():
    segmenter, module = segmenter_and_module(working_diameter=100, window_size=64)
    image = photograph()
    fov = segmenter.segment(image).field_of_view
    expected = probability(module, image, fov)
    for turns in range(4):
        for flip in (False, True):
            turned, inside, result = (np.rot90(x[:, ::-1] if flip else x, turns) for x in (image, fov, expected))
            actual = probability(module, np.ascontiguousarray(turned), np.ascontiguousarray(inside))
            np.testing.assert_allclose(actual, result, atol=1e-5)


@pytest.mark.parametrize("size", [(13, 17), (31, 23), (80, 61), (3, 1)])
@pytest.mark.parametrize("smooth", [True, False])
def test_resampling_is_that_of_arrays(size, smooth):
    image = np.random.default_rng(0).random((2, 31, 47)).astype(np.float32)
    expected = arrays.resample(image, size, smooth)
    np.testing.assert_allclose(resample(torch.from_numpy(image), size, smooth), expected, atol=1e-6)
    if smooth:
        mask = image > 0.5
        np.testing.assert_array_equal(resample_mask(torch.from_numpy(mask), size), arrays.resample_mask(mask, size))


@pytest.mark.parametrize(("height", "width", "cut"), [(9, 9, 0), (1, 7, 0), (40, 21, 0), (60, 61, 11)])
def test_diameter_is_that_of_the_field_of_view(height, width, cut):
    y, x = np.mgrid[:height, :width]
    mask = ((y + 0.5) / height - 0.5) ** 2 + ((x + 0.5) / width - 0.5) ** 2 <= 0.25
    mask[:cut] = False
    assert feret_diameter(torch.from_numpy(mask)).item() == field_of_view_diameter(mask)
