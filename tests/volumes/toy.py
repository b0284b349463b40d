"""Volumes made for the tests, in files of all kinds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from scipy import ndimage

AFFINE = np.array([[1, 0, 0, -20], [0, 1, 0, 12.5], [0, 0, 1, 3], [0, 0, 0, 1]], float)


def smooth_noise(size: Sequence[int], seed: int = 0) -> np.ndarray:
    """Values from 0 to about 100 without fine structure, float32."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=size), 1.5)
    return (50 + 12 * noise / noise.std()).clip(0).astype(np.float32)


def write(path: Path, values: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    """Write values as whatever the extension says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = nibabel.MGHImage if path.suffix in (".mgz", ".mgh") else nibabel.Nifti1Image
    nibabel.save(kind(values, affine), path)
    return path


def write_dataset(folder: Path) -> Path:
    """Write a prepared data set of six small volumes, four for training."""
    items = []
    for number in range(6):
        values = smooth_noise((18, 20, 17), number)
        files = {"image": f"images/{number}.nii.gz", "label": f"labels/{number}.nii.gz"}
        write(folder / files["image"], values)
        write(folder / files["label"], np.digitize(values, [55, 65]).astype(np.uint8))
        items.append(files)
    (folder / "datalist.json").write_text(json.dumps({"name": "toy", "training": items[:4], "test": items[4:]}))
    return folder


def write_series(folder: Path, values: np.ndarray, spacing: tuple[float, float, float] = (2.0, 1.0, 1.5)) -> Path:
    """Write values (slices, rows, columns) as a DICOM series of oblique slices, in a shuffled order of files."""
    from pydicom import Dataset, FileMetaDataset, dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

    folder.mkdir(parents=True, exist_ok=True)
    angle = np.deg2rad(20)
    row, column = np.array([np.cos(angle), np.sin(angle), 0]), np.array([0, 0, -1.0])
    normal = np.cross(row, column)
    uids = {name: generate_uid() for name in ("study", "series", "frame")}
    for number in np.random.default_rng(0).permutation(len(values)):
        slice = Dataset()
        slice.file_meta = FileMetaDataset()
        slice.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice.SOPClassUID, slice.SOPInstanceUID, slice.Modality = MRImageStorage, generate_uid(), "MR"
        slice.StudyInstanceUID, slice.SeriesInstanceUID = uids["study"], uids["series"]
        slice.FrameOfReferenceUID, slice.PositionReferenceIndicator = uids["frame"], ""
        slice.PatientName, slice.PatientID, slice.PatientBirthDate, slice.PatientSex = "Doe^Jane", "42", "", "F"
        slice.StudyDate, slice.StudyTime, slice.StudyID, slice.AccessionNumber = "20200101", "", "", ""
        slice.ReferringPhysicianName, slice.SeriesNumber, slice.InstanceNumber = "", 1, int(number) + 1
        slice.ImageOrientationPatient = [*row, *column]
        slice.ImagePositionPatient = list(np.array([-30.0, 20.0, 10.0]) + spacing[0] * number * normal)
        slice.PixelSpacing, slice.SliceThickness = list(spacing[1:]), spacing[0]
        slice.Rows, slice.Columns = values.shape[1:]
        slice.SamplesPerPixel, slice.PhotometricInterpretation = 1, "MONOCHROME2"
        slice.BitsAllocated, slice.BitsStored, slice.HighBit, slice.PixelRepresentation = 16, 16, 15, 0
        slice.RescaleSlope, slice.RescaleIntercept, slice.RescaleType = 0.5, -3, "US"
        slice.PixelData = np.rint((values[number] + 3) / 0.5).astype("<u2").tobytes()
        dcmwrite(folder / f"slice_{number}.dcm", slice, enforce_file_format=True)
    return folder
