# What the package offers: its ``__all__`` at run time, and what type checkers see.

from .dataset import MedMNISTFormat as MedMNISTFormat
from .dataset import find_medmnist as find_medmnist
from .dataset import load_medmnist as load_medmnist
from .dataset import medmnist_format as medmnist_format
from .report_classes import ReportClassesd as ReportClassesd
from .rotation_protocols import ClassificationRotation as ClassificationRotation
from .saliency import SaliencyMaps as SaliencyMaps
from .saliency import saliency_picture as saliency_picture
from .saliency_pictures import SaliencyPictures as SaliencyPictures
from .score_table import ClassificationTable as ClassificationTable
from .scores import BINARY as BINARY
from .scores import CLASSIFICATION_SCORES as CLASSIFICATION_SCORES
from .scores import MULTI_LABEL as MULTI_LABEL
from .scores import TASKS as TASKS
from .scores import ClassificationMetric as ClassificationMetric
from .scores import class_probabilities as class_probabilities
from .scores import classification_scores as classification_scores
from .synthetic_volumes import VOLUME_CLASSES as VOLUME_CLASSES
from .synthetic_volumes import synthetic_volume as synthetic_volume
from .synthetic_volumes import write_synthetic_volumes as write_synthetic_volumes
