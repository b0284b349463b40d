from sre_monai.engines.classify import ClassificationReport, ReportClassesd
from sre_monai.engines.folder_evaluator import FolderEvaluator
from sre_monai.engines.folder_report import FolderReport
from sre_monai.engines.folder_run import FolderRun
from sre_monai.engines.random_trim import RandomTrim
from sre_monai.engines.save_vessels import SaveVesselsd

__all__ = [
    "ClassificationReport",
    "FolderEvaluator",
    "FolderReport",
    "FolderRun",
    "RandomTrim",
    "ReportClassesd",
    "SaveVesselsd",
]
