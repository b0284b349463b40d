"""DICOM photographs of every kind through the reader, and what can't be read."""

import gzip
import io
import sys

import numpy as np
import pytest
from monai.transforms import LoadImage
from PIL import Image
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate

from sre_monai.io import RGBReader
from sre_monai.io.decode import MAX_PIXELS
from sre_monai.io.dicom import dicom_size, is_dicom, read_dicom
from sre_monai.io.dicom_colours import looks_converted_twice, looks_like_ybr
from sre_monai.retina import synthetic_fundus
from tests.io.dicom_toy import (
    IDENTIFYING,
    PERSON,
    as_ybr,
    jpeg,
    photograph_dataset,
    write,
    write_compressed,
    write_jpeg,
    write_photograph,
)

load = LoadImage(reader=RGBReader(), dtype=np.uint8)


@pytest.fixture
def pixels():
    return synthetic_fundus((72, 64), seed=1).image


def read(path):
    """Pixels (H, W, 3) as the reader gives them, and their metadata."""
    image = load(path)
    return image.numpy().transpose(1, 0, 2).astype(int), image.meta


def grey(pixels):
    return pixels[..., 1]


def as_grey_rgb(plane):
    return np.repeat(plane[..., None], 3, axis=-1)


UNCOMPRESSED = {
    "RGB": lambda path, rgb: write_photograph(path, rgb),
    "planar": lambda path, rgb: write_photograph(
        path, rgb, PlanarConfiguration=1, PixelData=np.moveaxis(rgb, -1, 0).tobytes()
    ),
    "big endian": lambda path, rgb: _big_endian(path, rgb),
    "16 bit": lambda path, rgb: write_photograph(path, _to_full_scale(rgb)),
    "8 in 16 bit": lambda path, rgb: write_photograph(path, rgb.astype(np.uint16), bits=8),
    "palette": lambda path, rgb: _palette(path, rgb),
}
GREY = {
    "MONOCHROME2": lambda path, plane: write_photograph(path, plane),
    "MONOCHROME1": lambda path, plane: write_photograph(path, 255 - plane, colours="MONOCHROME1"),
    "12 bit": lambda path, plane: write_photograph(path, _twelve_bits(plane), bits=12),
    "12 bit MONOCHROME1": lambda path, plane: write_photograph(
        path, 4095 - _twelve_bits(plane), bits=12, colours="MONOCHROME1"
    ),
}
LOSSLESS = {
    "JPEG 2000": (uid.JPEG2000Lossless, "pylibjpeg"),
    "JPEG-LS": (uid.JPEGLSLossless, "pyjpegls"),
    "RLE": (uid.RLELossless, "pydicom"),
}


def _to_full_scale(values):
    """16 bit with the greatest value at the top of the scale."""
    return (values.astype(np.uint16) * 257).astype(np.uint16)


def _twelve_bits(plane):
    return np.rint(plane / plane.max() * 4095).astype(np.uint16)


def _big_endian(path, rgb):
    dataset = photograph_dataset(rgb)
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRBigEndian
    words = np.frombuffer(rgb.tobytes(), np.uint8)
    dataset.PixelData = words.reshape(-1, 2)[:, ::-1].tobytes()  # OW: bytes are swapped in pairs
    dataset["PixelData"].VR = "OW"
    write(path, dataset)


