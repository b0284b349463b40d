"""Calibrate the vessel logit: a threshold of 0.5 that suits all cameras, and probabilities closer to frequencies."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch

from benchmarks.results import Result
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_json
from sre_monai.metrics import Reliability

LAST_LAYER = "final_conv"


class CameraReliability(NamedTuple):
    """What ``write_calibration`` has found on the photographs of a camera."""

    pixels: Reliability
    dice: np.ndarray  # the mean of the photographs by threshold, one for each bin

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read reliability.csv."""
        with (folder / "reliability.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        names = ("pixels", "probability", "frequency", "dice")
        *bins, dice = (np.array([float(row[name] or "nan") for row in rows]) for name in names)
        return cls(Reliability(*bins), dice)

    def dice_at(self, threshold: float) -> float:
        """Look up the Dice at a threshold."""
        return float(self.dice[round(threshold * len(self.dice))])


class LogitCalibration(NamedTuple):
    """A change of the vessel logit, which does not change the order of the pixels.

    Platt, "Probabilistic outputs for support vector machines", 1999; Guo et al., "On Calibration of Modern Neural
    Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
    """

    threshold: float  # the probability that becomes 0.5
    temperature: float  # by which the logits are divided after that

    @classmethod
    def fit(cls, cameras: Sequence[CameraReliability]) -> Self:
        """Fit it to several cameras, each of the same weight.

        The threshold is where the camera that loses most loses least, against its own best threshold; the temperature
        is the geometric mean of the cameras'.
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
        """Measure it on a camera."""
        best = int(np.nanargmax(camera.dice))
        return {
            "best threshold": best / len(camera.dice),
            "dice at it": float(camera.dice[best]),
            "calibration error": camera.pixels.expected_error(),
            "fitted threshold": self.threshold,
            "temperature": self.temperature,
            "dice with it": camera.dice_at(self.threshold),
            "calibration error with it": camera.pixels.recalibrated(self.temperature, self.shift).expected_error(),
        }

    def apply(self, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Put it into the last layer of a network."""
        weight, bias = state[f"{LAST_LAYER}.weight"], state[f"{LAST_LAYER}.bias"]
        bias = bias + torch.tensor([0, self.shift], dtype=bias.dtype)
        changed = {f"{LAST_LAYER}.weight": weight / self.temperature, f"{LAST_LAYER}.bias": bias / self.temperature}
        return {**state, **changed}


def add_calibrations(results: list[Result], _: Path) -> None:
    """Add for each camera and evaluation what the calibration fitted on the other cameras gives."""
    for name in results[0].folders:
        cameras = [CameraReliability.read(each.folders[name]) for each in results]
        for result, camera in zip(results, cameras):
            others = [other for each, other in zip(results, cameras) if each.label != result.label]
            if others:
                _add(result, name, camera, LogitCalibration.fit(others))


def calibrate(results: list[Result], output: Path, name: str) -> None:
    """Fit the calibration on all cameras, and store the calibrated weights as model.pt, their record as model.json."""
    cameras = [CameraReliability.read(each.folders[name]) for each in results]
    calibration = LogitCalibration.fit(cameras)
    for result, camera in zip(results, cameras):
        _add(result, name, camera, calibration)
    weights = results[0].weights
    state = calibration.apply(torch.load(weights, map_location="cpu", weights_only=True))
    with written_atomically(output / "model.pt") as unfinished:
        torch.save(state, unfinished)
    record = weights.with_suffix(".json")
    training = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    write_json(output / "model.json", training | {"calibration": calibration._asdict()})


def _add(result: Result, name: str, camera: CameraReliability, calibration: LogitCalibration) -> None:
    result.values.update({f"{name} {title}": value for title, value in calibration.columns(camera).items()})
