# What the package offers: its ``__all__`` at run time, and what type checkers see.

from .dicom_series import is_series as is_series
from .dicom_series import read_series as read_series
from .dicom_series import series_files as series_files
from .dicom_series import write_series_segmentation as write_series_segmentation
from .label_map import LabelMapd as LabelMapd
from .label_map import structure_columns as structure_columns
from .listing import list_volumes as list_volumes
from .prepare import held_back as held_back
from .prepare import prepare_hippocampus as prepare_hippocampus
from .protocols import VolumeRotation as VolumeRotation
from .protocols import VolumeScoreTable as VolumeScoreTable
from .reader import VolumeReader as VolumeReader
from .save_labels import SaveLabelsd as SaveLabelsd
from .scores import structure_scores as structure_scores
from .segmenter import VolumeSegmentation as VolumeSegmentation
from .segmenter import VolumeSegmenter as VolumeSegmenter
from .slices import draw_slices as draw_slices
from .spacing import CentredSpacingd as CentredSpacingd
from .turn import Turn as Turn
from .turn import random_axes as random_axes
