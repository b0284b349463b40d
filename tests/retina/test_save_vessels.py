from base64 import b64decode
from io import BytesIO

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image
from skimage.morphology import skeletonize

from sre_monai.retina import SaveVesselsd, VesselMaskd


@pytest.fixture
def item():
    """A photograph of 7×5 pixels, a ramp of probabilities, its mask, and a field of view that leaves out a column."""
    fov = torch.ones(1, 7, 5)
    fov[:, 0] = 0
    return VesselMaskd("pred")(
        {
            "name": "sub/eye",
            "pred": torch.linspace(0, 1, 35).reshape(1, 7, 5),
            "photograph": MetaTensor(torch.full((3, 7, 5), 100.0), meta={"exif_orientation": 3}),
            "photograph_fov": fov,
        }
    )


def expected_probability(item):
    ramp = torch.linspace(0, 1, 35).reshape(7, 5)
    return (ramp * item["photograph_fov"][0]).numpy().T


def test_png_files(item, tmp_path):
    result = SaveVesselsd("mask", tmp_path, write_probability=True)(item)
    mask = np.asarray(Image.open(tmp_path / "sub" / "eye_mask.png"))
    probability = np.asarray(Image.open(tmp_path / "sub" / "eye_probability.png"))
    np.testing.assert_array_equal(mask, 255 * (expected_probability(item) >= 0.5))
    assert mask.dtype == np.uint8
    assert probability.dtype == np.uint16
    np.testing.assert_allclose(probability / 65535, expected_probability(item), atol=0.5 / 65535 + 1e-7)
    for name in ("mask", "probability", "overlay"):
        with Image.open(tmp_path / "sub" / f"eye_{name}.png") as picture:
            assert picture.size == (7, 5)
            assert picture.getexif()[0x0112] == 3
    sizes = {name: (tmp_path / name).stat().st_size for name in result["outputs"]}
    assert result["outputs"] == sizes
    assert set(sizes) == {f"sub/eye_{name}.png" for name in ("mask", "probability", "overlay")}
    assert len(result["thumbnails"]) == 2


@pytest.mark.parametrize(("file", "has_preview"), [("eye.JPG", False), ("eye.tif", True), ("IM000001", True)])
def test_a_photograph_that_browsers_cannot_show_has_a_preview(item, tmp_path, file, has_preview):
    item["photograph"].meta["filename_or_obj"] = f"/eyes/{file}"
    result = SaveVesselsd("mask", tmp_path)(item)
    assert ("preview" in result) == has_preview
    if has_preview:
        with Image.open(BytesIO(b64decode(result["preview"]))) as picture:
            assert picture.size == (7, 5)
            assert picture.getexif()[0x0112] == 3


def test_nifti_files(item, tmp_path):
    SaveVesselsd("mask", tmp_path, output_ext=".nii.gz", write_probability=True, write_overlay=False)(item)
    folder = tmp_path / "sub"
    assert sorted(path.name for path in folder.iterdir()) == ["eye_mask.nii.gz", "eye_probability.nii.gz"]
    mask, probability = (nibabel.load(folder / f"eye_{name}.nii.gz") for name in ("mask", "probability"))
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(mask.dataobj).T, expected_probability(item) >= 0.5)
    np.testing.assert_array_equal(np.asarray(probability.dataobj).T, expected_probability(item))


def test_skeleton_is_the_thinned_mask(item, tmp_path):
    item["mask"] = torch.zeros(1, 7, 5, dtype=torch.bool)
    item["mask"][0, 1:6, 1:4] = True
    SaveVesselsd("mask", tmp_path, write_skeleton=True, write_overlay=False)(item)
    skeleton = np.asarray(Image.open(tmp_path / "sub" / "eye_skeleton.png"))
    assert set(np.unique(skeleton)) == {0, 255}
    np.testing.assert_array_equal(skeleton > 0, skeletonize(item["mask"][0].numpy()).T)


def test_an_unknown_extension_is_refused():
    with pytest.raises(ValueError, match="output_ext must be one of"):
        SaveVesselsd("mask", "out", output_ext=".jpg")
