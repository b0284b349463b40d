"""Predictions of a classifier for every image and their scores, at the end of an evaluation."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine

from sre_monai.evaluation.handler import EvaluationHandler
from sre_monai.metrics import CLASSIFICATION_SCORES, MULTI_LABEL, classification_scores

__all__ = ["ClassificationTable"]


class ClassificationTable(EvaluationHandler):
    """Ignite handler that scores a classifier and writes two files.

    ``per_image.csv`` has a row for each image: ``index`` in its section, ``label``, ``prediction`` (both the class's
    number, or for multi-label the numbers joined by spaces) and ``probability_<class>``. ``summary.json`` has the
    record given, ``num_images``, and the scores of :func:`~sre_monai.metrics.classification_scores`.

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
        super().__init__(output_dir, record)
        self.task = task
        self.classes = list(classes)

    def reset(self, engine: Engine) -> None:
        """Forget an earlier epoch."""
        self.probabilities: list[torch.Tensor] = []
        self.labels: list[torch.Tensor] = []
        self.indices: list[int] = []

    def collect(self, engine: Engine) -> None:
        """Keep the predictions of one batch."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        self.probabilities.append(output["pred"].detach().float().cpu())
        self.labels.append(output["label"].cpu())
        self.indices += batch["index"].tolist()

    def summarize(self) -> dict[str, Any]:
        """Score the images."""
        probability, label = torch.cat(self.probabilities), torch.cat(self.labels)
        return {"num_images": len(label), **classification_scores(probability, label, self.task)}

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Name the scores."""
        scores = ", ".join(f"{name} {summary[name]:.4f}" for name in CLASSIFICATION_SCORES)
        return f"{scores} over {summary['num_images']} images"

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each image."""
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
