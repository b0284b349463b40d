import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from sre_monai.retina import CropToFieldOfViewd, WorkingResolutiond
from sre_monai.transforms import grid_symmetries


@pytest.fixture
def data():
    """A disc of 20 pixels, away from the middle of 60×50."""
    x, y = torch.arange(60) - 40, torch.arange(50) - 14
    fov = (x[:, None] ** 2 + y**2 < 10**2)[None].float()
    return {"image": MetaTensor(fov * torch.rand(3, 60, 50)), "fov": MetaTensor(fov)}


def test_the_margin_follows_the_diameter(data):
    for margin, side in (
        (0.0, 19),
        (0.1, 19 + 2 * 2),
        (0.3, 19 + 5 + 6),
    ):  # the last is cut off by the image's edge
        cropped = CropToFieldOfViewd(["image", "fov"], margin=margin)(data)
        assert cropped["image"].shape[2] == cropped["fov"].shape[2] == side
        assert cropped["fov"].sum() == data["fov"].sum()


def test_what_has_little_border_stays(data):
    assert CropToFieldOfViewd("image", margin=3)(data)["image"].shape == (3, 60, 50)


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_it_rotates_with_the_image(data, symmetry):
    transform = CropToFieldOfViewd("image")
    turned = {key: MetaTensor(symmetry.apply(value.as_tensor())) for key, value in data.items()}
    expected = symmetry.apply(transform(data)["image"].as_tensor())
    assert torch.equal(transform(turned)["image"].as_tensor(), expected)


def test_a_prediction_is_mapped_back(data):
    chain = Compose([CropToFieldOfViewd(["image", "fov"]), WorkingResolutiond("image", diameter=60)])
    done = chain(data)
    done["pred"] = MetaTensor(torch.ones(1, *done["image"].shape[1:]))
    back = Invertd("pred", chain, "image", nearest_interp=False)(done)["pred"]
    assert back.shape == (1, 60, 50)
    box = torch.zeros(1, 60, 50)
    box[:, 31 - 2 : 50 + 2, 5 - 2 : 24 + 2] = 1
    assert torch.equal(back.as_tensor(), box)


def test_a_crop_keeps_no_whole_image_in_memory(data):
    assert CropToFieldOfViewd("image")(data)["image"].untyped_storage().nbytes() < 3 * 30 * 30 * 4


def test_bad_margin():
    with pytest.raises(ValueError, match="margin must not be negative"):
        CropToFieldOfViewd("image", margin=-0.1)
