"""Predictions of a classifier for every image and their scores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from ignite.engine import Engine

from sre_monai.evaluation.protocol import EvaluationProtocol
from sre_monai.medmnist.scores import CLASSIFICATION_SCORES, MULTI_LABEL, classification_scores, predicted_classes


class ClassificationTable(EvaluationProtocol):
    """Score a classifier.

    ``per_image.csv`` has a row for each image: ``index`` in its section, ``label``, ``prediction`` (class
    numbers, for multi-label joined by spaces) and ``probability_<class>``. ``summary.json`` has
    ``num_images`` and the scores of :func:`~sre_monai.medmnist.classification_scores`.

    The evaluator must not decollate its batches. ``engine.state.output`` has ``pred`` (probabilities (N, K)) and
    ``label``, the batch has ``index``.

    Args:
        task: one of ``sre_monai.medmnist.TASKS``.
        classes: name of each class.
    """

    def __init__(self, task: str, classes: Sequence[str]) -> None:
        self.task = task
        self.classes = list(classes)

    def reset(self) -> None:
        """Discard the results of an earlier run."""
        super().reset()
        self.probabilities: list[torch.Tensor] = []
        self.labels: list[torch.Tensor] = []

    def collect(self, engine: Engine) -> Iterator[None]:
        """Keep the predictions of one batch."""
        output: Any = engine.state.output
        batch: Any = engine.state.batch
        probability, label = output["pred"].detach().float().cpu(), output["label"].cpu()
        self.probabilities.append(probability)
        self.labels.append(label)
        self._rows += map(self._row, batch["index"].tolist(), probability, label)
        yield

    def summarize(self) -> dict[str, Any]:
        """Score the images."""
        probability, label = torch.cat(self.probabilities), torch.cat(self.labels)
        return {"num_images": len(label), **classification_scores(probability, label, self.task)}

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format the scores as text."""
        scores = ", ".join(f"{name} {summary[name]:.4f}" for name in CLASSIFICATION_SCORES)
        return f"{scores} over {summary['num_images']} images"

    def _row(self, index: int, probability: torch.Tensor, label: torch.Tensor) -> dict[str, Any]:
        """Build the row of one image."""
        true = (label == 1).nonzero() if self.task == MULTI_LABEL else label
        named = zip(self.classes, probability.tolist(), strict=True)
        return {
            "index": index,
            "label": _join(true.flatten().tolist()),
            "prediction": _join(predicted_classes(probability, self.task)),
            **{f"probability_{name}": f"{value:.6f}" for name, value in named},
        }


def _join(classes: Iterable[float]) -> str:
    return " ".join(str(int(number)) for number in classes)
