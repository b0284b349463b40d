"""Evaluation of vessel segmentations and of classifiers: tables of scores, robustness to rotation."""

from __future__ import annotations

from sre_monai.evaluation.classification_poses import ImagePose, check_padding, image_poses, pose_image
from sre_monai.evaluation.classification_rotation import ClassificationRotation
from sre_monai.evaluation.classification_table import ClassificationTable
from sre_monai.evaluation.error_overlays import ErrorOverlays
from sre_monai.evaluation.record import evaluation_record, weights_record
from sre_monai.evaluation.rotation import Pose, make_poses, predict_turned, published_scores, turn, turn_back
from sre_monai.evaluation.rotation_summary import mean_by_angle, summarize_rotation
from sre_monai.evaluation.rotation_table import RotationTable, check_protocols
from sre_monai.evaluation.saliency_pictures import SaliencyPictures
from sre_monai.evaluation.score_table import ScoreTable
from sre_monai.evaluation.turned_back import infer_logits, probability_turned_back

__all__ = [
    "ClassificationRotation",
    "ClassificationTable",
    "ErrorOverlays",
    "ImagePose",
    "Pose",
    "RotationTable",
    "SaliencyPictures",
    "ScoreTable",
    "check_padding",
    "check_protocols",
    "evaluation_record",
    "image_poses",
    "infer_logits",
    "make_poses",
    "mean_by_angle",
    "pose_image",
    "predict_turned",
    "probability_turned_back",
    "published_scores",
    "summarize_rotation",
    "turn",
    "turn_back",
    "weights_record",
]
