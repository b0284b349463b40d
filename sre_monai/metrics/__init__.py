from sre_monai.former import look_up_former_names
from sre_monai.metrics.cldice import ClDiceMetric, compute_cldice
from sre_monai.metrics.equivariance_error import EquivarianceErrorMetric, equivariance_error, relative_error
from sre_monai.metrics.pixel_roc_auc import PixelROCAUCMetric, compute_pixel_roc_auc
from sre_monai.metrics.reliability import Reliability
from sre_monai.metrics.threshold import DEFAULT_THRESHOLD, check_threshold

__all__ = [
    "DEFAULT_THRESHOLD",
    "ClDiceMetric",
    "EquivarianceErrorMetric",
    "PixelROCAUCMetric",
    "Reliability",
    "check_threshold",
    "compute_cldice",
    "compute_pixel_roc_auc",
    "equivariance_error",
    "relative_error",
]

__getattr__ = look_up_former_names("metrics")
