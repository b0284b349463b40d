"""Masks and probabilities as DICOM Segmentations that refer to their photograph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import sre_monai
from sre_monai.io.dicom import laterality, read_elements
from sre_monai.io.files import written_atomically

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom import Dataset

UNIQUE_IDENTIFIERS = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
REFERENCE = [
    *UNIQUE_IDENTIFIERS,
    "FrameOfReferenceUID",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "PatientOrientation",
    "ImageLaterality",
    "Laterality",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
]
"""What a segmentation takes over from its photograph."""

REQUIRED = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
]
IDENTIFYING = [*REQUIRED, "IssuerOfPatientID", "PatientAge", "StudyDescription", "SpecificCharacterSet"]
"""What it takes over besides if identifiers are to be kept. Otherwise those that every object must have are empty."""

DEIDENTIFICATION = "Attributes of patient and study left empty by sre_monai"
SERIES_NUMBER = 100
MAX_FRACTION = 255  # stands for a probability of 1
ANATOMICAL_STRUCTURE = ("91723000", "Anatomical Structure")


def write_dicom_segmentation(
    path: str | os.PathLike[str],
    source: str | os.PathLike[str],
    values: np.ndarray,
    label: str,
    keep_identifiers: bool = False,
    algorithm: str = "sre_monai",
    parameters: Mapping[str, Any] | None = None,
    structure: tuple[str, str] = ANATOMICAL_STRUCTURE,
    region: tuple[str, str] | None = None,
    content_label: str = "SEGMENTATION",
) -> None:
    """Write what was found in a DICOM photograph as a DICOM Segmentation.

    It belongs to the photograph's study, in a series of its own, and refers to the photograph and its first frame. Its
    segment is coded by SNOMED CT, its region as right or left where that is known.
    Name, identifiers, birth date and sex of the patient and everything else about the person and the visit are empty,
    unless they are to be kept.

    Args:
        path: the file to make; an existing one is replaced.
        source: the photograph, a DICOM file.
        values: shape (H, W), the photograph's own: bool for a binary segmentation, or probabilities 0–1 for a
            fractional one, in steps of 1/255.
        label: what the segment shows, at most 40 characters.
        keep_identifiers: whether to take over patient and study from the photograph.
        algorithm: name of the algorithm.
        parameters: of the algorithm, to be recorded.
        structure: what the segment shows: code and meaning in SNOMED CT.
        region: where it is, in the same way.
        content_label: short name of the content, capital letters.

    Raises:
        ImportError: when highdicom isn't installed.
        ValueError: when the photograph's header lacks an identifier to refer to, or the sizes differ.

    References:
        DICOM PS3.3 A.51, Segmentation IOD. Bridge et al., "Highdicom: a Python library for standardized encoding of
        image annotations and machine learning model outputs in pathology and radiology", J. Digit. Imaging 35 (2022),
        doi:10.1007/s10278-022-00683-y.

    Examples:
        >>> write_dicom_segmentation("mask.dcm", "image.dcm", mask, "Lesion")  # doctest: +SKIP
    """
    header = _header(source, keep_identifiers)
    from highdicom import UID, PixelMeasuresSequence
    from highdicom.seg import Segmentation, SegmentationTypeValues
    from pydicom import Dataset

    frames, header.NumberOfFrames = int(header.get("NumberOfFrames") or 1), 1  # the first was segmented
    # highdicom expects pixel measures where there may be several frames. They are left out in the end: they would need
    # a slice thickness, and the photograph that is referred to has its spacing.
    shared = Dataset()
    shared.PixelMeasuresSequence = PixelMeasuresSequence(pixel_spacing=(1, 1), slice_thickness=None)
    header.SharedFunctionalGroupsSequence = [shared]
    binary = values.dtype == bool
    segmentation = Segmentation(
        source_images=[header],
        pixel_array=values.astype(np.uint8 if binary else np.float32)[None],
        segmentation_type=SegmentationTypeValues.BINARY if binary else SegmentationTypeValues.FRACTIONAL,
        segment_descriptions=[describe_segment(label, algorithm, parameters, structure, region, laterality(header))],
        series_instance_uid=UID(),
        series_number=SERIES_NUMBER,
        series_description=label,
        sop_instance_uid=UID(),
        instance_number=1,
        manufacturer="sre_monai",
        manufacturer_model_name=algorithm,
        software_versions=sre_monai.__version__,
        device_serial_number=sre_monai.__version__,
        max_fractional_value=MAX_FRACTION,
        content_label=content_label,
        content_description=label,
        omit_empty_frames=False,
    )
    segmentation.SharedFunctionalGroupsSequence[0].pop("PixelMeasuresSequence", None)
    segmentation.PatientOrientation = header.get("PatientOrientation") or ""
    if frames > 1:
        _refer_to_first_frame(segmentation)
    if not keep_identifiers:
        segmentation.PatientIdentityRemoved, segmentation.DeidentificationMethod = "YES", DEIDENTIFICATION
    with written_atomically(path) as unfinished:
        segmentation.save_as(unfinished)


def _header(source: str | os.PathLike[str], keep_identifiers: bool) -> Dataset:
    """Read from the photograph what may be taken over, and nothing else."""
    header = read_elements(source, REFERENCE + IDENTIFYING if keep_identifiers else REFERENCE)
    missing = [name for name in UNIQUE_IDENTIFIERS if not header.get(name)]
    if missing:
        raise ValueError(f"its DICOM header has no {missing[0]}, which a DICOM Segmentation has to refer to")
    for name in REQUIRED:
        if name not in header:
            setattr(header, name, "")
    header.decode()  # by its own character set, however that is written
    header.SpecificCharacterSet = "ISO_IR 192"  # UTF-8, which holds them all
    return header


def describe_segment(
    label: str,
    algorithm: str,
    parameters: Mapping[str, Any] | None = None,
    structure: tuple[str, str] = ANATOMICAL_STRUCTURE,
    region: tuple[str, str] | None = None,
    side: str = "",
    number: int = 1,
) -> SegmentDescription:
    """Describe a segment: what it shows, where, and what found it.

    Args:
        label: what the segment shows.
        algorithm: name of the algorithm.
        parameters: of the algorithm, to be recorded.
        structure: what the segment shows: code and meaning in SNOMED CT.
        region: where it is, in the same way.
        side: of the region, ``"R"`` or ``"L"`` where it is known.
        number: of the segment, from 1.

    Returns:
        The description, for highdicom.

    Examples:
        >>> describe_segment("Lesion", "sre_monai").SegmentLabel  # doctest: +SKIP
        'Lesion'
    """
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom.sr.codedict import codes

    segment = SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=_snomed(structure),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=algorithm,
            family=codes.cid7162.ArtificialIntelligence,
            version=sre_monai.__version__,
            source="sre_monai",
            parameters={name: str(value) for name, value in (parameters or {}).items()} or None,
        ),
        anatomic_regions=[_snomed(region)] if region else None,
    )
    modifier = {"R": codes.SCT.Right, "L": codes.SCT.Left}.get(side)
    if region and modifier is not None:
        segment.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [CodedConcept.from_code(modifier)]
    return segment


def _snomed(concept: tuple[str, str]) -> CodedConcept:
    from highdicom.sr import CodedConcept

    value, meaning = concept
    return CodedConcept(value, "SCT", meaning)


def _refer_to_first_frame(segmentation: Dataset) -> None:
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        for derivation in frame.DerivationImageSequence:
            for image in derivation.SourceImageSequence:
                image.ReferencedFrameNumber = 1
