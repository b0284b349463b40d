"""Predictions of a classifier for every image and their scores, at the end of an evaluation."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events

from sre_monai.metrics import MULTI_LABEL, classification_scores
from sre_monai.tables import write_json, write_table

__all__ = ["ClassificationTable"]

logger = logging.getLogger(__name__)


class ClassificationTable:
    """Ignite handler that scores a classifier and writes two files.

    ``per_image.csv`` has a row for each image: ``index`` in its section, ``label``, ``prediction`` (both the class's
    number, or for multi-label the numbers joined by spaces) and ``probability_<class>``. ``summary.json`` has the
    record given, ``num_images``, and the ``accuracy`` and ``auc`` of
    :func:`~sre_monai.metrics.classification_scores`.

    The evaluator must not decollate its batches. ``engine.state.output`` has ``pred`` (probabilities (N, K)) and
    ``label``, the batch has ``index``.

    Args:
        output_dir: folder of the two files.
        task: one of ``sre_monai.metrics.TASKS``.
        classes: name of each class.
        record: what else to note in the summary.

    Examples:
        >>> ClassificationTable("output/evaluate", "binary-class", ["benign", "malignant"]).attach(evaluator)
        ... # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        task: str,
        classes: Sequence[str],
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.task = task
        self.classes = list(classes)
        self.record = dict(record or {})
        self._reset()

    def attach(self, engine: Engine) -> None:
        """Collect after every iteration, write at the end of the epoch.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self._reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._collect)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def summarize(self) -> dict[str, Any]:
        """Score the images collected so far.

        Returns:
            The content of ``summary.json``.
        """
        probability, label = torch.cat(self.probabilities), torch.cat(self.labels)
        scores = classification_scores(probability, label, self.task)
        return {**self.record, "num_images": len(label), **scores}

    def _reset(self) -> None:
        self.probabilities: list[torch.Tensor] = []
        self.labels: list[torch.Tensor] = []
        self.indices: list[int] = []

    def _collect(self, engine: Engine) -> None:
        """Keep the predictions of one batch."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        self.probabilities.append(output["pred"].detach().float().cpu())
        self.labels.append(output["label"].cpu())
        self.indices += batch["index"].tolist()

    def _write(self) -> None:
        """Write both files and log the scores."""
        summary = self.summarize()
        write_table(self.output_dir / "per_image.csv", self._rows())
        write_json(self.output_dir / "summary.json", summary)
        what = ", ".join(str(summary[key]) for key in ("dataset", "section") if key in summary) or "evaluation"
        logger.info(
            "%s: accuracy %.4f, AUC %.4f over %d images; their predictions are in %s",
            *(what, summary["accuracy"], summary["auc"], summary["num_images"], self.output_dir / "per_image.csv"),
        )

    def _rows(self) -> list[dict[str, Any]]:
        """One row an image."""
        rows = []
        for index, probability, label in zip(self.indices, torch.cat(self.probabilities), torch.cat(self.labels)):
            several = self.task == MULTI_LABEL
            predicted = (probability > 0.5).nonzero() if several else probability.argmax()
            true = (label == 1).nonzero() if several else label
            row: dict[str, Any] = {"index": index, "label": _join(true), "prediction": _join(predicted)}
            named = zip(self.classes, probability.tolist(), strict=True)
            rows.append(row | {f"probability_{name}": f"{value:.6f}" for name, value in named})
        return rows


def _join(classes: torch.Tensor) -> str:
    return " ".join(str(int(number)) for number in classes.flatten())
