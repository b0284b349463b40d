from sre_monai.engines.classify import ClassificationReport, ReportClassesd
from sre_monai.engines.folder_report import FolderReport
from sre_monai.engines.random_trim import RandomTrim
from sre_monai.engines.save_vessels import SaveVesselsd
from sre_monai.engines.tolerant_evaluator import TolerantEvaluator

__all__ = [
    "ClassificationReport",
    "FolderReport",
    "RandomTrim",
    "ReportClassesd",
    "SaveVesselsd",
    "TolerantEvaluator",
]
