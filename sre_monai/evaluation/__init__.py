"""Evaluation of segmentations and classifications: tables of scores, robustness to rotation, pictures."""

from __future__ import annotations

from sre_monai.evaluation.calibration import Calibration
from sre_monai.evaluation.classification_rotation import ClassificationRotation
from sre_monai.evaluation.classification_table import ClassificationTable
from sre_monai.evaluation.error_overlays import ErrorOverlays
from sre_monai.evaluation.handler import EvaluationHandler
from sre_monai.evaluation.pose import Pose, rotations
from sre_monai.evaluation.protocol import EvaluationProtocol
from sre_monai.evaluation.record import evaluation_record, weights_record
from sre_monai.evaluation.rotated_prediction import predict_in_pose, predict_item_in_pose
from sre_monai.evaluation.rotation_summary import mean_by_angle, summarize_curve, summarize_rotation
from sre_monai.evaluation.saliency_pictures import SaliencyPictures
from sre_monai.evaluation.score_table import ScoreTable
from sre_monai.evaluation.segmentation_rotation import (
    SEGMENTATION_PROTOCOLS,
    SegmentationRotation,
    segmentation_protocols,
)

__all__ = [
    "SEGMENTATION_PROTOCOLS",
    "Calibration",
    "ClassificationRotation",
    "ClassificationTable",
    "ErrorOverlays",
    "EvaluationHandler",
    "EvaluationProtocol",
    "Pose",
    "SaliencyPictures",
    "ScoreTable",
    "SegmentationRotation",
    "evaluation_record",
    "mean_by_angle",
    "predict_in_pose",
    "predict_item_in_pose",
    "rotations",
    "segmentation_protocols",
    "summarize_curve",
    "summarize_rotation",
    "weights_record",
]
