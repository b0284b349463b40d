"""Calibrate the vessel logit: a threshold of 0.5 that suits all cameras, and probabilities closer to frequencies."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from sre_monai.metrics import Reliability

__all__ = ["CameraReliability", "LogitCalibration"]

LAST_LAYER = "final_conv"


class CameraReliability(NamedTuple):
    """What ``--write_calibration`` has found on the photographs of a camera.

    Attributes:
        pixels: their reliability.
        dice: the mean Dice of the photographs, by threshold, one for each bin.
    """

    pixels: Reliability
    dice: np.ndarray

    @classmethod
    def read(cls, folder: Path) -> CameraReliability:
        """Read reliability.csv.

        Args:
            folder: of an evaluation.

        Returns:
            Its content.
        """
        with (folder / "reliability.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        names = ("pixels", "probability", "frequency", "dice")
        *bins, dice = (np.array([float(row[name] or "nan") for row in rows]) for name in names)
        return cls(Reliability(*bins), dice)

    def dice_at(self, threshold: float) -> float:
        """Look up the Dice at a threshold.

        Args:
            threshold: 0–1, rounded to the nearest bin.

        Returns:
            The mean Dice of the photographs.
        """
        return float(self.dice[round(threshold * len(self.dice))])


class LogitCalibration(NamedTuple):
    """A change of the vessel logit, which does not change the order of the pixels.

    Attributes:
        threshold: the probability that becomes 0.5.
        temperature: by which the logits are divided after that.

    References:
        Platt, "Probabilistic outputs for support vector machines", 1999; Guo et al., "On Calibration of Modern Neural
        Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
    """

    threshold: float
    temperature: float

    @classmethod
    def fit(cls, cameras: Sequence[CameraReliability]) -> LogitCalibration:
        """Fit it to several cameras, each of the same weight.

        Args:
            cameras: with the same bins.

        Returns:
            The threshold where the camera that loses most loses least, against its own best threshold; and the
            geometric mean of the cameras' temperatures.
        """
        losses = np.stack([np.nanmax(camera.dice) - camera.dice for camera in cameras])
        best = int(np.nanargmin(losses.max(axis=0)[1:])) + 1  # the logit of 0 is infinite
        threshold = best / losses.shape[1]
        shift = cls(threshold, 1).shift
        exponents = [math.log(camera.pixels.recalibrated(shift=shift).fit_temperature()) for camera in cameras]
        return cls(threshold, math.exp(np.mean(exponents)))

    @property
    def shift(self) -> float:
        """What is added to the logits first."""
        return math.log((1 - self.threshold) / self.threshold)

    def columns(self, camera: CameraReliability) -> dict[str, Any]:
        """Measure it on a camera.

        Args:
            camera: one that it was fitted to, or another.

        Returns:
            Columns of a table; without and with this calibration.
        """
        best = int(np.nanargmax(camera.dice))
        return {
            "best threshold": best / len(camera.dice),
            "dice at it": float(camera.dice[best]),
            "calibration error": camera.pixels.expected_error(),
            "calibration: threshold": self.threshold,
            "temperature": self.temperature,
            "dice with it": camera.dice_at(self.threshold),
            "calibration error with it": camera.pixels.recalibrated(self.temperature, self.shift).expected_error(),
        }

    def apply(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Put it into the last layer of a network.

        Args:
            state: weights of an SRE U-Net with two outputs, background and vessels.

        Returns:
            The weights of a network with the changed logits.
        """
        weight, bias = state[f"{LAST_LAYER}.weight"], state[f"{LAST_LAYER}.bias"]
        bias = bias + torch.tensor([0, self.shift], dtype=bias.dtype)
        changed = {f"{LAST_LAYER}.weight": weight / self.temperature, f"{LAST_LAYER}.bias": bias / self.temperature}
        return {**state, **changed}
