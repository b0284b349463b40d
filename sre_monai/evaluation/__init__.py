"""Evaluation of segmentations and classifications: tables of scores, robustness to rotation, pictures."""

from sre_monai.evaluation.calibration import Calibration
from sre_monai.evaluation.handler import EvaluationHandler
from sre_monai.evaluation.pose import Pose, rotations
from sre_monai.evaluation.protocol import EvaluationProtocol
from sre_monai.evaluation.record import dataset_record, evaluation_record, weights_record
from sre_monai.evaluation.rotated_prediction import predict_in_pose, predict_item_in_pose
from sre_monai.evaluation.rotation_summary import mean_by_angle, summarize_curve, summarize_rotation
from sre_monai.evaluation.score_summary import summarize_scores
from sre_monai.former import look_up_former_names

__all__ = [
    "Calibration",
    "EvaluationHandler",
    "EvaluationProtocol",
    "Pose",
    "dataset_record",
    "evaluation_record",
    "mean_by_angle",
    "predict_in_pose",
    "predict_item_in_pose",
    "rotations",
    "summarize_curve",
    "summarize_rotation",
    "summarize_scores",
    "weights_record",
]

__getattr__ = look_up_former_names("evaluation")
