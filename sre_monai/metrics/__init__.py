from __future__ import annotations

from sre_monai.metrics.cldice import ClDiceMetric, compute_cldice
from sre_monai.metrics.equivariance_error import EquivarianceErrorMetric, equivariance_error, relative_error
from sre_monai.metrics.pixel_roc_auc import PixelROCAUCMetric, compute_pixel_roc_auc
from sre_monai.metrics.vessel_scores import VESSEL_SCORES, summarize_scores, vessel_scores

__all__ = [
    "VESSEL_SCORES",
    "ClDiceMetric",
    "EquivarianceErrorMetric",
    "PixelROCAUCMetric",
    "compute_cldice",
    "compute_pixel_roc_auc",
    "equivariance_error",
    "relative_error",
    "summarize_scores",
    "vessel_scores",
]
