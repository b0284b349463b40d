"""Inference on a folder of images: listing, loading, evaluation, journal and report."""

from sre_monai.folder.evaluator import FolderEvaluator
from sre_monai.folder.journal import Journal
from sre_monai.folder.listing import list_images
from sre_monai.folder.loader import PixelBudgetLoader
from sre_monai.folder.report import FolderReport
from sre_monai.folder.run import FolderRun
from sre_monai.folder.tables import FolderTable, GatheredTable, RecordTable
from sre_monai.folder.tolerant_dataset import TolerantDataset

__all__ = [
    "FolderEvaluator",
    "FolderReport",
    "FolderRun",
    "FolderTable",
    "GatheredTable",
    "Journal",
    "PixelBudgetLoader",
    "RecordTable",
    "TolerantDataset",
    "list_images",
]
