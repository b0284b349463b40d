import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image

from sre_monai.engines import SaveVesselsd


@pytest.fixture
def item():
    """A photograph of 7×5 pixels, a ramp of probabilities, and a field of view that leaves out a column."""
    fov = torch.ones(1, 7, 5)
    fov[:, 0] = 0
    return {
        "name": "sub/eye",
        "pred": torch.linspace(0, 1, 35).reshape(1, 7, 5),
        "photograph": MetaTensor(torch.full((3, 7, 5), 100.0), meta={"exif_orientation": 3}),
        "fov": fov,
    }


def expected_probability(item):
    return (item["pred"] * item["fov"])[0].numpy().T


def test_png_files(item, tmp_path):
    result = SaveVesselsd("pred", tmp_path, write_probability=True)(item)
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
    assert float(result["report"]["vessel_density"]) == pytest.approx((mask > 0).sum() / 30, abs=1e-4)
    assert float(result["report"]["fov_diameter_px"]) == pytest.approx((36 + 25) ** 0.5, abs=0.06)


def test_nifti_files(item, tmp_path):
    SaveVesselsd("pred", tmp_path, output_ext=".nii.gz", write_probability=True, write_overlay=False)(item)
    folder = tmp_path / "sub"
    assert sorted(path.name for path in folder.iterdir()) == ["eye_mask.nii.gz", "eye_probability.nii.gz"]
    mask, probability = (nibabel.load(folder / f"eye_{name}.nii.gz") for name in ("mask", "probability"))
    assert mask.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(mask.dataobj).T, expected_probability(item) >= 0.5)
    np.testing.assert_array_equal(np.asarray(probability.dataobj).T, expected_probability(item))


def test_threshold(item, tmp_path):
    SaveVesselsd("pred", tmp_path, threshold=0.8, write_overlay=False)(item)
    mask = np.asarray(Image.open(tmp_path / "sub" / "eye_mask.png"))
    np.testing.assert_array_equal(mask > 0, expected_probability(item) >= 0.8)
    assert len(list((tmp_path / "sub").iterdir())) == 1


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [({"output_ext": ".jpg"}, "output_ext must be one of"), ({"threshold": 2}, "threshold must lie in 0–1")],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        SaveVesselsd("pred", "out", **kwargs)
