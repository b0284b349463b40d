from sre_monai.engines.best_weights import BestWeights
from sre_monai.engines.classify import ClassificationReport, ReportClassesd
from sre_monai.engines.epoch_seed import EpochSeed
from sre_monai.engines.folder_evaluator import FolderEvaluator
from sre_monai.engines.folder_report import FolderReport
from sre_monai.engines.folder_run import FolderRun
from sre_monai.engines.random_trim import RandomTrim
from sre_monai.engines.save_vessels import SaveVesselsd
from sre_monai.engines.training_checkpoint import TrainingCheckpoint
from sre_monai.engines.training_log import TrainingLog
from sre_monai.engines.weight_average import WeightAverage

__all__ = [
    "BestWeights",
    "ClassificationReport",
    "EpochSeed",
    "FolderEvaluator",
    "FolderReport",
    "FolderRun",
    "RandomTrim",
    "ReportClassesd",
    "SaveVesselsd",
    "TrainingCheckpoint",
    "TrainingLog",
    "WeightAverage",
]
