"""DICOM photographs as arrays. Only the elements needed are read: nothing that identifies a person."""

from __future__ import annotations

import logging
import math
import os
import struct
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sre_monai.io.depth import to_bytes, white_level, white_note
from sre_monai.io.dicom_colours import looks_converted_twice, looks_like_ybr
from sre_monai.io.pixel_size import is_plausible_um_per_pixel

if TYPE_CHECKING:
    from pydicom import Dataset, FileDataset

MAGIC, MAGIC_OFFSET = b"DICM", 128
META_GROUP, FIRST_GROUP = 0x0002, 0x0008  # of elements: a data set without the preamble begins with one of them
PHOTOGRAPH_CLASSES = (
    "OphthalmicPhotography8BitImageStorage",
    "OphthalmicPhotography16BitImageStorage",
    "WideFieldOphthalmicPhotographyStereographicProjectionImageStorage",
    "WideFieldOphthalmicPhotography3DCoordinatesImageStorage",
    "VLPhotographicImageStorage",
    "SecondaryCaptureImageStorage",
    "MultiFrameGrayscaleByteSecondaryCaptureImageStorage",
    "MultiFrameGrayscaleWordSecondaryCaptureImageStorage",
    "MultiFrameTrueColorSecondaryCaptureImageStorage",
)
COLOUR_SPACES = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
DECODERS = {  # one for each transfer syntax: the pixels don't depend on what else is installed
    "JPEGBaseline8Bit": "pillow",
    "JPEGExtended12Bit": "pillow",
    "JPEGLossless": "gdcm",
    "JPEGLosslessSV1": "gdcm",
    "JPEGLSLossless": "pyjpegls",
    "JPEGLSNearLossless": "pyjpegls",
    "JPEG2000Lossless": "pylibjpeg",
    "JPEG2000": "pylibjpeg",
    "HTJ2KLossless": "pylibjpeg",
    "HTJ2KLosslessRPCL": "pylibjpeg",
    "HTJ2K": "pylibjpeg",
    "RLELossless": "pydicom",
}
COLOURS = ("Red", "Green", "Blue")
SIZE_ELEMENTS = ["SOPClassUID", "Rows", "Columns"]
ELEMENTS = [
    *SIZE_ELEMENTS,
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    *(f"{colour}PaletteColorLookupTableDescriptor" for colour in COLOURS),
    *(f"{colour}PaletteColorLookupTableData" for colour in COLOURS),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in COLOURS),
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
    "EncryptedAttributesSequence",
    "PixelSpacing",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "BurnedInAnnotation",
    "ImageLaterality",
    "Laterality",
    "AcquisitionDateTime",
    "AcquisitionDate",
    "ContentDate",
]
LATERALITIES = {
    **dict.fromkeys(("R", "RIGHT", "OD", "RE"), "R"),
    **dict.fromkeys(("L", "LEFT", "OS", "LE"), "L"),
    **dict.fromkeys(("B", "BOTH", "OU", "BE"), "B"),
}
YBR_NOTE = "its colours are labelled as RGB but stored as YCbCr, and were read as these"
RGB_NOTE = "its colours are labelled as YCbCr but stored as RGB, and were read as these"
ISOTROPY = 1e-3  # relative difference of row and column spacing that still counts as none