def _palette(path, rgb):
    """Indices into a table of the photograph's own colours, 16 bit."""
    colours, index = np.unique(rgb.reshape(-1, 3) // 32, axis=0, return_inverse=True)
    assert len(colours) <= 256
    rgb[:] = (colours[index] * 32).reshape(rgb.shape)
    dataset = photograph_dataset(index.astype(np.uint8).reshape(rgb.shape[:2]), colours="PALETTE COLOR")
    for name, column in zip(("Red", "Green", "Blue"), (colours * 32).T, strict=True):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [len(colours), 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", (column.astype("<u2") * 257).tobytes())
    write(path, dataset)


@pytest.mark.parametrize("kind", UNCOMPRESSED)
def test_colours(kind, pixels, tmp_path):
    if kind == "16 bit":
        pixels[0, 0] = 255  # deep images are scaled by their own maximum
    UNCOMPRESSED[kind](tmp_path / "eye", pixels)
    np.testing.assert_array_equal(read(tmp_path / "eye")[0], pixels)


@pytest.mark.parametrize("subsampled", [False, True])
def test_ybr(subsampled, pixels, tmp_path):
    ybr = as_ybr(pixels)
    if subsampled:  # Y Y B R for every two pixels
        pairs = ybr.reshape(-1, 2, 3)
        stored = np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=-1)
        write_photograph(tmp_path / "eye.dcm", pixels, colours="YBR_FULL_422", PixelData=stored.tobytes())
    else:
        write_photograph(tmp_path / "eye.dcm", ybr, colours="YBR_FULL")
    difference = np.abs(read(tmp_path / "eye.dcm")[0] - pixels)
    assert difference.max() <= 2 if not subsampled else difference.mean() < 3


@pytest.mark.parametrize("kind", GREY)
def test_grey(kind, pixels, tmp_path):
    plane = grey(pixels)
    GREY[kind](tmp_path / "eye.dcm", plane)
    expected = plane if kind.startswith("MONO") else np.rint(_twelve_bits(plane) * (255 / 4095))
    np.testing.assert_array_equal(read(tmp_path / "eye.dcm")[0], as_grey_rgb(expected))


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_lossless_compression(kind, deep, colour, pixels, tmp_path):
    pixels[0, 0] = 255
    values = pixels if colour else grey(pixels)
    write_compressed(tmp_path / "eye.dcm", _to_full_scale(values) if deep else values, *LOSSLESS[kind])
    np.testing.assert_array_equal(read(tmp_path / "eye.dcm")[0], pixels if colour else as_grey_rgb(values))


def test_lossy_jpeg_2000(pixels, tmp_path):
    dataset = photograph_dataset(pixels, colours="RGB")
    dataset.compress(uid.JPEG2000, encoding_plugin="pylibjpeg", j2k_cr=[4])
    write(tmp_path / "eye.dcm", dataset)
    assert np.abs(read(tmp_path / "eye.dcm")[0] - pixels).mean() < 3


@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_has_the_pixels_of_a_jpeg_file(colour, pixels, tmp_path):
    values = pixels if colour else grey(pixels)
    write_jpeg(tmp_path / "eye.dcm", values)
    (tmp_path / "eye.jpg").write_bytes(jpeg(values))
    difference = read(tmp_path / "eye.dcm")[0] - read(tmp_path / "eye.jpg")[0]
    assert np.abs(difference).max() <= 1  # pydicom and libjpeg convert YBR to RGB, and round, each by itself


@pytest.mark.parametrize("syntax", [uid.JPEGLossless, uid.JPEGLosslessSV1], ids=str)
@pytest.mark.parametrize("deep", [False, True])
def test_lossless_jpeg(syntax, deep, pixels, tmp_path):
    """Encoded by GDCM, as pydicom has no encoder for it."""
    values = _to_full_scale(grey(pixels)) if deep else grey(pixels)
    values[0, 0] = np.iinfo(values.dtype).max
    _write_lossless_jpeg(tmp_path / "eye.dcm", values, syntax)
    np.testing.assert_array_equal(read(tmp_path / "eye.dcm")[0], as_grey_rgb(values >> 8 if deep else values))


def _write_lossless_jpeg(path, values, syntax):
    import gdcm

    write_photograph(path, values)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


def test_first_of_several_frames(pixels, tmp_path):
    write_photograph(tmp_path / "eye.dcm", np.stack([pixels, pixels // 2, pixels // 3]))
    image, meta = read(tmp_path / "eye.dcm")
    np.testing.assert_array_equal(image, pixels)
    assert meta["note"] == "the first of 3 frames was read"


def test_what_is_known_of_a_photograph(pixels, tmp_path):
    write_photograph(tmp_path / "eye.dcm", pixels)
    meta = read(tmp_path / "eye.dcm")[1]
    assert (meta["laterality"], meta["acquisition_date"], meta["um_per_pixel"]) == ("R", "2024-05-16", 6.5)
    assert meta["note"] == ""
    assert not [value for value in IDENTIFYING if value in str(meta)]


@pytest.mark.parametrize(
    ("elements", "key", "expected"),
    [
        ({"ImageLaterality": "L"}, "laterality", "L"),
        ({"ImageLaterality": None, "Laterality": "L"}, "laterality", "L"),
        ({"ImageLaterality": "X"}, "laterality", ""),
        ({"ImageLaterality": "X", "Laterality": "L"}, "laterality", "L"),
        ({"ImageLaterality": "OD"}, "laterality", "R"),
        ({"ImageLaterality": "OS"}, "laterality", "L"),
        ({"ImageLaterality": "OU"}, "laterality", "B"),
        ({"ImageLaterality": "LEFT"}, "laterality", "L"),
        ({"ImageLaterality": "U"}, "laterality", ""),
        ({"AcquisitionDateTime": None, "AcquisitionDate": "20231231"}, "acquisition_date", "2023-12-31"),
        ({"AcquisitionDateTime": None, "ContentDate": "20231231"}, "acquisition_date", "2023-12-31"),
        ({"AcquisitionDateTime": None, "ContentDate": None}, "acquisition_date", ""),
        ({"PixelSpacing": None}, "um_per_pixel", None),
        ({"PixelSpacing": [0.007, 0.008]}, "um_per_pixel", None),
        ({"PixelSpacing": [0.0, 0.0]}, "um_per_pixel", None),
        ({"PixelSpacing": [1.0, 1.0]}, "um_per_pixel", None),
        ({"PixelSpacing": [0.264583, 0.264583]}, "um_per_pixel", None),  # 96 dots per inch
        ({"PixelSpacing": [0.00001, 0.00001]}, "um_per_pixel", None),
    ],
)
def test_what_is_unknown_is_empty(elements, key, expected, pixels, tmp_path):
    write_photograph(tmp_path / "eye.dcm", pixels, **elements)
    meta = read(tmp_path / "eye.dcm")[1]
    assert meta.get(key) == expected
    assert ("ignored" in meta["note"]) == bool(elements.get("PixelSpacing"))


@pytest.mark.parametrize("groups", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
def test_what_functional_groups_tell(groups, pixels, tmp_path):
    measures, anatomy, frame = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, anatomy.FrameLaterality = [0.008, 0.008], "L"
    frame.PixelMeasuresSequence, frame.FrameAnatomySequence = [measures], [anatomy]
    elements = {"PixelSpacing": None, "ImageLaterality": None, groups: [frame]}
    write_photograph(tmp_path / "eye.dcm", pixels, **elements)
    meta = read(tmp_path / "eye.dcm")[1]
    assert (meta["um_per_pixel"], meta["laterality"], meta["note"]) == (8.0, "L", "")


def without_markers(stream):
    """Without JFIF and Adobe segments, which tell the colours of a JPEG file."""
    kept, at = stream[:2], 2
    while stream[at + 1] != 0xDA:
        length = 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
        kept += b"" if stream[at + 1] in (0xE0, 0xEE) else stream[at : at + length]
        at += length
    return kept + stream[at:]


def with_adobe_marker(stream):
    """With the segment by which Pillow converts the colours before pydicom does."""
    return stream[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01" + without_markers(stream)[2:]


MISLABELLED = {
    "JPEG without markers": ("RGB", lambda pixels: without_markers(jpeg(pixels))),
    "JPEG without markers 4:2:2": ("RGB", lambda pixels: without_markers(jpeg(pixels, subsampling=1))),
    "JPEG without markers 4:4:4": ("RGB", lambda pixels: without_markers(jpeg(pixels, subsampling=0))),
    "Adobe's JPEG": ("YBR_FULL_422", lambda pixels: with_adobe_marker(jpeg(pixels))),
    "Adobe's JPEG, labelled RGB": ("RGB", lambda pixels: with_adobe_marker(jpeg(pixels))),
    "JFIF, labelled RGB": ("RGB", jpeg),
    "JPEG of RGB": ("RGB", lambda pixels: jpeg(pixels, keep_rgb=True)),
    "JPEG of RGB, labelled YBR": ("YBR_FULL_422", lambda pixels: jpeg(pixels, keep_rgb=True)),
}


@pytest.mark.parametrize("kind", MISLABELLED)
@pytest.mark.parametrize("border", [True, False])
def test_jpeg_with_wrong_labels(kind, border, pixels, tmp_path):
    pixels = pixels if border else np.ascontiguousarray(pixels[20:44, 24:48])
    colours, encode = MISLABELLED[kind]
    if kind == "Adobe's JPEG" and not border:  # a retina converted twice is not told from others
        return
    dataset = photograph_dataset(pixels)
    dataset.file_meta.TransferSyntaxUID, dataset.PhotometricInterpretation = uid.JPEGBaseline8Bit, colours
    dataset.PixelData = encapsulate([encode(pixels)])
    dataset["PixelData"].VR = "OB"
    write(tmp_path / "eye.dcm", dataset)
    image, meta = read(tmp_path / "eye.dcm")
    assert np.abs(image - pixels).mean() < 5
    note = {True: "labelled as RGB but stored as YCbCr", False: "labelled as YCbCr but stored as RGB"}
    told = kind.startswith("JPEG without") or kind == "Adobe's JPEG"
    assert (note[colours == "RGB"] in meta["note"]) == told


@pytest.mark.parametrize("kind", ["plain", *LOSSLESS])
def test_lossless_colours_with_wrong_labels(kind, pixels, tmp_path):
    if kind == "plain":
        write_photograph(tmp_path / "eye.dcm", as_ybr(pixels))
    else:
        write_compressed(tmp_path / "eye.dcm", as_ybr(pixels), *LOSSLESS[kind])
    image, meta = read(tmp_path / "eye.dcm")
    assert np.abs(image - pixels).max() <= 2
    assert "stored as YCbCr" in meta["note"]


def test_rgb_labelled_as_ybr(pixels, tmp_path):
    write_photograph(tmp_path / "eye.dcm", pixels, colours="YBR_FULL")
    image, meta = read(tmp_path / "eye.dcm")
    np.testing.assert_array_equal(image, pixels)
    assert "stored as RGB" in meta["note"]


@pytest.mark.parametrize(
    "name", ["DRIVE/test/images/01_test.tif", "STARE/stare-images/im0001.ppm.gz", "HRF/images/01_dr.JPG"]
)
def test_real_photographs_are_rgb(name, shared_data, tmp_path):
    path = shared_data / name
    with Image.open(io.BytesIO(gzip.decompress(path.read_bytes())) if name.endswith(".gz") else path) as image:
        pixels = np.asarray(image.convert("RGB"))[::3, ::3]
    for part in (pixels, pixels[60:120, 60:120]):
        assert not looks_like_ybr(part)
        assert not looks_converted_twice(part)
        assert looks_like_ybr(as_ybr(part))


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("has_meta", [False, True])
def test_without_the_preamble(implicit, has_meta, pixels, tmp_path):
    dataset = photograph_dataset(pixels)
    dataset.file_meta.TransferSyntaxUID = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    write(tmp_path / "whole.dcm", dataset)
    content = (tmp_path / "whole.dcm").read_bytes()[132:]
    length = int.from_bytes(content[8:12], "little")  # of the group of meta elements
    (tmp_path / "eye").write_bytes(content if has_meta else content[12 + length :])
    assert is_dicom(tmp_path / "eye")
    image, meta = read(tmp_path / "eye")
    np.testing.assert_array_equal(image, pixels)
    assert (meta["laterality"], meta["um_per_pixel"]) == ("R", 6.5)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM", "WEBP", "TGA", "ICO", "PCX", "JPEG2000"])
def test_no_other_format_is_taken_for_dicom(kind, pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "eye", kind)
    assert not is_dicom(tmp_path / "eye")


def test_12_bits_of_16_are_scaled(pixels, tmp_path):
    """Bits Stored says 16, the pixels have 12."""
    for colours in ("MONOCHROME2", "MONOCHROME1"):
        values = _twelve_bits(grey(pixels))
        write_photograph(tmp_path / "eye.dcm", 4095 - values if colours == "MONOCHROME1" else values, colours=colours)
        image, meta = read(tmp_path / "eye.dcm")
        np.testing.assert_allclose(image, as_grey_rgb(np.rint(values * (255 / 4095))), atol=1)
        assert meta["note"] == "4095 of 65535 was read as white (12 bits)"


def test_other_photographs_have_the_same_keys():
    meta = read("docs/sample/eye_565x584.png")[1]
    assert (meta["laterality"], meta["acquisition_date"], "um_per_pixel" in meta) == ("", "", False)


def test_recognised_by_content(pixels, tmp_path):
    write_photograph(tmp_path / "no_extension", pixels)
    (tmp_path / "eye.dcm").write_bytes(b"not DICOM")
    assert is_dicom(tmp_path / "no_extension")
    assert not is_dicom(tmp_path / "eye.dcm")
    assert dicom_size(tmp_path / "no_extension") == (72, 64)


def test_no_identifying_element_is_read(pixels, tmp_path, monkeypatch):
    import pydicom

    datasets = []
    read = pydicom.dcmread
    monkeypatch.setattr(
        pydicom, "dcmread", lambda *args, **options: datasets.append(read(*args, **options)) or datasets[-1]
    )
    write_photograph(tmp_path / "eye.dcm", pixels)
    read_dicom(tmp_path / "eye.dcm")
    assert len(datasets) == 1
    assert not [name for name in PERSON if name in datasets[0]]
    assert not [value for value in IDENTIFYING if value in str(datasets[0])]


def _without_pixels(path, pixels):
    dataset = photograph_dataset(pixels)
    del dataset.PixelData
    write(path, dataset)


def _encrypted(path, pixels):
    dataset = photograph_dataset(pixels)
    del dataset.PixelData
    item = Dataset()
    item.EncryptedContentTransferSyntaxUID, item.EncryptedContent = uid.ExplicitVRLittleEndian, b"secret"
    dataset.EncryptedAttributesSequence = [item]
    write(path, dataset)


def _cut(write_it, part):
    def cut(path, pixels):
        write_it(path, pixels)
        content = path.read_bytes()
        path.write_bytes(content[: int(part * len(content))])

    return cut


def _video(path, pixels):
    dataset = photograph_dataset(pixels, colours="YBR_FULL_422")
    dataset.file_meta.TransferSyntaxUID = uid.MPEG4HP41
    dataset.PixelData = encapsulate([b"\0" * 100])
    write(path, dataset)


def _garbage(syntax):
    def garbage(path, pixels):
        dataset = photograph_dataset(pixels)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate([bytes(range(256))])
        write(path, dataset)

    return garbage


def _with(**elements):
    return lambda path, pixels: write_photograph(path, pixels, **elements)


def _lying(kind):
    """Pixels of another size than the header says: decoders would allocate what the pixels ask for."""

    def lying(path, pixels):
        dataset = write_compressed(path, pixels, *LOSSLESS[kind])
        dataset.Rows -= 1
        write(path, dataset)

    return lying


ENVELOPE = bytes.fromhex("30820400 06092a864886f70d010703") + b"\0" * 500

WRONG = {
    "report": (_with(SOPClassUID=uid.EncapsulatedPDFStorage), "'Encapsulated PDF Storage' is not a photograph"),
    "slice": (_with(SOPClassUID=uid.CTImageStorage), "'CT Image Storage' is not a photograph"),
    "no pixels": (_without_pixels, "pixels are missing"),
    "no size": (_with(Rows=None), "no image size"),
    "huge": (_with(Rows=60000, Columns=60000), "more than the 100 million pixels allowed"),
    "colours": (_with(colours="HSV"), "'HSV', which is not supported"),
    "video": (_video, "compression 'MPEG-4 AVC/H.264 High Profile / Level 4.1' is not supported"),
    "encrypted": (_encrypted, "its pixels are encrypted"),
    "cut": (_cut(write_photograph, 0.5), "pixels"),
    "cut in the header": (_cut(write_photograph, 0.03), "DICOM"),
    "cut JPEG": (_cut(write_jpeg, 0.6), "pixels"),
    "cut JPEG 2000": (_cut(lambda p, x: write_compressed(p, x, *LOSSLESS["JPEG 2000"]), 0.6), "pixels"),
    "lying JPEG 2000": (_lying("JPEG 2000"), "they are 72×64, but 72×63 by the header"),
    "lying JPEG-LS": (_lying("JPEG-LS"), "they are 72×64, but 72×63 by the header"),
    "garbage JPEG": (_garbage(uid.JPEGBaseline8Bit), "can't be decoded"),
    "garbage JPEG 2000": (_garbage(uid.JPEG2000), "can't be decoded"),
    "garbage JPEG-LS": (_garbage(uid.JPEGLSLossless), "can't be decoded"),
    "garbage lossless JPEG": (_garbage(uid.JPEGLosslessSV1), "can't be decoded"),
    "garbage RLE": (_garbage(uid.RLELossless), "can't be decoded"),
    "envelope": (lambda p, x: p.write_bytes(ENVELOPE), "it is encrypted"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_read_gets_one_sentence(kind, pixels, tmp_path, capfd):
    write_it, reason = WRONG[kind]
    write_it(tmp_path / "eye.dcm", pixels)
    with pytest.raises(ValueError) as caught:
        load(tmp_path / "eye.dcm")
    root = caught.value
    while root.__cause__ is not None:
        root = root.__cause__
    assert reason in str(root)
    assert "eye.dcm" in str(root)
    assert len(str(root)) < 400
    assert not [value for value in IDENTIFYING if value in str(root)]
    assert kind == "garbage lossless JPEG" or capfd.readouterr().err == ""  # GDCM's decoder adds a line of its own


def test_huge_is_refused_before_decoding(pixels, tmp_path):
    write_photograph(tmp_path / "eye.dcm", pixels, Rows=60000, Columns=60000)
    with pytest.raises(ValueError, match="60000×60000"):
        read_dicom(tmp_path / "eye.dcm", MAX_PIXELS)


def test_without_the_extra_the_sentence_says_what_to_install(pixels, tmp_path, monkeypatch):
    from sre_monai.io import dicom

    write_photograph(tmp_path / "eye.dcm", pixels)
    dicom.require_dicom_extra.cache_clear()
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ImportError, match=r"pip install 'sre_monai\[dicom\]'"):
        read_dicom(tmp_path / "eye.dcm")
    with pytest.raises(Exception, match="pip install") as caught:
        load(tmp_path / "eye.dcm")
    assert "is expected" not in str(caught.value)
