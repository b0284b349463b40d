"""Symmetries of the grid, rotation by any angle, and dictionary transforms."""

from sre_monai.former import look_up_former_names
from sre_monai.transforms.grid_symmetries import GridSymmetry, grid_symmetries
from sre_monai.transforms.jpeg import RandJPEGd, compress_jpeg
from sre_monai.transforms.report_metadata import ReportMetadatad
from sre_monai.transforms.rotate import rotate, rotate_back
from sre_monai.transforms.untracked_compose import UntrackedCompose

__all__ = [
    "GridSymmetry",
    "RandJPEGd",
    "ReportMetadatad",
    "UntrackedCompose",
    "compress_jpeg",
    "grid_symmetries",
    "rotate",
    "rotate_back",
]

__getattr__ = look_up_former_names("transforms")
