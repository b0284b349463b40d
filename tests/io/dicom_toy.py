"""Synthetic DICOM photographs, of every kind that cameras write."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import Dataset, FileMetaDataset, uid
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space

PERSON = {
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-471108",
    "PatientBirthDate": "19471108",
    "PatientSex": "F",
    "AccessionNumber": "ACC-0815",
    "StudyID": "STUDY-4711",
    "StudyDate": "20240517",
    "StudyTime": "101112",
    "ReferringPhysicianName": "Refer^Rita",
    "OperatorsName": "Oper^Otto",
    "InstitutionName": "General Hospital",
    "StudyDescription": "follow-up of Jane",
    "PatientComments": "Comment about Jane",
    "OtherPatientIDs": "OTHER-1234",
}
"""What identifies a person in each of them."""

IDENTIFYING = [value for value in PERSON.values() if len(value) > 1]
"""As text to look for."""

OPHTHALMIC_8 = uid.OphthalmicPhotography8BitImageStorage
OPHTHALMIC_16 = uid.OphthalmicPhotography16BitImageStorage


def photograph_dataset(pixels: np.ndarray, colours: str = "", bits: int = 0, **elements: Any) -> Dataset:
    """An uncompressed photograph of the pixels (H, W[, 3]) or (frames, H, W, 3); elements override."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = OPHTHALMIC_8 if pixels.dtype == np.uint8 else OPHTHALMIC_16
    dataset.SOPInstanceUID = uid.generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = uid.generate_uid(), uid.generate_uid()
    dataset.Modality = "OP"
    for name, value in PERSON.items():
        setattr(dataset, name, value)
    frames = pixels.shape[0] if pixels.ndim == 4 else 1
    plane = pixels.reshape(frames, *pixels.shape[-3:])[0] if pixels.ndim == 4 else pixels
    dataset.NumberOfFrames = frames
    dataset.Rows, dataset.Columns = plane.shape[:2]
    dataset.SamplesPerPixel = 3 if plane.ndim == 3 else 1
    dataset.PhotometricInterpretation = colours or ("RGB" if plane.ndim == 3 else "MONOCHROME2")
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    dataset.ImageLaterality = "R"
    dataset.AcquisitionDateTime = "20240516093000.000000"
    dataset.ContentDate, dataset.ContentTime = "20240516", "093000"
    dataset.PixelSpacing = [0.0065, 0.0065]
    dataset.PixelData = np.ascontiguousarray(pixels).tobytes()
    dataset["PixelData"].VR = "OB" if pixels.dtype == np.uint8 else "OW"
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def write_photograph(path: Path, pixels: np.ndarray, **elements: Any) -> Dataset:
    """Write an uncompressed photograph."""
    return write(path, photograph_dataset(pixels, **elements))


def write(path: Path, dataset: Dataset) -> Dataset:
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return dataset


def jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, **options)
    return stream.getvalue()


def write_jpeg(path: Path, pixels: np.ndarray, **elements: Any) -> Dataset:
    """Write a photograph compressed as JPEG baseline, with its colours as JPEG files have them."""
    dataset = photograph_dataset(pixels, **elements)
    if pixels.ndim == 3:
        dataset.PhotometricInterpretation = "YBR_FULL_422"
    dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = 10
    dataset.PixelData = encapsulate([jpeg(pixels)])
    dataset["PixelData"].VR = "OB"
    return write(path, dataset)


def write_compressed(path: Path, pixels: np.ndarray, syntax: uid.UID, plugin: str, **elements: Any) -> Dataset:
    """Write a photograph compressed by one of pydicom's encoders."""
    dataset = photograph_dataset(pixels, **elements)
    dataset.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
    return write(path, dataset)


def as_ybr(pixels: np.ndarray) -> np.ndarray:
    return convert_color_space(pixels, "RGB", "YBR_FULL")
