import nibabel
import numpy as np
import pytest
import tifffile
from monai.transforms import LoadImage
from PIL import Image

from sre_monai.io import RGBReader
from sre_monai.io import decode as module
from sre_monai.io.decode import decode_image, image_from_array

load = LoadImage(reader=RGBReader(), dtype=np.uint8)


@pytest.fixture
def pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (13, 20, 3), dtype=np.uint8)
    pixels[0, 0] = 255
    return pixels


@pytest.mark.parametrize(
    ("dtype", "factor", "options"),
    [
        (np.uint16, 257, {}),
        (np.uint16, 257, {"compression": "deflate"}),
        (np.uint16, 257, {"planarconfig": "separate"}),
        (np.float32, 1 / 255, {}),
        (np.uint8, 1, {"bigtiff": True}),
    ],
    ids=str,
)
def test_deep_tiff_files(pixels, tmp_path, dtype, factor, options):
    values = (pixels * float(factor)).astype(dtype)
    stored = np.moveaxis(values, -1, 0) if "planarconfig" in options else values
    tifffile.imwrite(tmp_path / "eye.tif", stored, photometric="rgb", **options)
    np.testing.assert_allclose(load(tmp_path / "eye.tif").numpy(), pixels.transpose(1, 0, 2), atol=1)


@pytest.mark.parametrize("kind", ["float", "flat", "bytes", "voxels", "grey", "slices"])
def test_nifti_files(pixels, tmp_path, kind):
    plane = pixels.transpose(1, 0, 2)
    array = {
        "float": plane.astype(np.float32),
        "flat": plane[:, :, None].astype(np.float32),
        "bytes": plane,
        "grey": plane[..., 0],
        "slices": np.stack([plane[..., 0]] * 5, axis=-1),
        "voxels": np.ascontiguousarray(plane).view([(name, "u1") for name in "RGB"]),
    }[kind]
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "eye.nii.gz")
    image = load(tmp_path / "eye.nii.gz")
    expected = np.repeat(plane[..., :1], 3, axis=-1) if kind in ("grey", "slices") else plane
    np.testing.assert_allclose(image.numpy(), expected, atol=1)
    assert ("first" in image.meta["note"]) == (kind == "slices")


def test_further_pages_are_noted(pixels, tmp_path):
    first = Image.fromarray(pixels)
    first.save(tmp_path / "two.tif", save_all=True, append_images=[first])
    first.save(tmp_path / "one.tif")
    assert load(tmp_path / "two.tif").meta["note"] == "the first of several pages was read"
    assert load(tmp_path / "one.tif").meta["note"] == ""


def test_too_large_images_are_not_decoded(pixels, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_PIXELS", 200)
    Image.fromarray(pixels).save(tmp_path / "eye.png")
    nibabel.save(nibabel.Nifti1Image(pixels, np.eye(4)), tmp_path / "eye.nii")
    tifffile.imwrite(tmp_path / "eye.tif", pixels.astype(np.float32), photometric="rgb")
    for name in ("eye.png", "eye.nii", "eye.tif"):
        with pytest.raises(ValueError, match=rf"{name} cannot be read .*pixels are more than"):
            load(tmp_path / name)


def test_what_is_not_a_file(tmp_path):
    with pytest.raises(ValueError, match="not a regular file"):
        load(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="broken link"):
        load(tmp_path / "link.png")


def test_not_a_number_is_black():
    image = module.deep_to_bytes(np.array([[np.nan, -1.0, 2.0, np.inf]]))
    assert np.asarray(image).tolist() == [[0, 0, 255, 0]]


def test_an_image_of_pillow_is_converted_at_its_current_frame(tmp_path):
    frames = [Image.new("L", (4, 3), value) for value in (10, 20)]
    frames[0].save(tmp_path / "frames.tif", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "frames.tif") as image:
        image.seek(1)
        converted = decode_image(image, lambda frame: frame.convert("RGB"))
    assert converted.mode == "RGB"
    assert converted.getpixel((0, 0)) == (20, 20, 20)


def test_an_image_of_pillow_that_it_reads_as_noise_is_refused(tmp_path):
    values = np.zeros((3, 5, 4), np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", values, photometric="rgb", planarconfig="separate")
    with (
        Image.open(tmp_path / "deep.tif") as image,
        pytest.raises(ValueError, match="several planes of 16 bit; give the path"),
    ):
        decode_image(image, lambda frame: frame)


@pytest.mark.parametrize("shape", [(3, 5, 6), (5,), (0, 4), (5, 4, 2), (1, 5, 4, 3)])
def test_arrays_that_are_no_images_are_refused(shape):
    with pytest.raises(ValueError, match="an array of shape"):
        image_from_array(np.zeros(shape, np.uint8))
