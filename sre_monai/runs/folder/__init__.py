"""Inference on a folder of images: listing, loading, evaluation, journal and report."""

from sre_monai.runs.folder.evaluator import FolderEvaluator
from sre_monai.runs.folder.journal import Journal
from sre_monai.runs.folder.listing import list_images, list_others
from sre_monai.runs.folder.loader import PixelBudgetLoader
from sre_monai.runs.folder.report import FolderReport
from sre_monai.runs.folder.report_page import ReportRow, write_report_page
from sre_monai.runs.folder.report_tables import FolderTable, GatheredTable, RecordTable
from sre_monai.runs.folder.run import FolderRun
from sre_monai.runs.folder.thumbnail import thumbnail
from sre_monai.runs.folder.tolerant_dataset import TolerantDataset

__all__ = [
    "FolderEvaluator",
    "FolderReport",
    "FolderRun",
    "FolderTable",
    "GatheredTable",
    "Journal",
    "PixelBudgetLoader",
    "RecordTable",
    "ReportRow",
    "TolerantDataset",
    "list_images",
    "list_others",
    "thumbnail",
    "write_report_page",
]
