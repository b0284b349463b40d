"""Files: photographs, DICOM, PNG, archives, downloads, tables; written atomically."""

from sre_monai.io.archives import extract_archive
from sre_monai.io.datalist import first_items, hold_out, load_datalist
from sre_monai.io.dicom_segmentation import write_dicom_segmentation
from sre_monai.io.download import RemoteFile, download_file
from sre_monai.io.files import written_atomically
from sre_monai.io.image_readers import IMAGE_EXTENSIONS, BinaryMaskReader, RGBReader
from sre_monai.io.png import save_png
from sre_monai.io.tables import write_json, write_table

__all__ = [
    "IMAGE_EXTENSIONS",
    "BinaryMaskReader",
    "RGBReader",
    "RemoteFile",
    "download_file",
    "extract_archive",
    "first_items",
    "hold_out",
    "load_datalist",
    "save_png",
    "write_dicom_segmentation",
    "write_json",
    "write_table",
    "written_atomically",
]
