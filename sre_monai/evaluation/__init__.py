"""Evaluation of vessel segmentations: tables of scores, robustness to rotation."""

from __future__ import annotations

from sre_monai.evaluation.error_overlays import ErrorOverlays
from sre_monai.evaluation.record import evaluation_record
from sre_monai.evaluation.rotation import Pose, make_poses, predict_turned, published_scores, turn, turn_back
from sre_monai.evaluation.rotation_summary import mean_by_angle, summarize_rotation
from sre_monai.evaluation.rotation_table import RotationTable, check_protocols
from sre_monai.evaluation.score_table import ScoreTable

__all__ = [
    "ErrorOverlays",
    "Pose",
    "RotationTable",
    "ScoreTable",
    "check_protocols",
    "evaluation_record",
    "make_poses",
    "mean_by_angle",
    "predict_turned",
    "published_scores",
    "summarize_rotation",
    "turn",
    "turn_back",
]
