"""Ignite handlers for training: averaged weights, checkpoints, seeds, the training log."""

from sre_monai.handlers.epoch_seed import EpochSeed
from sre_monai.handlers.training_checkpoint import TrainingCheckpoint
from sre_monai.handlers.training_log import TrainingLog
from sre_monai.handlers.weight_average import WeightAverage

__all__ = ["EpochSeed", "TrainingCheckpoint", "TrainingLog", "WeightAverage"]
