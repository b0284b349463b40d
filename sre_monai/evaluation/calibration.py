"""Calibration of a network's probabilities, and the best threshold."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from monai.utils import convert_to_tensor

from sre_monai.evaluation.evaluated_items import evaluated_items
from sre_monai.io.tables import write_json, write_table
from sre_monai.metrics import Reliability
from sre_monai.visualize import plot_reliability

logger = logging.getLogger(__name__)


class Calibration:
    """Ignite handler that compares the probabilities of a class with its frequency.

    Pixels are binned by their probability. Writes

    - ``reliability.csv``, a row for each bin: ``threshold`` (its lower edge), ``pixels``, ``probability`` and
      ``frequency`` (over all images), and ``dice`` of the pixels at or above the threshold, the mean over the images;
    - ``reliability.png``, the frequency against the probability (not without matplotlib);
    - ``calibration.json``: ``expected_calibration_error``, of 20 bins; ``temperature``, by which dividing the logits
      gives these images the least cross-entropy, and ``expected_calibration_error_with_temperature``; ``dice`` at 0.5,
      ``best_threshold`` and ``best_dice``.

    Items need ``pred`` (probability of the class, 0–1), ``label`` and, if it is given, the mask, on one grid.

    Args:
        output_dir: folder of the files.
        num_bins: of equal width, a multiple of 20.
        mask_key: key of a mask, above zero where pixels count; by default all do.
        name: of the class, in the diagram.

    Examples:
        >>> Calibration("output/evaluate").attach(evaluator)  # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        num_bins: int = 1000,
        mask_key: str | None = None,
        name: str = "pixels",
    ) -> None:
        self.output_dir = Path(output_dir)
        self.mask_key = mask_key
        self.name = name
        self.num_bins = num_bins

    def attach(self, engine: Engine) -> None:
        """Collect after every iteration, write at the end of the epoch.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _start(self) -> None:
        """Discard the results of an earlier run."""
        self.images: list[Reliability] = []

    def _collect(self, engine: Engine) -> None:
        """Bin the pixels of one iteration's images."""
        for item in evaluated_items(engine):
            probability, label, mask = (
                convert_to_tensor(item[key], track_meta=False, device="cpu")
                for key in ("pred", "label", self.mask_key or "label")
            )
            inside = torch.ones_like(mask, dtype=torch.bool) if self.mask_key is None else mask > 0
            self.images.append(Reliability.of(probability[inside], label[inside], self.num_bins))

    def _write(self) -> None:
        """Write the files and log the summary."""
        pooled = Reliability.pooled(self.images)
        dice = np.nanmean([image.dice_by_threshold() for image in self.images], axis=0)
        thresholds = np.arange(self.num_bins) / self.num_bins
        columns = ("threshold", "pixels", "probability", "frequency", "dice")
        table = zip(thresholds, pooled.pixels.astype(int), pooled.probability, pooled.frequency, dice, strict=True)
        write_table(self.output_dir / "reliability.csv", [dict(zip(columns, row, strict=True)) for row in table])
        summary = self._summarize(pooled, dice)
        write_json(self.output_dir / "calibration.json", summary)
        logger.info("calibration: %s", ", ".join(f"{name} {value:.4f}" for name, value in summary.items()))
        try:
            plot_reliability({self.name: pooled}, self.output_dir / "reliability.png")
        except ImportError as error:
            logger.warning("reliability.png was not written: %s", error)

    def _summarize(self, pooled: Reliability, dice: np.ndarray) -> dict[str, Any]:
        """The content of calibration.json."""
        temperature, best = pooled.fit_temperature(), int(np.nanargmax(dice))
        return {
            "expected_calibration_error": pooled.expected_error(),
            "temperature": temperature,
            "expected_calibration_error_with_temperature": pooled.recalibrated(temperature).expected_error(),
            "dice": float(dice[self.num_bins // 2]),
            "best_threshold": best / self.num_bins,
            "best_dice": float(dice[best]),
        }
