import struct
import zlib

import nibabel
import numpy as np
import pytest
import tifffile
from monai.transforms import LoadImage
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sre_monai.io import RGBReader, deep_tiff
from sre_monai.io.decode import decode_image, image_from_array
from sre_monai.io.pages import ORIENTATION_NOTE

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
    monkeypatch.setattr(deep_tiff, "MAX_PIXELS", 200)
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


def write_png(path, values, colour_type):
    """Write 16-bit samples (H, W, C), which Pillow can't."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colour_type, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def with_opaque_alpha(values):
    return np.concatenate([values, np.full_like(values[..., :1], 65535)], axis=-1)


def tiff(**options):
    return lambda path, values: tifffile.imwrite(path, values, photometric="rgb", **options)


COLOURS = {
    "eye.png": lambda path, values: write_png(path, values, 2),
    "alpha.png": lambda path, values: write_png(path, with_opaque_alpha(values), 6),
    "eye.tif": tiff(),
    "big endian.tif": tiff(byteorder=">"),
    "deflate.tif": tiff(compression="deflate"),
    "deflate big endian.tif": tiff(compression="deflate", byteorder=">"),
    "tiles.tif": tiff(tile=(16, 16)),
    "big.tif": tiff(bigtiff=True),
    "alpha.tif": lambda path, values: tiff(extrasamples=["unassalpha"])(path, with_opaque_alpha(values)),
    "infrared.tif": lambda path, values: tiff(extrasamples=["unspecified"])(path, with_opaque_alpha(values)),
    "planes.tif": lambda path, values: tiff(planarconfig="separate")(path, np.moveaxis(values, -1, 0)),
    "pages.tif": lambda path, values: tifffile.imwrite(path, np.moveaxis(values, -1, 0), photometric="minisblack"),
    "eye.ppm": lambda path, values: path.write_bytes(
        b"P6 %d %d 65535\n" % (values.shape[1], values.shape[0]) + values.astype(">u2").tobytes()
    ),
    "eye.nii": lambda path, values: nibabel.save(nibabel.Nifti1Image(values.transpose(1, 0, 2), np.eye(4)), path),
}
GREYS = {
    "eye.png": lambda path, plane: write_png(path, plane[..., None], 0),
    "alpha.png": lambda path, plane: write_png(path, with_opaque_alpha(plane[..., None]), 4),
    "eye.tif": lambda path, plane: tifffile.imwrite(path, plane),
    "eye.pgm": lambda path, plane: Image.fromarray(plane).save(path),
}


def deep(pixels, bits):
    return (pixels.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)


def noted(bits):
    return "" if bits == 16 else f"{2**bits - 1} of 65535 was read as white ({bits} bits)"


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_colours_of_any_depth_in_16_bits(name, bits, pixels, tmp_path):
    COLOURS[name](tmp_path / name, deep(pixels, bits))
    image = load(tmp_path / name)
    np.testing.assert_allclose(image.numpy(), pixels.transpose(1, 0, 2), atol=1)
    assert noted(bits) in image.meta["note"]


@pytest.mark.parametrize("name", GREYS)
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_grey_of_any_depth_in_16_bits(name, bits, pixels, tmp_path):
    GREYS[name](tmp_path / name, deep(pixels[..., 0], bits))
    image = load(tmp_path / name)
    np.testing.assert_allclose(image.numpy(), np.repeat(pixels[..., :1], 3, -1).transpose(1, 0, 2), atol=1)
    assert image.meta["note"] == noted(bits)


def test_a_hot_pixel_does_not_darken_the_rest(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    values = deep(pixels, 12)
    values[30, 20] = 65535
    write_png(tmp_path / "eye.png", values, 2)
    difference = np.abs(load(tmp_path / "eye.png").numpy().transpose(1, 0, 2).astype(int) - pixels)
    assert difference[:30].max() <= 1


def test_the_depth_that_a_tiff_file_declares(tmp_path):
    """A dark photograph of 12 bits stays dark."""
    values = np.full((20, 30, 3), 800, np.uint16)
    tifffile.imwrite(tmp_path / "eye.tif", values, photometric="rgb", extratags=[(281, "H", 3, (4095,) * 3, True)])
    assert np.unique(load(tmp_path / "eye.tif").numpy()).tolist() == [round(800 / 4095 * 255)]


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, "12 bits", np.uint32, np.float32, np.float64])
def test_white_is_zero(byteorder, kind, pixels, tmp_path):
    grey = pixels[..., 0]
    depths = {np.uint8: (255, "u1"), np.uint16: (65535, "u2"), "12 bits": (4095, "u2"), np.uint32: (2**32 - 1, "u4")}
    white, dtype = depths.get(kind, (1, kind))
    stored = (white - grey / 255 * white).astype(dtype)
    tifffile.imwrite(tmp_path / "eye.tif", stored, photometric="miniswhite", byteorder=byteorder)
    np.testing.assert_allclose(load(tmp_path / "eye.tif").numpy()[..., 0], grey.T, atol=1)


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float32, np.float64])
def test_three_grey_pages_are_colours(depth, pixels, tmp_path):
    scale = {np.uint8: 1, np.uint16: 257}.get(depth, 1 / 255)
    with tifffile.TiffWriter(tmp_path / "eye.tif") as file:
        file.write(pixels[::4, ::4], photometric="rgb")  # a preview
        for plane in np.moveaxis(pixels, -1, 0):
            file.write((plane * float(scale)).astype(depth), photometric="minisblack")
    image = load(tmp_path / "eye.tif")
    np.testing.assert_allclose(image.numpy(), pixels.transpose(1, 0, 2), atol=1)
    assert image.meta["note"] == "its three grey pages were read as red, green and blue"


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("kind", ["8 bits", "16 bits", "float"])
def test_the_largest_page_is_read(place, kind, pixels, tmp_path):
    largest = {"8 bits": pixels, "16 bits": pixels * np.uint16(257), "float": pixels / 255}[kind]
    pages = [pixels[::3, ::3], pixels[::2, ::2]]
    pages.insert(0 if place == "first" else 2, largest)
    with tifffile.TiffWriter(tmp_path / "eye.tif") as file:
        for page in pages:
            file.write(np.ascontiguousarray(page), photometric="rgb")
    image = load(tmp_path / "eye.tif")
    np.testing.assert_array_equal(image.numpy(), pixels.transpose(1, 0, 2))
    assert image.meta["note"] == f"the {'first' if place == 'first' else 'largest'} of several pages was read"


def test_a_damaged_second_page_leaves_the_first(pixels, tmp_path):
    first = Image.fromarray(pixels)
    first.save(tmp_path / "eye.tif", save_all=True, append_images=[first])
    content = (tmp_path / "eye.tif").read_bytes()
    (tmp_path / "eye.tif").write_bytes(content[: len(content) - pixels.size - 60])
    np.testing.assert_array_equal(load(tmp_path / "eye.tif").numpy(), pixels.transpose(1, 0, 2))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.float64])
def test_tiff_files_are_turned_upright_at_every_depth(depth, pixels, tmp_path):
    values = (pixels * {np.uint8: 1.0, np.uint16: 257.0}.get(depth, 1 / 255)).astype(depth)
    tifffile.imwrite(tmp_path / "eye.tif", values, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    image = load(tmp_path / "eye.tif")
    np.testing.assert_allclose(image.numpy(), np.rot90(pixels, -1).transpose(1, 0, 2), atol=1)
    assert image.meta["exif_orientation"] == 1


@pytest.mark.parametrize("photometric", ["separated", "cielab"])
def test_deep_colours_that_are_no_rgb_are_refused(photometric, tmp_path):
    planes = np.zeros((4 if photometric == "separated" else 3, 9, 8), np.uint16)
    tifffile.imwrite(tmp_path / "eye.tif", planes, photometric=photometric, planarconfig="separate")
    with pytest.raises(ValueError, match=f"stored as {photometric.upper()}, which is not supported"):
        load(tmp_path / "eye.tif")


def test_negative_values_are_refused(pixels, tmp_path):
    tifffile.imwrite(tmp_path / "eye.tif", (pixels / 127.5 - 1).astype(np.float32), photometric="rgb")
    with pytest.raises(ValueError, match="begin at -1: black is expected at 0"):
        load(tmp_path / "eye.tif")


def exif_data(kind, count, value):
    """A directory with nothing but an orientation, of any type."""
    return b"Exif\0\0II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x0112, kind, count, value, 0)


ORIENTATIONS = {
    "six": (exif_data(3, 1, b"\x06\0\0\0"), 6, ""),
    "zero": (exif_data(3, 1, b"\0\0\0\0"), 1, ""),
    "beyond": (exif_data(3, 1, b"\x11\0\0\0"), 1, ORIENTATION_NOTE),
    "text": (exif_data(2, 3, b"up\0\0"), 1, ORIENTATION_NOTE),
    "lost": (exif_data(5, 1, b"\xff\xff\xff\x7f"), 1, ""),
    "unknown type": (exif_data(77, 1, b"\x06\0\0\0"), 1, ""),
    "no header": (b"Exif\0\0no TIFF header", 1, None),  # Pillow leaves it out of JPEG, and refuses it in others
}


@pytest.mark.parametrize("kind", ORIENTATIONS)
@pytest.mark.parametrize("name", ["eye.jpg", "eye.png", "eye.webp"])
@pytest.mark.filterwarnings("ignore")
def test_malformed_orientation_is_ignored(kind, name, tmp_path):
    exif, expected, note = ORIENTATIONS[kind]
    Image.new("RGB", (20, 13), (200, 90, 30)).save(tmp_path / name, exif=exif)
    read = load(tmp_path / name)
    assert read.shape == (20, 13, 3)
    assert read.meta["exif_orientation"] == expected
    assert read.meta["note"] in (("", ORIENTATION_NOTE) if note is None else (note,))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [2, 400])
def test_a_jpeg_file_that_ends_early(missing, progressive, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "whole.jpg", progressive=progressive)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-missing])
    with pytest.raises(ValueError, match=r"truncated .*; with --truncated_images True it is read"):
        load(tmp_path / "cut.jpg")
    lenient = LoadImage(reader=RGBReader(truncated_images=True), dtype=np.uint8)
    read = lenient(tmp_path / "cut.jpg")
    assert read.meta["note"] == "it ends early: what is missing is grey"
    expected = load(tmp_path / "whole.jpg")
    assert (read == expected).all() if missing == 2 else (read == expected)[:, :16].float().mean() > 0.9 or progressive
    assert lenient(tmp_path / "whole.jpg").meta["note"] == ""


def test_text_in_a_file_is_no_note(tmp_path):
    """Notes and measures are not taken from what a file calls by these names."""
    text = PngInfo()
    for name in ("note", "um_per_pixel", "laterality"):
        text.add_text(name, "7")
    Image.new("RGB", (5, 4)).save(tmp_path / "eye.png", pnginfo=text)
    meta = load(tmp_path / "eye.png").meta
    assert (meta["note"], meta["laterality"], "um_per_pixel" in meta) == ("", "", False)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64])
def test_arrays_of_the_same_values_are_the_same_image(dtype, pixels):
    assert (np.asarray(image_from_array(pixels.astype(dtype))) == pixels).all()


def test_an_array_of_16_bits_has_a_note(pixels):
    image = decode_image(image_from_array(deep(pixels, 12)), lambda image: image.convert("RGB"))
    np.testing.assert_allclose(np.asarray(image), pixels, atol=1)
    assert image.info["note"] == noted(12)


@pytest.mark.parametrize("shape", [(3, 5, 6), (5,), (0, 4), (5, 4, 2), (1, 5, 4, 3)])
def test_arrays_that_are_no_images_are_refused(shape):
    with pytest.raises(ValueError, match="an array of shape"):
        image_from_array(np.zeros(shape, np.uint8))
