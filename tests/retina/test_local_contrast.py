"""Local contrast normalisation compared with windows computed pixel by pixel, and its invariances."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.ndimage import gaussian_filter, zoom

from sre_monai.retina import LocalContrastNormalizationd
from sre_monai.retina.local_contrast import FLOOR
from sre_monai.transforms import grid_symmetries


def disc(width, height):
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height), indexing="ij")
    return torch.from_numpy(x**2 + y**2 < 0.9)[None]


def texture(width, height, seed=0):
    """Smooth noise of three channels with uneven light."""
    noise = np.random.default_rng(seed).normal(size=(3, width, height))
    return torch.from_numpy(10 * gaussian_filter(noise, (0, 2, 2)) + np.linspace(0, 5, width)[:, None]).float()


def normalize(image, fov, **kwargs):
    return LocalContrastNormalizationd("image", **kwargs)({"image": image, "fov": fov.float()})["image"]


@pytest.mark.parametrize("size", [(200, 200), (161, 240)], ids=str)
def test_against_windows_about_every_pixel(size):
    image, fov = texture(*size), disc(*size)
    sigma = 0.05 * max(np.ptp(np.nonzero(fov[0].numpy())[axis]) + 1 for axis in (0, 1))
    inside = fov[0].numpy().astype(float)
    for channel, result in zip(image.double().numpy(), normalize(image, fov, window=0.05).numpy()):
        weight = gaussian_filter(inside, sigma) + 1e-12
        mean = gaussian_filter(channel * inside, sigma) / weight
        spread = np.sqrt(gaussian_filter(channel**2 * inside, sigma) / weight - mean**2)
        expected = (channel - mean) / (spread + FLOOR * spread[inside > 0].mean()) * inside
        assert np.abs(result - expected).max() < 0.15  # from the coarse grid; values reach 3
        assert np.abs(result - expected).mean() < 0.02


@pytest.mark.parametrize("size", [(40, 40), (97, 130), (150, 101)], ids=str)
def test_rotates_with_the_image(size):
    image, fov = texture(*size), disc(*size)
    expected = normalize(image, fov)
    for symmetry in grid_symmetries(2):
        turned = normalize(symmetry.apply(image), symmetry.apply(fov))
        torch.testing.assert_close(turned, symmetry.apply(expected), rtol=0, atol=2e-6)


def test_gain_and_offset_of_the_camera_change_nothing():
    image, fov = texture(120, 130), disc(120, 130)
    gain, offset = torch.tensor([0.2, 3.0, 70.0])[:, None, None], torch.tensor([5.0, -4.0, 100.0])[:, None, None]
    torch.testing.assert_close(normalize(image * gain + offset, fov), normalize(image, fov), rtol=0, atol=1e-4)


def test_uneven_light_goes():
    image, fov = texture(200, 200), disc(200, 200)
    light = torch.linspace(0.3, 1.0, 200)[:, None]
    inside = fov.expand(3, -1, -1)
    even, uneven = (normalize(x + 20, fov)[inside] for x in (image, image * light))
    assert np.corrcoef(even, uneven)[0, 1] > 0.99


def test_resolution_changes_little():
    image, fov = texture(150, 150), disc(150, 150)
    large = torch.from_numpy(zoom(image.numpy(), (1, 2, 2), order=1, grid_mode=True, mode="nearest"))
    small, shrunk = normalize(image, fov), normalize(large, disc(300, 300))[:, ::2, ::2]
    inside = (fov & disc(300, 300)[:, ::2, ::2]).expand(3, -1, -1)
    assert np.corrcoef(small[inside], shrunk[inside])[0, 1] > 0.98


@pytest.mark.parametrize("value", [0.0, 0.1, 255.0])
def test_a_constant_channel_becomes_zero(value):
    image = texture(60, 60)
    image[1] = value
    result = normalize(image, disc(60, 60))
    assert result[1].abs().max() < 1e-3
    assert result[0].std() > 0.3


def test_outside_is_zero_and_metadata_stay():
    fov = disc(60, 70)
    result = normalize(MetaTensor(texture(60, 70), meta={"filename_or_obj": "eye.png"}), fov)
    assert result.dtype == torch.float32
    assert result.meta["filename_or_obj"] == "eye.png"
    assert not result[~fov.expand(3, -1, -1)].any()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 300)], ids=str)
def test_tiny_images_stay_finite(size):
    assert normalize(torch.rand(3, *size), torch.ones(1, *size)).isfinite().all()


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="window must be a part"):
        LocalContrastNormalizationd("image", window=20)
    with pytest.raises(ValueError, match="no field of view 'fov'"):
        LocalContrastNormalizationd("image")({"image": torch.rand(3, 8, 8)})
