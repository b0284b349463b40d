"""Data sets: specifications, preparation, datalists."""

from sre_monai.data.archives import extract_archive
from sre_monai.data.datalist import first_items, hold_out, load_datalist
from sre_monai.data.dicom_segmentation import write_dicom_segmentation
from sre_monai.data.download import RemoteFile, download_file
from sre_monai.data.image_readers import IMAGE_EXTENSIONS, BinaryMaskReader, RGBReader
from sre_monai.data.medmnist import MedMNISTFormat, find_medmnist, load_medmnist, medmnist_format
from sre_monai.data.prepare import prepare_dataset
from sre_monai.data.retina_dataset import RetinaCase, RetinaDataset
from sre_monai.data.retina_datasets import CHASE_DB1, DRIVE, HRF, RETINA_DATASETS, STARE
from sre_monai.data.synthetic import SyntheticFundus, synthetic_fundus, write_synthetic_dataset
from sre_monai.data.synthetic_volumes import VOLUME_CLASSES, synthetic_volume, write_synthetic_volumes

__all__ = [
    "CHASE_DB1",
    "DRIVE",
    "HRF",
    "IMAGE_EXTENSIONS",
    "RETINA_DATASETS",
    "STARE",
    "VOLUME_CLASSES",
    "BinaryMaskReader",
    "MedMNISTFormat",
    "RGBReader",
    "RemoteFile",
    "RetinaCase",
    "RetinaDataset",
    "SyntheticFundus",
    "download_file",
    "extract_archive",
    "find_medmnist",
    "first_items",
    "hold_out",
    "load_datalist",
    "load_medmnist",
    "medmnist_format",
    "prepare_dataset",
    "synthetic_fundus",
    "synthetic_volume",
    "write_dicom_segmentation",
    "write_synthetic_dataset",
    "write_synthetic_volumes",
]
