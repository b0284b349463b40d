"""Normalisation inside the field of view, compared with plain numpy."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from sre_monai.retina.normalize import NormalizeInsideFieldOfViewd
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
def test_against_numpy(dtype):
    image = (torch.rand(3, 21, 30) * 255).to(dtype)
    fov = (torch.rand(1, 21, 30) > 0.4).float()
    result = NormalizeInsideFieldOfViewd("image")({"image": image, "fov": fov})["image"]
    expected = np.zeros(image.shape)
    for channel in range(3):
        inside = image[channel].numpy().astype(float)[fov[0].numpy() > 0]
        expected[channel][fov[0].numpy() > 0] = (inside - inside.mean()) / inside.std()
    assert result.dtype == torch.float32
    assert_close(torch.as_tensor(result), torch.from_numpy(expected))


@pytest.mark.parametrize("value", [0.0, 0.1, 255.0])
def test_constant_channel_becomes_zero(value):
    image = torch.rand(2, 16, 16)
    image[1] = value
    result = NormalizeInsideFieldOfViewd("image")({"image": image, "fov": torch.ones(1, 16, 16)})["image"]
    assert not result[1].any()
    assert result[0].std() > 0.9


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
@pytest.mark.parametrize("size", [(33, 33), (32, 32), (33, 48)])
def test_rotates_with_the_image(symmetry, size):
    data = {"image": torch.rand(3, *size) * 255, "fov": (torch.rand(1, *size) > 0.3).float()}
    turned = {key: symmetry.apply(value) for key, value in data.items()}
    transform = NormalizeInsideFieldOfViewd("image")
    torch.testing.assert_close(transform(turned)["image"], symmetry.apply(transform(data)["image"]), rtol=0, atol=1e-6)


def test_metadata_stay():
    image = MetaTensor(torch.rand(3, 8, 8), meta={"filename_or_obj": "eye.png"})
    result = NormalizeInsideFieldOfViewd("image")({"image": image, "fov": torch.ones(1, 8, 8)})["image"]
    assert result.meta["filename_or_obj"] == "eye.png"


def test_missing_field_of_view_is_named():
    with pytest.raises(ValueError, match="no field of view 'fov'"):
        NormalizeInsideFieldOfViewd("image")({"image": torch.rand(3, 8, 8)})
