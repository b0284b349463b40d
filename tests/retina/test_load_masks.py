import nibabel
import numpy as np
import pytest
from PIL import Image

from sre_monai.retina import LoadMasksd, MeasureVesselsd, SaveMeasurePictured
from sre_monai.retina.mask_list import list_masks


@pytest.fixture
def masks(tmp_path):
    """An artery as PNG, a vein as NIfTI as ITK-SNAP saves it, and a disc: (height, width)."""
    values = {name: np.zeros((70, 90), np.uint8) for name in ("artery", "vein", "disc")}
    values["artery"][30:35, 10:80], values["vein"][10:60, 40:46], values["disc"][40:50, 30:40] = 1, 1, 1
    for name in ("artery", "disc"):
        Image.fromarray(255 * values[name]).save(tmp_path / f"eye_{name}.png")
    nibabel.save(
        nibabel.Nifti1Image(values["vein"].T[..., None], np.diag([-1, -1, 1, 1])), tmp_path / "eye_vein.nii.gz"
    )
    return tmp_path, values


def load(folder):
    [item] = list_masks(folder)
    return LoadMasksd("image")(item)


def test_files_of_every_kind_lie_on_the_same_pixels(masks):
    folder, values = masks
    item = load(folder)
    for name, expected in values.items():
        np.testing.assert_array_equal(item[name][0].numpy().T, expected > 0)
    np.testing.assert_array_equal(item["mask"][0].numpy().T, values["artery"] | values["vein"])
    np.testing.assert_array_equal(item["image"], item["mask"])
    assert item["report"] == {"masks": "artery, vein, disc", "field_of_view": "whole image"}
    assert item["photograph"].shape == (3, 90, 70)


def test_the_field_of_view_is_given_or_found(masks):
    folder, _ = masks
    inside = np.hypot(*(np.mgrid[:70, :90] - np.array([35, 45])[:, None, None])) < 34
    Image.fromarray(np.uint8(200 * inside)).save(folder / "eye.png")
    item = load(folder)
    assert item["report"]["field_of_view"] == "found"
    assert (inside == item["photograph_fov"][0].numpy().T).mean() > 0.98
    Image.fromarray(np.uint8(255 * inside)).save(folder / "eye_fov.png")
    item = load(folder)
    assert item["report"]["field_of_view"] == "given"
    np.testing.assert_array_equal(item["photograph_fov"][0].numpy().T, inside)


def test_sizes_that_differ_are_named(masks):
    folder, _ = masks
    Image.fromarray(np.zeros((70, 91), np.uint8)).save(folder / "eye_disc.png")
    with pytest.raises(ValueError, match=r"eye_disc.png has 91 × 70 pixels, eye_artery.png 90 × 70"):
        load(folder)


def test_two_versions_of_a_mask_are_not_guessed_from(masks):
    folder, _ = masks
    Image.fromarray(np.zeros((70, 90), np.uint8)).save(folder / "eye_vein.png")
    with pytest.raises(ValueError, match=r"two files are its vein, eye_vein.nii.gz and eye_vein.png: keep one"):
        load(folder)


def test_a_picture_of_what_was_measured(masks, tmp_path):
    folder, values = masks
    item = MeasureVesselsd("mask", structures=("artery", "vein"), with_disc=True, least_zone_share=0)(load(folder))
    assert item["report"]["artery_calibre_median_px"] == 5
    assert item["report"]["zone_b_crve_vessels"] >= 1
    done = SaveMeasurePictured("mask", tmp_path / "out")(item)
    assert list(done["outputs"]) == ["eye_measures.png"]
    assert len(done["thumbnails"]) == 2
    drawn = np.asarray(Image.open(tmp_path / "out" / "eye_measures.png")).astype(int)
    assert drawn.shape == (70, 90, 3)
    red, blue = (drawn[..., 0] - drawn[..., 2], drawn[..., 2] - drawn[..., 0])
    assert red[values["artery"] > 0].mean() > 20
    assert blue[values["vein"] > 0].mean() > 20
    without = SaveMeasurePictured("mask", tmp_path / "none", write_picture=False)(item)
    assert "outputs" not in without
    assert without["preview"]
