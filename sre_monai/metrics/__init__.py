from __future__ import annotations

from sre_monai.metrics.calibration import Reliability
from sre_monai.metrics.classification_scores import (
    BINARY,
    CLASSIFICATION_SCORES,
    MULTI_LABEL,
    TASKS,
    ClassificationMetric,
    class_probabilities,
    classification_scores,
)
from sre_monai.metrics.cldice import ClDiceMetric, compute_cldice
from sre_monai.metrics.equivariance_error import EquivarianceErrorMetric, equivariance_error, relative_error
from sre_monai.metrics.pixel_roc_auc import PixelROCAUCMetric, compute_pixel_roc_auc
from sre_monai.metrics.vessel_scores import VESSEL_SCORES, summarize_scores, vessel_scores

__all__ = [
    "BINARY",
    "CLASSIFICATION_SCORES",
    "MULTI_LABEL",
    "TASKS",
    "VESSEL_SCORES",
    "ClDiceMetric",
    "ClassificationMetric",
    "EquivarianceErrorMetric",
    "PixelROCAUCMetric",
    "Reliability",
    "class_probabilities",
    "classification_scores",
    "compute_cldice",
    "compute_pixel_roc_auc",
    "equivariance_error",
    "relative_error",
    "summarize_scores",
    "vessel_scores",
]
