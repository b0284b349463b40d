"""Volumes stored as DICOM series: a folder with a file per slice, and a DICOM Segmentation of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sre_monai
from sre_monai.io.dicom import is_dicom, require_dicom_extra
from sre_monai.io.dicom_segmentation import DEIDENTIFICATION, REQUIRED, SERIES_NUMBER, describe_segment
from sre_monai.io.files import written_atomically

if TYPE_CHECKING:
    from pydicom import Dataset

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
DIRECTORY = "DICOMDIR"  # a table of contents, not a slice
REFERENCE = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality"),
    *("Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("PositionReferenceIndicator", "SpacingBetweenSlices", "LossyImageCompression", "LossyImageCompressionRatio"),
    "LossyImageCompressionMethod",
)
"""What a segmentation takes over from the slices."""


def is_series(path: str | os.PathLike[str]) -> bool:
    """Whether a path is read as a DICOM series: a folder, or a DICOM file.

    Args:
        path: a file or a folder.

    Returns:
        True for a folder and for DICOM.

    Examples:
        >>> is_series("docs/sample")
        True
    """
    return os.path.isdir(path) or is_dicom(path)


def series_files(path: str | os.PathLike[str]) -> list[Path]:
    """List the slices of a series.

    Args:
        path: the folder, or the only file.

    Returns:
        The DICOM files directly in the folder, sorted by name.

    Raises:
        ValueError: when there is none.
    """
    folder = Path(path)
    if folder.is_file():
        return [folder]
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name.upper() != DIRECTORY]
    slices = [file for file in files if is_dicom(file)]
    if not slices:
        raise ValueError("the folder has no DICOM files")
    return slices


def read_series(path: str | os.PathLike[str], max_voxels: int) -> tuple[np.ndarray, np.ndarray]:
    """Read a series as one volume, with the scaling of its values applied.

    Args:
        path: the folder, or a file with all slices as frames.
        max_voxels: larger ones are refused before their pixels are decoded.

    Returns:
        The values, float32 of shape (slices, rows, columns), and the affine matrix (4, 4) to millimetres in RAS.

    Raises:
        ImportError: when the extra ``dicom`` isn't installed.
        ValueError: when the files are not one regular stack of slices.
    """
    volume = _volume(_datasets(path), max_voxels)
    return np.asarray(volume.array, np.float32), LPS_TO_RAS @ volume.affine


def write_series_segmentation(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str],
    labels: np.ndarray,
    affine: np.ndarray,
    structures: Mapping[int, str],
    keep_identifiers: bool = False,
    algorithm: str = "sre_monai",
    parameters: Mapping[str, Any] | None = None,
) -> None:
    """Write a label map as a DICOM Segmentation that refers to the slices of its series.

    Name, identifiers, birth date and sex of the patient and everything else about the person and the visit are empty,
    unless they are to be kept.

    Args:
        path: the file to make; an existing one is replaced.
        source: the series.
        labels: whole numbers on the series' grid, as :func:`read_series` returns it; 0 is background.
        affine: of the grid, as :func:`read_series` returns it.
        structures: what each number stands for.
        keep_identifiers: whether to take over patient and study from the series.
        algorithm: name of the algorithm.
        parameters: of the algorithm, to be recorded.

    References:
        DICOM PS3.3 A.51, Segmentation IOD.

    Raises:
        ImportError: when the extra ``dicom`` isn't installed.
        ValueError: when the headers lack an identifier to refer to.
    """
    require_dicom_extra()
    from highdicom import UID, Volume
    from highdicom.seg import Segmentation, SegmentationTypeValues

    slices = [_reference(slice, keep_identifiers) for slice in _datasets(source, pixels=False)]
    present = list(structures)
    masks = np.stack([labels == number for number in present], axis=-1).astype(np.uint8)
    volume = Volume(
        masks,
        affine=LPS_TO_RAS @ affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=slices[0].FrameOfReferenceUID,
        channels={"SegmentNumber": list(range(1, len(present) + 1))},
    )
    segmentation = Segmentation(
        source_images=slices,
        pixel_array=volume,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[
            describe_segment(structures[label], algorithm, parameters, number=number)
            for number, label in enumerate(present, start=1)
        ],
        series_instance_uid=UID(),
        series_number=SERIES_NUMBER,
        series_description=f"Segmentation by {algorithm}"[:64],
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer="sre_monai",
        manufacturer_model_name=algorithm,
        software_versions=sre_monai.__version__,
        device_serial_number=sre_monai.__version__,
        content_label="SEGMENTATION",
        omit_empty_frames=False,
    )
    if not keep_identifiers:
        segmentation.PatientIdentityRemoved, segmentation.DeidentificationMethod = "YES", DEIDENTIFICATION
    with written_atomically(path) as unfinished:
        segmentation.save_as(unfinished)


def _datasets(path: str | os.PathLike[str], pixels: bool = True) -> list[Dataset]:
    require_dicom_extra()
    import pydicom

    return [pydicom.dcmread(file, stop_before_pixels=not pixels) for file in series_files(path)]


def _volume(datasets: Sequence[Dataset], max_voxels: int) -> Any:
    """A volume of highdicom, which checks that the slices are one regular stack."""
    from highdicom import get_volume_from_series
    from highdicom.image import Image

    series = {str(dataset.get("SeriesInstanceUID")) for dataset in datasets}
    if len(series) > 1:
        raise ValueError(f"the folder has {len(series)} DICOM series; give each a folder of its own")
    first = datasets[0]
    frames = len(datasets) * int(first.get("NumberOfFrames") or 1)
    if frames < 2:
        raise ValueError("the DICOM series has one slice, and is no volume but a 2D image")
    if int(first.get("SamplesPerPixel") or 1) > 1:
        raise ValueError("its voxels hold several numbers each, colours perhaps; one is expected")
    if frames * int(first.get("Rows") or 0) * int(first.get("Columns") or 0) > max_voxels:
        raise ValueError(f"it has more than the {max_voxels / 1e6:.0f} million voxels allowed")
    options: dict[str, Any] = {"dtype": np.float32, "apply_presentation_lut": False}
    if len(datasets) == 1:
        return Image.from_dataset(first).get_volume(**options)
    return get_volume_from_series(datasets, **options)


def _reference(slice: Dataset, keep_identifiers: bool) -> Dataset:
    """Keep of a slice's header what a segmentation may take over."""
    names = {*REFERENCE, *(REQUIRED if keep_identifiers else ())}
    for element in list(slice):
        if element.keyword not in names:
            del slice[element.tag]
    for name in REQUIRED:
        if name not in slice:
            setattr(slice, name, "")
    return slice
