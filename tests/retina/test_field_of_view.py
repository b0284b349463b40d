"""The field of view of synthetic discs with known geometry and of real photographs with official masks."""

import gzip

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image
from scipy.spatial.distance import pdist

from sre_monai.retina.field_of_view import (
    FieldOfViewd,
    IgnoreOutsideFieldOfViewd,
    count_fields_of_view,
    estimate_field_of_view,
    field_of_view_diameter,
    get_field_of_view,
)
from sre_monai.transforms import grid_symmetries


def disc(width: int, height: int, radius: float) -> torch.Tensor:
    x, y = torch.arange(width) - (width - 1) / 2, torch.arange(height) - (height - 1) / 2
    return x[:, None] ** 2 + y**2 < radius**2


def photograph(width: int, height: int, radius: float) -> torch.Tensor:
    """A noisy bright disc with dark spots on a noisy dark border, with another bright spot in a corner."""
    generator = torch.Generator().manual_seed(3)
    noise = torch.randint(0, 20, (3, width, height), generator=generator)
    image = torch.where(disc(width, height, radius), torch.tensor([200, 120, 60])[:, None, None] + noise, noise)
    image[:, width // 2 : width // 2 + 6, height // 2 : height // 2 + 9] = 0  # a hole: a haemorrhage
    image[:, 2:8, 3:9] = 255
    return image


def soft_photograph(width: int, height: int) -> np.ndarray:
    """A disc whose brightness falls off towards a blurred rim, uint8: many pixels are close to the threshold."""
    x, y = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2
    radius = np.hypot(x[:, None], y) / min(width, height)
    light = np.clip(1.15 - 2.4 * radius, 0, 1) * np.array([210, 120, 60])[:, None, None]
    return (light + np.random.default_rng(5).integers(0, 25, light.shape)).astype(np.uint8)


SCALES = [
    *((scale, kind) for scale in (1 / 255, 0.01, 1.0, 1e4) for kind in (np.float32, np.float64)),
    *((257, np.uint16), (3, np.int32)),
]


def test_disc_is_found():
    fov = estimate_field_of_view(photograph(121, 100, 45))
    assert fov.shape == (1, 121, 100)
    assert fov.dtype == torch.bool
    expected = disc(121, 100, 45)
    assert (fov[0] & expected).sum() / (fov[0] | expected).sum() > 0.99


@pytest.mark.parametrize("size", [(121, 100), (1204, 961)], ids=["small", "reduced"])
@pytest.mark.parametrize(("scale", "kind"), SCALES)
def test_mask_is_the_same_at_any_intensity_scale(size, scale, kind):
    image = soft_photograph(*size)
    mask = estimate_field_of_view(image)
    assert 0.3 < mask.float().mean() < 0.9
    assert torch.equal(estimate_field_of_view((image * kind(scale)).astype(kind)), mask)


@pytest.mark.parametrize(("scale", "kind"), SCALES)
def test_mask_of_a_real_photograph_is_the_same_at_any_intensity_scale(scale, kind, shared_data):
    image = np.array(Image.open(shared_data / "CHASEDB1/Image_01R.jpg")).transpose(2, 1, 0)
    assert torch.equal(estimate_field_of_view((image * kind(scale)).astype(kind)), estimate_field_of_view(image))


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
@pytest.mark.parametrize("scale", [1 / 255, 0.01, 1.0])
def test_reduced_mask_rotates_with_the_image(symmetry, scale):
    image = torch.from_numpy(soft_photograph(1204, 961)) * scale
    turned = estimate_field_of_view(symmetry.apply(image))
    assert torch.equal(turned, symmetry.apply(estimate_field_of_view(image)))


@pytest.mark.parametrize("size", [(50, 40), (700, 900)], ids=["small", "reduced"])
@pytest.mark.parametrize("value", [0.0, 7.0, 1 / 255, float("nan")])
def test_blank_image_is_refused(size, value):
    with pytest.raises(ValueError, match="blank"):
        estimate_field_of_view(torch.full((3, *size), value))


def test_disc_cropped_at_top_and_bottom():
    fov = estimate_field_of_view(photograph(140, 100, 60))[0]
    expected = disc(140, 100, 60)
    assert (fov & expected).sum() / (fov | expected).sum() > 0.99


def test_whichever_channel_is_bright():
    image = photograph(121, 100, 45)
    green_only = torch.zeros_like(image)
    green_only[1] = image[0]
    assert torch.equal(estimate_field_of_view(green_only), estimate_field_of_view(image[:1]))


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
@pytest.mark.parametrize("size", [(101, 101), (100, 100), (121, 100), (98, 133)])
def test_mask_rotates_with_the_image(symmetry, size):
    image = photograph(*size, 44)
    turned = estimate_field_of_view(symmetry.apply(image))
    assert torch.equal(turned, symmetry.apply(estimate_field_of_view(image)))


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_mask_of_a_real_photograph_rotates_with_it(symmetry, shared_data):
    image = torch.from_numpy(np.array(Image.open(shared_data / "DRIVE/test/images/01_test.tif"))).permute(2, 1, 0)
    turned = estimate_field_of_view(symmetry.apply(image))
    assert torch.equal(turned, symmetry.apply(estimate_field_of_view(image)))


def test_no_dark_border_gives_the_whole_image():
    assert estimate_field_of_view(80 + 100 * torch.rand(3, 50, 41)).all()


def test_scattered_specks_are_not_a_field_of_view():
    image = torch.zeros(1, 90, 90)
    image[0, ::4, ::3] = 1
    with pytest.raises(ValueError, match="No field of view"):
        estimate_field_of_view(image)


def test_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(C, W, H\)"):
        estimate_field_of_view(torch.ones(20, 30))


@pytest.mark.parametrize("name", ["training/{0}/21_training", "test/{0}/01_test", "test/{0}/14_test"])
def test_agrees_with_the_masks_of_drive(name, shared_data):
    image = Image.open(shared_data / "DRIVE" / (name.format("images") + ".tif"))
    mask = np.array(Image.open(shared_data / "DRIVE" / (name.format("mask") + "_mask.gif"))).T > 0
    check_against_official(image, mask, 0.98)


def test_agrees_with_a_mask_of_hrf(shared_data):
    mask = np.array(Image.open(shared_data / "HRF/mask/01_dr_mask.tif")).max(axis=-1).T > 0
    check_against_official(Image.open(shared_data / "HRF/images/01_dr.JPG"), mask, 0.995)


def check_against_official(image: Image.Image, mask: np.ndarray, least: float) -> None:
    estimated = estimate_field_of_view(np.array(image).transpose(2, 1, 0))[0].numpy()
    assert (estimated & mask).sum() / (estimated | mask).sum() > least
    assert abs(field_of_view_diameter(estimated) / field_of_view_diameter(mask) - 1) < 0.01


@pytest.mark.parametrize("name", ["im0001", "im0044", "im0240"])
def test_cropped_and_noisy_scans_of_stare(name, shared_data):
    """All were taken by one camera: a disc of about 675 px, cropped to a height of about 600 px."""
    with gzip.open(shared_data / f"STARE/stare-images/{name}.ppm.gz") as file:
        fov = estimate_field_of_view(np.array(Image.open(file)).transpose(2, 1, 0))
    assert 0.70 < fov.float().mean() < 0.84
    assert 660 < field_of_view_diameter(fov) < 730


def slow_diameter(mask: np.ndarray) -> float:
    corners = [(i + a, j + b) for i, j in np.argwhere(mask) for a in (0, 1) for b in (0, 1)]
    return float(pdist(corners).max())


@pytest.mark.parametrize("size", [(23, 23), (24, 31)])
def test_diameter_is_the_largest_distance_of_corners(size):
    mask = torch.rand(*size) > 0.9
    mask[size[0] // 2], mask[:, size[1] // 2] = True, True  # one region, beside which others are specks
    assert field_of_view_diameter(mask[None]) == pytest.approx(slow_diameter(mask.numpy()), abs=0)


def test_diameter_of_one_pixel_and_of_a_line():
    mask = np.zeros((9, 9), dtype=bool)
    mask[4, 4] = True
    assert field_of_view_diameter(mask) == pytest.approx(2**0.5)
    mask[4, 2:7] = True
    assert field_of_view_diameter(mask) == pytest.approx(26**0.5)


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_diameter_is_the_same_in_every_orientation(symmetry):
    mask = torch.rand(40, 57) > 0.5
    assert field_of_view_diameter(symmetry.apply(mask)) == field_of_view_diameter(mask)


def test_diameter_of_a_cropped_disc_is_that_of_the_disc():
    assert field_of_view_diameter(disc(220, 170, 100)) == pytest.approx(200, abs=1.5)


@pytest.mark.parametrize("mask", [torch.zeros(1, 5, 5), torch.ones(2, 5, 5)])
def test_diameter_refuses_other_arrays(mask):
    with pytest.raises(ValueError, match="non-empty field of view"):
        field_of_view_diameter(mask)


def test_transform_estimates_a_missing_field_of_view():
    image = MetaTensor(photograph(121, 100, 45).float(), meta={"filename_or_obj": "eye.png"})
    image.affine = torch.diag(torch.tensor([2.0, 2.0, 1.0, 1.0]))
    fov = FieldOfViewd(keys="image")({"image": image})["fov"]
    assert torch.equal(fov.as_tensor(), estimate_field_of_view(image).byte())
    assert torch.equal(fov.affine, image.affine)
    assert fov.meta["filename_or_obj"] == "eye.png"
    assert fov.meta is not image.meta


def test_transform_keeps_and_binarises_a_loaded_field_of_view():
    loaded = torch.zeros(3, 8, 9)
    loaded[1, 2:5, 2:5] = 255
    fov = FieldOfViewd(keys="image")({"image": torch.rand(3, 8, 9), "fov": loaded})["fov"]
    assert isinstance(fov, MetaTensor)
    assert fov.dtype == torch.uint8
    assert torch.equal(fov.as_tensor(), (loaded[1:2] > 0).byte())


@pytest.mark.parametrize(
    ("fov", "reason"), [(torch.ones(1, 9, 8), "belongs to the image"), (torch.zeros(1, 8, 9), "empty")]
)
def test_transform_refuses_a_wrong_field_of_view(fov, reason):
    with pytest.raises(ValueError, match=reason):
        FieldOfViewd(keys="image")({"image": torch.rand(3, 8, 9), "fov": fov})


def test_missing_field_of_view_is_named():
    with pytest.raises(ValueError, match="FieldOfViewd"):
        get_field_of_view({"image": torch.rand(3, 8, 9)}, "image", "fov")


@pytest.mark.parametrize("ignore_index", [255, -1])
def test_labels_outside_are_marked(ignore_index):
    label, fov = (torch.rand(1, 8, 9) > 0.5).float(), (torch.rand(1, 8, 9) > 0.5).float()
    marked = IgnoreOutsideFieldOfViewd("label", ignore_index=ignore_index)({"label": label, "fov": fov})["label"]
    assert torch.equal(marked[fov > 0], label[fov > 0])
    assert (marked[fov == 0] == ignore_index).all()


def two_eyes(width: int, height: int, first: float, second: float) -> np.ndarray:
    """Two discs side by side, (3, W, H), with a dark gap between them where they don't touch."""
    x, y = np.mgrid[:width, :height]
    discs = [
        np.hypot(x - width * place, y - height / 2 + 0.5) < radius for place, radius in ((0.25, first), (0.75, second))
    ]
    return (discs[0] | discs[1]) * np.array([200, 90, 40], np.uint8)[:, None, None]


@pytest.mark.parametrize("size", [(240, 110), (2400, 1100)], ids=["small", "reduced"])
@pytest.mark.parametrize("part", [1.0, 0.4])
@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_both_of_two_eyes_are_found(size, part, symmetry):
    radius = 0.42 * size[1]
    image = symmetry.apply(torch.from_numpy(two_eyes(*size, radius, part * radius)))
    fov = estimate_field_of_view(image)[0].numpy()
    expected = image.numpy().max(axis=0) > 100
    assert (fov & expected).sum() / (fov | expected).sum() > 0.98
    assert count_fields_of_view(fov) == 2
    assert field_of_view_diameter(fov) == pytest.approx(2 * radius, rel=0.02)


@pytest.mark.parametrize("overlap", [0, 3, 12])
@pytest.mark.parametrize("symmetry", grid_symmetries(2))
def test_eyes_that_touch_are_two(overlap, symmetry):
    fov = two_eyes(240 - 2 * overlap, 130, 60, 60)[0] > 0
    turned = symmetry.apply(torch.from_numpy(fov)).numpy()
    assert count_fields_of_view(turned) == 2
    assert field_of_view_diameter(turned) == field_of_view_diameter(fov) == pytest.approx(120, rel=0.02)


def test_a_disc_cropped_or_with_a_notch_is_one_field_of_view():
    assert count_fields_of_view(disc(220, 110, 100).numpy()) == 1
    notched = disc(220, 220, 100).numpy()
    notched[100:120, :60] = False
    assert count_fields_of_view(notched) == 1


def test_a_small_bright_region_is_no_second_field_of_view():
    image = two_eyes(240, 110, 46, 13)
    fov = estimate_field_of_view(image)[0].numpy()
    assert not fov[120:].any()
    assert count_fields_of_view(fov) == 1


@pytest.mark.parametrize("size", [(300, 280), (1500, 1400)], ids=["small", "reduced"])
@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("part", [0.07, 0.12, 0.2, 0.3])
def test_a_tiny_field_of_view_is_found(size, noise, part):
    """It fills from 0.3 % of the picture on."""
    radius = part / 2 * size[1]
    x, y = np.mgrid[: size[0], : size[1]]
    inside = np.hypot(x - size[0] / 2 + 0.5, y - size[1] / 2 + 0.5) < radius
    border = np.random.default_rng(0).integers(0, noise + 1, (3, *size))
    image = border + inside * np.array([150, 80, 40])[:, None, None]
    fov = estimate_field_of_view(image.astype(np.uint8))[0].numpy()
    assert (fov & inside).sum() / (fov | inside).sum() > 0.85  # a disc of 20 pixels loses corners
