from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from sre_monai.transforms import RandJPEGd, compress_jpeg


def photograph(channels: int = 3) -> torch.Tensor:
    """A smooth image with all 256 values, so that mapping it to bytes changes nothing."""
    x, y = torch.meshgrid(torch.arange(64.0), torch.arange(48.0), indexing="ij")
    waves = torch.stack([torch.sin(x / (3 + c)) + torch.cos(y / 5) for c in range(channels)])
    waves = (waves - waves.min()) / (waves.max() - waves.min())
    return (waves * 255).round()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [20, 90])
def test_the_values_are_those_of_a_file(channels, quality):
    image = photograph(channels)
    file = io.BytesIO()
    pixels = image.numpy().astype(np.uint8).transpose(2, 1, 0)  # (H, W, channels)
    Image.fromarray(pixels if channels == 3 else pixels[:, :, 0]).save(file, "JPEG", quality=quality)
    expected = np.asarray(Image.open(file)).reshape(48, 64, channels).transpose(2, 1, 0)
    np.testing.assert_allclose(compress_jpeg(image, quality).numpy(), expected, atol=1e-4)


def test_lower_quality_departs_further():
    image = photograph() / 50 - 2
    errors = [(compress_jpeg(image, quality) - image).square().mean().item() for quality in (10, 50, 95)]
    assert errors[0] > errors[1] > errors[2] > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_type_and_range_stay(dtype):
    image = (photograph() / 50 - 2).to(dtype)
    compressed = compress_jpeg(image, 80)
    assert compressed.dtype == dtype
    assert image.min() <= compressed.min()
    assert compressed.max() <= image.max()


def test_metadata_stay():
    image = MetaTensor(photograph(), affine=2 * torch.eye(4, dtype=torch.float64))
    assert torch.equal(compress_jpeg(image, 50).affine, image.affine)


def test_an_image_of_one_value_stays():
    image = torch.full((3, 16, 16), 0.7)
    assert torch.equal(compress_jpeg(image, 50), image)


def test_only_as_often_as_asked():
    data = {"image": photograph(), "label": photograph(1)}
    never, always = RandJPEGd("image", prob=0.0)(data), RandJPEGd("image", prob=1.0)(data)
    assert torch.equal(never["image"], data["image"])
    assert not torch.equal(always["image"], data["image"])
    assert torch.equal(always["label"], data["label"])


def test_the_seed_decides_the_quality():
    results = []
    for seed in (0, 0, 1):
        transform = RandJPEGd("image", quality=(10, 90), prob=1.0).set_random_state(seed)
        results.append(transform({"image": photograph()})["image"])
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize("quality", [0, 96])
def test_an_unknown_quality_is_refused(quality):
    with pytest.raises(ValueError, match=f"quality must be between 1 and 95, got {quality}"):
        compress_jpeg(photograph(), quality)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"image must have shape \(1 or 3, W, H\), got \(2, 8, 8\)"):
        compress_jpeg(torch.zeros(2, 8, 8), 50)


@pytest.mark.parametrize("quality", [(90, 30), (0, 50), (50, 100)])
def test_qualities_must_ascend(quality):
    with pytest.raises(ValueError, match="quality must be two ascending numbers"):
        RandJPEGd("image", quality=quality)
