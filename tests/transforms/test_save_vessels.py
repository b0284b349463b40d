import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image
from skimage.morphology import skeletonize

from sre_monai.transforms import SaveVesselsd


@pytest.fixture
def item():
    """A photograph of 7×5 pixels, a ramp of probabilities, and a field of view that leaves out a column."""
    fov = torch.ones(1, 7, 5)
    fov[:, 0] = 0
    return {
        "name": "sub/eye",
        "pred": torch.linspace(0, 1, 35).reshape(1, 7, 5),
        "photograph": MetaTensor(torch.full((3, 7, 5), 100.0), meta={"exif_orientation": 3}),
        "photograph_fov": fov,
    }


def expected_probability(item):
    return (item["pred"] * item["photograph_fov"])[0].numpy().T


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
    mean = (probability / 65535).sum() / 30
    assert float(result["report"]["mean_probability"]) == pytest.approx(mean, abs=1e-4)
    sizes = {name: (tmp_path / name).stat().st_size for name in result["outputs"]}
    assert result["outputs"] == sizes
    assert set(sizes) == {f"sub/eye_{name}.png" for name in ("mask", "probability", "overlay")}
    assert len(result["thumbnails"]) == 2


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


def test_skeleton_is_the_thinned_mask(item, tmp_path):
    item["pred"] = torch.zeros(1, 7, 5)
    item["pred"][0, 1:6, 1:4] = 1
    SaveVesselsd("pred", tmp_path, write_skeleton=True, write_overlay=False)(item)
    skeleton = np.asarray(Image.open(tmp_path / "sub" / "eye_skeleton.png"))
    assert set(np.unique(skeleton)) == {0, 255}
    np.testing.assert_array_equal(skeleton > 0, skeletonize(item["pred"][0].numpy() > 0).T)


@pytest.mark.parametrize(("value", "flags"), [(0.0, "dark; few vessels"), (1.0, "dark")])
def test_few_vessels_are_flagged(item, tmp_path, value, flags):
    item |= {"pred": torch.full((1, 7, 5), value), "report": {"quality": "dark"}}
    assert SaveVesselsd("pred", tmp_path)(item)["report"]["quality"] == flags


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [({"output_ext": ".jpg"}, "output_ext must be one of"), ({"threshold": 2}, "threshold must be a number in 0–1")],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        SaveVesselsd("pred", "out", **kwargs)
