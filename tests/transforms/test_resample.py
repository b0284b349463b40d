"""Compared with MONAI's Resize and scipy's Gaussian, and under the symmetries."""

import numpy as np
import pytest
import torch
from monai.transforms import Resize
from scipy.ndimage import gaussian_filter

from sre_monai.transforms import resample as module
from sre_monai.transforms.resample import resample, resample_mask

SIZES = [
    ((31, 28), (9, 10)),
    ((9, 7), (31, 30)),
    ((20, 16), (15, 33)),
    ((5, 1), (3, 7)),
    ((1, 1), (4, 4)),
    ((8, 9), (8, 9)),
]


def expected(image, size, smooth):
    sigma = [max(0, (n / m - 1) / 2) if smooth else 0 for n, m in zip(image.shape[1:], size)]
    blurred = gaussian_filter(image.astype(float), (0, *sigma), mode="nearest")
    return np.asarray(Resize(size, mode="bilinear", align_corners=False, dtype=torch.float64)(blurred))


@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("smooth", [True, False])
def test_against_monai_and_scipy(before, after, dtype, smooth, monkeypatch):
    monkeypatch.setattr(module, "STRIP", 50)  # many strips
    image = np.random.default_rng(0).integers(0, 256, (3, *before)).astype(dtype)
    result = resample(image, after, smooth)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected(image, after, smooth), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_it_rotates_with_the_image(before, after):
    image = np.random.default_rng(0).integers(0, 256, (2, *before)).astype(np.uint8)
    upright = resample(image, after)
    np.testing.assert_allclose(resample(image[:, ::-1], after), upright[:, ::-1], rtol=1e-6)
    np.testing.assert_allclose(resample(image.transpose(0, 2, 1), after[::-1]), upright.transpose(0, 2, 1), rtol=1e-6)


@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("smooth", [True, False])
def test_a_mask_is_cut_at_one_half(before, after, smooth, monkeypatch):
    monkeypatch.setattr(module, "STRIP", 50)
    mask = np.random.default_rng(0).random((2, *before)) > 0.5
    result = resample_mask(mask, after, smooth)
    assert result.dtype == bool
    weights = expected(mask, after, smooth)
    unclear = np.abs(weights - 0.5) < 1e-5
    np.testing.assert_array_equal(result[~unclear], weights[~unclear] > 0.5)


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_a_mask_rotates_exactly(before, after):
    mask = np.random.default_rng(0).random((2, *before)) > 0.5
    upright = resample_mask(mask, after)
    np.testing.assert_array_equal(resample_mask(mask[:, ::-1], after), upright[:, ::-1])
    np.testing.assert_array_equal(resample_mask(mask.transpose(0, 2, 1), after[::-1]), upright.transpose(0, 2, 1))
