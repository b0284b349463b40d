"""Every kind of image file, also damaged ones, read by MONAI's LoadImage."""

import numpy as np
import pytest
import tifffile
import torch
from monai.transforms import Compose, EnsureChannelFirstd, LoadImage, LoadImaged
from PIL import Image, ImageFilter

from sre_monai.io.image_readers import IMAGE_EXTENSIONS, BinaryMaskReader, RGBReader

load_photograph = LoadImage(reader=RGBReader())
load_mask = LoadImage(reader=BinaryMaskReader())


@pytest.fixture
def pixels() -> np.ndarray:
    """A random photograph, (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (13, 20, 3), dtype=np.uint8)


def as_read(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32)).transpose(0, 1)


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tif", ".ppm"])
def test_rgb(pixels, extension, tmp_path):
    Image.fromarray(pixels).save(tmp_path / f"eye{extension}")
    read = load_photograph(tmp_path / f"eye{extension}")
    assert read.dtype == torch.float32
    assert torch.equal(read.as_tensor(), as_read(pixels))


@pytest.mark.parametrize("extension", IMAGE_EXTENSIONS)
def test_every_listed_extension(extension, tmp_path):
    x, y = np.mgrid[:64, :48]
    grey = (x + 2 * y).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / f"eye{extension}")
    read = load_photograph(tmp_path / f"eye{extension}")
    assert read.shape == (48, 64, 3)
    assert (read[..., 1].as_tensor() - torch.from_numpy(grey.T.astype(np.float32))).abs().mean() < 4  # some are lossy


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1", "YCbCr"])
def test_colour_modes(pixels, mode, tmp_path):
    image = Image.fromarray(pixels).convert(mode)
    path = tmp_path / ("eye.tif" if mode in ("CMYK", "YCbCr") else "eye.png")
    image.save(path, **({"compression": "tiff_lzw"} if mode == "YCbCr" else {}))  # raw: Pillow 13
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(load_photograph(path).numpy().astype(int) - expected.transpose(1, 0, 2)).max() <= 2  # YCbCr rounds


def test_alpha_is_dropped_not_blended(pixels, tmp_path):
    alpha = np.full((*pixels.shape[:2], 1), 7, dtype=np.uint8)
    Image.fromarray(np.concatenate([pixels, alpha], axis=-1)).save(tmp_path / "eye.png")
    assert torch.equal(load_photograph(tmp_path / "eye.png").as_tensor(), as_read(pixels))


@pytest.mark.parametrize("extension", [".png", ".tif"])
@pytest.mark.parametrize("maximum", [4095, 65535])
def test_16_bit_grey_is_scaled_by_its_maximum(maximum, extension, tmp_path):
    grey = np.random.default_rng(0).integers(0, maximum + 1, (13, 20)).astype(np.uint16)
    grey[3, 4] = maximum
    Image.fromarray(grey).save(tmp_path / f"eye{extension}")
    read = load_photograph(tmp_path / f"eye{extension}").numpy()
    assert np.abs(read - (grey.T * (255 / maximum))[..., None]).max() <= 0.5


def test_black_16_bit_image(tmp_path):
    Image.fromarray(np.zeros((5, 6), dtype=np.uint16)).save(tmp_path / "eye.png")
    assert not load_photograph(tmp_path / "eye.png").any()


def test_first_page_of_several(pixels, tmp_path):
    first, second = Image.fromarray(pixels), Image.fromarray(255 - pixels)
    first.save(tmp_path / "eye.tif", save_all=True, append_images=[second])
    assert torch.equal(load_photograph(tmp_path / "eye.tif").as_tensor(), as_read(pixels))


def test_exif_orientation_is_not_applied(tmp_path):
    image = Image.new("RGB", (20, 13), (200, 90, 30))
    exif = image.getexif()
    exif[0x0112] = 6  # turned by 90°
    image.save(tmp_path / "eye.jpg", exif=exif)
    assert load_photograph(tmp_path / "eye.jpg").shape == (20, 13, 3)


@pytest.mark.parametrize("extension", [".png", ".jpg", ".tif", ".bmp", ".gif", ".ppm", ".webp"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.8])
def test_truncated_files_are_named(pixels, extension, kept, tmp_path):
    path = tmp_path / f"eye{extension}"
    Image.fromarray(np.tile(pixels, (6, 6, 1))).save(path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    for load in (load_photograph, load_mask):
        with pytest.raises(ValueError, match=rf"{path} cannot be read as an image"):
            load(path)


def test_a_text_file_is_named(tmp_path):
    (tmp_path / "eye.png").write_text("not an image")
    with pytest.raises(ValueError, match=r"eye\.png cannot be read as an image"):
        load_photograph(tmp_path / "eye.png")


def test_decompression_bomb_is_named(pixels, tmp_path, monkeypatch):
    Image.fromarray(pixels).save(tmp_path / "eye.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"eye\.png cannot be read as an image .*bomb"):
        load_photograph(tmp_path / "eye.png")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"eye\.png"):
        load_photograph(tmp_path / "eye.png")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB", "16 bit"])
def test_what_is_transparent_is_black(mode, pixels, tmp_path):
    """White under alpha 0, as image editors leave it outside a cut-out disc."""
    outside = np.zeros(pixels.shape[:2], bool)
    outside[:4] = True
    pixels[outside], pixels[~outside] = 255, pixels[~outside] // 2
    alpha = np.where(outside, 0, 200).astype(np.uint8)
    image = Image.fromarray(np.dstack([pixels, alpha]))
    if mode == "16 bit":
        values = np.dstack([pixels, alpha]) * np.uint16(257)
        tifffile.imwrite(tmp_path / "eye.tif", values, photometric="rgb", extrasamples=["unassalpha"])
    elif mode in ("RGBA", "LA"):
        image.convert(mode).save(tmp_path / "eye.png")
    elif mode == "P":
        indices = Image.fromarray(np.where(outside, 0, 1 + pixels[..., 0] // 4).astype(np.uint8))
        indices.putpalette([255, 255, 255, *(value for n in range(255) for value in (n, n, n))])
        indices.save(tmp_path / "eye.png", transparency=0)
    else:
        Image.fromarray(pixels).save(tmp_path / "eye.png", transparency=(255, 255, 255))
    read = load_photograph(next(tmp_path.iterdir())).numpy()
    assert not read[:, :4].any()
    assert read[:, 4:].any()


def test_wholly_transparent_images_keep_their_colours(pixels, tmp_path):
    Image.fromarray(np.dstack([pixels, np.zeros(pixels.shape[:2], np.uint8)])).save(tmp_path / "eye.png")
    assert torch.equal(load_photograph(tmp_path / "eye.png").as_tensor(), as_read(pixels))


@pytest.mark.parametrize("foreground", [1, 7, 255])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16"])
def test_masks(mode, foreground, tmp_path):
    mask = np.random.default_rng(0).random((13, 20)) > 0.5
    values = (mask * foreground).astype(np.uint8)
    image = Image.fromarray(values)
    if mode == "P":
        image.putpalette([0, 0, 0] * 256)  # the index counts, not its colour
    elif mode == "I;16":
        image = Image.fromarray((mask * 256 * foreground).astype(np.uint16))
    elif mode == "1":
        image = Image.fromarray(mask)
    else:
        image = image.convert(mode)
    image.save(tmp_path / "mask.png")
    read = load_mask(tmp_path / "mask.png")
    assert torch.equal(read.as_tensor(), torch.from_numpy(mask.T.astype(np.float32)))


@pytest.fixture
def disc() -> np.ndarray:
    x, y = np.mgrid[:90, :100]
    return np.hypot(x - 45, y - 50) < 30


@pytest.mark.parametrize("quality", [60, 75, 95])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_mask_saved_as_jpeg(disc, quality, mode, tmp_path):
    Image.fromarray(disc * np.uint8(255)).convert(mode).save(tmp_path / "mask.jpg", quality=quality)
    assert (disc != load_mask(tmp_path / "mask.jpg").numpy().T).mean() < 0.004


@pytest.mark.parametrize("name", ["mask.png", "mask.gif", "mask.tif"])
def test_a_smoothed_mask(disc, name, tmp_path):
    smooth = Image.fromarray(disc * np.uint8(255)).filter(ImageFilter.GaussianBlur(2))
    (smooth.quantize(200) if name == "mask.gif" else smooth).save(tmp_path / name)
    assert (disc != load_mask(tmp_path / name).numpy().T).mean() < 0.01


@pytest.mark.parametrize("values", [(0, 1, 2, 3), (0, 128, 255), (0, 100, 200), tuple(range(9))])
def test_classes_are_all_above_zero(values, tmp_path):
    classes = np.random.default_rng(0).choice(np.array(values, np.uint8), (12, 15))
    Image.fromarray(classes).save(tmp_path / "mask.png")
    assert ((classes > 0) == load_mask(tmp_path / "mask.png").numpy().T).all()


@pytest.mark.parametrize("black_first", [True, False])
def test_the_darkest_colour_of_a_palette_is_background(disc, black_first, tmp_path):
    image = Image.fromarray((disc == black_first).astype(np.uint8))
    image.putpalette([4, 2, 4, 252, 254, 252] if black_first else [252, 254, 252, 4, 2, 4])
    image.save(tmp_path / "mask.gif")
    assert (disc == load_mask(tmp_path / "mask.gif").numpy().T).all()


def test_mask_in_one_colour_channel(tmp_path):
    values = np.zeros((4, 5, 3), dtype=np.uint8)
    values[1, 2, 2] = 9
    Image.fromarray(values).save(tmp_path / "mask.png")
    assert load_mask(tmp_path / "mask.png").nonzero().tolist() == [[2, 1]]


def test_channel_first_by_monai(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "image.png")
    Image.fromarray(pixels[..., 0]).save(tmp_path / "label.png")
    transform = Compose(
        [
            LoadImaged("image", reader=RGBReader()),
            LoadImaged("label", reader=BinaryMaskReader()),
            EnsureChannelFirstd(["image", "label"]),
        ]
    )
    data = transform({"image": tmp_path / "image.png", "label": tmp_path / "label.png"})
    assert data["image"].shape == (3, 20, 13)
    assert data["label"].shape == (1, 20, 13)
    assert data["image"].meta["filename_or_obj"] == str(tmp_path / "image.png")


def test_real_files(shared_data):
    assert load_photograph(shared_data / "DRIVE/test/images/01_test.tif").shape == (565, 584, 3)
    for name in ("1st_manual/01_manual1.gif", "2nd_manual/01_manual2.gif", "mask/01_test_mask.gif"):
        mask = load_mask(shared_data / "DRIVE/test" / name)
        assert mask.shape == (565, 584)
        assert mask.unique().tolist() == [0, 1]
    assert load_mask(shared_data / "HRF/mask/01_dr_mask.tif").shape == (3504, 2336)
