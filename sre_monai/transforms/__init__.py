"""Dictionary transforms: field of view, working resolution, normalisation, results as files; rotation by any angle."""

from sre_monai.transforms.crop import CropToFieldOfViewd
from sre_monai.transforms.field_of_view import (
    FieldOfViewd,
    IgnoreOutsideFieldOfViewd,
    estimate_field_of_view,
    field_of_view_diameter,
)
from sre_monai.transforms.grid_symmetries import GridSymmetry, grid_symmetries
from sre_monai.transforms.jpeg import RandJPEGd, compress_jpeg
from sre_monai.transforms.local_contrast import LocalContrastNormalizationd
from sre_monai.transforms.measure_vessels import MeasureVesselsd
from sre_monai.transforms.normalize import NormalizeInsideFieldOfViewd
from sre_monai.transforms.quality import PhotographQualityd
from sre_monai.transforms.report_classes import ReportClassesd
from sre_monai.transforms.report_metadata import ReportMetadatad
from sre_monai.transforms.rotate import rotate, rotate_back
from sre_monai.transforms.save_vessels import SaveVesselsd
from sre_monai.transforms.skeleton_length import SkeletonLengthd
from sre_monai.transforms.untracked_compose import UntrackedCompose
from sre_monai.transforms.vessel_mask import VesselMaskd
from sre_monai.transforms.working_resolution import WorkingResolutiond

__all__ = [
    "CropToFieldOfViewd",
    "FieldOfViewd",
    "GridSymmetry",
    "IgnoreOutsideFieldOfViewd",
    "LocalContrastNormalizationd",
    "MeasureVesselsd",
    "NormalizeInsideFieldOfViewd",
    "PhotographQualityd",
    "RandJPEGd",
    "ReportClassesd",
    "ReportMetadatad",
    "SaveVesselsd",
    "SkeletonLengthd",
    "UntrackedCompose",
    "VesselMaskd",
    "WorkingResolutiond",
    "compress_jpeg",
    "estimate_field_of_view",
    "field_of_view_diameter",
    "grid_symmetries",
    "rotate",
    "rotate_back",
]