def is_dicom(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a DICOM object, by its content: extensions vary, and often there is none.

    Objects that lack the preamble, as old systems write them, are recognised by their first element.

    Examples:
        >>> is_dicom("docs/sample/eye_565x584.png")
        False
    """
    with open(path, "rb") as stream:
        head = stream.read(MAGIC_OFFSET + len(MAGIC))
    return head[MAGIC_OFFSET:] == MAGIC or _begins_as_data_set(head)


def _begins_as_data_set(head: bytes) -> bool:
    """Whether these are the first bytes of an object without preamble: a low element, its type or a short length."""
    if len(head) < MAGIC_OFFSET:
        return False
    group, element, length = struct.unpack_from("<HHI", head)
    is_explicit = head[4:6].isalpha() and head[4:6].isupper()
    is_implicit = group == FIRST_GROUP and 0 < length <= MAGIC_OFFSET and length % 2 == 0
    return group in (META_GROUP, FIRST_GROUP) and element <= 0x0018 and (is_explicit or is_implicit)


def read_dicom(path: str | os.PathLike[str], max_pixels: float = math.inf) -> tuple[np.ndarray, dict[str, Any]]:
    """Read the first frame of a DICOM photograph.

    Pixels are the stored ones: window and rescale settings, which are for display, are not applied. ``MONOCHROME1`` is
    inverted, so that bright is high; palettes are looked up; YBR becomes RGB.

    Args:
        path: the file.
        max_pixels: larger images are refused before they are decoded.

    Returns:
        The pixels, uint8 of shape (H, W) or (H, W, 3); those of more bits are scaled, see
        `sre_monai.io.depth.white_level`. And what is known of them: ``note`` (of several frames, wrong labels of
        colours, burned-in text, a pixel spacing that can't be used …), ``laterality`` (``"R"``, ``"L"``, ``"B"`` for
        both, or empty), ``acquisition_date`` (as in ISO 8601, or empty), and where it is known ``um_per_pixel`` (µm).

    Raises:
        ImportError: when pydicom isn't installed.
        ValueError: when the object is not a photograph, is damaged, encrypted or compressed in an unknown way.

    Examples:
        >>> values, known = read_dicom("eye.dcm")  # doctest: +SKIP
        >>> known["laterality"]  # doctest: +SKIP
        'R'
    """
    dataset = read_elements(path, ELEMENTS)
    _check(dataset, max_pixels)
    um_per_pixel, spacing_note = _um_per_pixel(dataset)
    frames = int(dataset.get("NumberOfFrames") or 1)
    stored, colour_note = _decode(dataset)
    values, depth_note = _to_bytes(stored, dataset)
    notes = [
        f"the first of {frames} frames was read" if frames > 1 else "",
        colour_note,
        depth_note,
        spacing_note,
        "it has burned-in text, which pictures of it show" if dataset.get("BurnedInAnnotation") == "YES" else "",
    ]
    return values, {
        "note": "; ".join(filter(None, notes)),
        "laterality": laterality(dataset),
        "acquisition_date": _acquisition_date(dataset),
        **({} if um_per_pixel is None else {"um_per_pixel": um_per_pixel}),
    }


def dicom_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height of a DICOM image, by its header.

    Raises:
        ImportError: when pydicom isn't installed.
        ValueError: when it has none.

    Examples:
        >>> dicom_size("eye.dcm")  # doctest: +SKIP
        (2048, 1536)
    """
    dataset = read_elements(path, SIZE_ELEMENTS)
    return int(dataset.get("Columns") or 0), int(dataset.get("Rows") or 0)


@cache
def require_dicom_extra() -> None:
    """Check that the packages for DICOM are installed.

    Raises:
        ImportError: naming the extra to install.

    Examples:
        >>> require_dicom_extra()
    """
    try:
        import highdicom  # noqa: F401
        import pydicom  # noqa: F401
    except ImportError:
        raise ImportError("DICOM needs further packages: pip install 'sre_monai[dicom]'") from None
    # Errors are raised as well. Warnings of objects that don't follow the standard may quote what identifies a person.
    warnings.filterwarnings("ignore", module=r"pydicom\.")
    for package in ("pydicom", "highdicom"):
        logging.getLogger(package).setLevel(logging.CRITICAL)


def read_elements(path: str | os.PathLike[str], elements: list[str]) -> FileDataset:
    """Read the given elements of the data set, and no others."""
    require_dicom_extra()
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(
            path, specific_tags=list(elements), stop_before_pixels="PixelData" not in elements, force=is_dicom(path)
        )
    except (InvalidDicomError, EOFError, NotImplementedError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"its DICOM header is damaged: {error}") from None
    if not dataset.file_meta and dataset.original_encoding[1]:  # without preamble and what follows it
        implicit = dataset.original_encoding[0]
        syntax = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
        dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _check(dataset: FileDataset, max_pixels: float) -> None:
    """Refuse what isn't a photograph, or whose pixels aren't there."""
    from pydicom import uid

    kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if kind not in {getattr(uid, keyword) for keyword in PHOTOGRAPH_CLASSES}:
        raise ValueError(
            f"a DICOM object of the class {getattr(kind, 'name', 'unknown')!r} is not a photograph; expected are "
            "Ophthalmic Photography, VL Photographic and Secondary Capture"
        )
    if "PixelData" not in dataset:
        if "EncryptedAttributesSequence" in dataset:
            raise ValueError("its pixels are encrypted; decrypt the DICOM object first")
        raise ValueError("its pixels are missing: the DICOM object is incomplete")
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not rows * columns:
        raise ValueError("its DICOM header gives no image size")
    if rows * columns > max_pixels:
        raise ValueError(f"{columns}×{rows} pixels are more than the {max_pixels / 1e6:.0f} million pixels allowed")
    colours = dataset.get("PhotometricInterpretation")
    if colours not in COLOUR_SPACES:
        raise ValueError(f"its colours are stored as {colours!r}, which is not supported")


def _decode(dataset: FileDataset) -> tuple[np.ndarray, str]:
    """Decode the first frame: grey (H, W) or RGB (H, W, 3), with a note where its colours are labelled wrongly."""
    from pydicom.pixels import convert_color_space, pixel_array

    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise ValueError("its DICOM header gives no transfer syntax")
    decoder = DECODERS.get(syntax.keyword, "")
    try:
        _check_coded_size(dataset, decoder)
        values = pixel_array(dataset, index=0, decoding_plugin=decoder)
        if values.ndim != 3 or values.dtype != np.uint8:
            return values, ""
        if dataset.PhotometricInterpretation == "RGB" and looks_like_ybr(values):
            return convert_color_space(values, "YBR_FULL", "RGB"), YBR_NOTE
        if dataset.PhotometricInterpretation.startswith("YBR_FULL") and looks_converted_twice(values):
            return pixel_array(dataset, index=0, decoding_plugin=decoder, raw=True), RGB_NOTE
        return values, ""
    except NotImplementedError:
        raise ValueError(f"its compression {syntax.name!r} is not supported") from None
    except Exception as error:  # of any kind, for damaged pixels
        what = str(error).splitlines()[-1].strip().partition(" - ")[0]  # pydicom goes on with guesses
        raise ValueError(f"its pixels can't be decoded: {what}") from None


def _check_coded_size(dataset: FileDataset, decoder: str) -> None:
    """Compare the size that the compressed pixels give with the header's: two of the decoders trust it blindly."""
    from pydicom.encaps import get_frame

    if decoder not in ("pylibjpeg", "pyjpegls"):
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    if decoder == "pylibjpeg":
        from openjpeg import get_parameters

        coded = get_parameters(frame)
        rows, columns = coded["rows"], coded["columns"]
    else:
        from _CharLS import read_header

        coded = read_header(frame)
        rows, columns = coded["height"], coded["width"]
    if (rows, columns) != (dataset.Rows, dataset.Columns):
        raise ValueError(f"they are {columns}×{rows}, but {dataset.Columns}×{dataset.Rows} by the header")


def _to_bytes(values: np.ndarray, dataset: FileDataset) -> tuple[np.ndarray, str]:
    """Turn stored values into grey or RGB of 8 bits, bright is high, with a note of how."""
    from pydicom.pixels import apply_color_lut

    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        values = apply_color_lut(values, dataset)[..., :3]
        return values if values.dtype.itemsize == 1 else (values >> 8).astype(np.uint8), ""
    is_inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    if is_inverted and dataset.PixelRepresentation:
        values, is_inverted = -1 - values.astype(np.int64), False
    bits = int(dataset.BitsStored)
    if bits == 8 and not dataset.PixelRepresentation:
        values, white = values.astype(np.uint8), 255
    else:
        white = white_level(values, 2**bits - 1 if bits < 8 * values.dtype.itemsize else None)
    pixels, note = to_bytes(values, white), "" if white == 2**bits - 1 else white_note(values.dtype, white)
    return 255 - pixels if is_inverted else pixels, note


def _um_per_pixel(dataset: FileDataset) -> tuple[float | None, str]:
    """Pixel size in µm, None where it is unknown or can't be right, and a note of that."""
    spacing = dataset.get("PixelSpacing") or _of_first_frame(dataset, "PixelMeasuresSequence", "PixelSpacing")
    if not spacing:
        return None, ""
    try:
        between_rows, between_columns = (float(millimetres) for millimetres in spacing)
    except (TypeError, ValueError):
        return None, "its pixel spacing is not two numbers, and was ignored"
    if not (0 < between_rows < math.inf and 0 < between_columns < math.inf):
        return None, "its pixel spacing is not positive, and was ignored"
    if not math.isclose(between_rows, between_columns, rel_tol=ISOTROPY):
        return None, f"its pixel spacing of {between_rows:g} × {between_columns:g} mm is not isotropic, and was ignored"
    size = round(500 * (between_rows + between_columns), 6)
    if not is_plausible_um_per_pixel(size, max(dataset.Rows, dataset.Columns)):
        return None, f"its pixel spacing of {size / 1000:g} mm can't be that of a retina, and was ignored"
    return size, ""


def _of_first_frame(dataset: Dataset, group: str, element: str) -> Any:
    """An element of the first frame's functional groups, or of those that all frames share."""
    for groups in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for frame in (dataset.get(groups) or [])[:1]:
            for item in (frame.get(group) or [])[:1]:
                if item.get(element):
                    return item.get(element)
    return None


def laterality(dataset: Dataset) -> str:
    """Which eye: ``"R"``, ``"L"``, ``"B"`` for both, or empty; also where it is written as OD, OS or OU."""
    frame = _of_first_frame(dataset, "FrameAnatomySequence", "FrameLaterality")
    for value in (dataset.get("ImageLaterality"), frame, dataset.get("Laterality")):
        if side := LATERALITIES.get(str(value).strip().upper()):
            return side
    return ""


def _acquisition_date(dataset: FileDataset) -> str:
    """Day of the acquisition, as YYYY-MM-DD."""
    for name in ("AcquisitionDateTime", "AcquisitionDate", "ContentDate"):
        digits = str(dataset.get(name) or "").replace(".", "")[:8]
        if len(digits) == 8 and digits.isdecimal():
            return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return ""
