"""Accuracy and area under the ROC curve as the MedMNIST evaluator defines them, for its four kinds of task."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from monai.metrics import CumulativeIterationMetric, compute_roc_auc

from sre_monai.metrics.threshold import DEFAULT_THRESHOLD

MULTI_LABEL = "multi-label, binary-class"
"""MedMNIST's name of the task with several labels per image."""
BINARY = "binary-class"
"""MedMNIST's name of the task with two classes."""
TASKS = (MULTI_LABEL, BINARY, "multi-class", "ordinal-regression")
"""MedMNIST's names of all tasks."""


def class_probabilities(logits: torch.Tensor, task: str) -> torch.Tensor:
    """Convert logits to probabilities: sigmoid for multi-label tasks, softmax otherwise.

    Args:
        logits: (N, K).
        task: one of ``TASKS``.

    Returns:
        (N, K), 0–1.

    Raises:
        ValueError: for an unknown task.

    Examples:
        >>> class_probabilities(torch.zeros(1, 2), "multi-class")
        tensor([[0.5000, 0.5000]])
    """
    _check_task(task)
    return torch.sigmoid(logits) if task == MULTI_LABEL else torch.softmax(logits, dim=1)


def predicted_classes(probability: torch.Tensor, task: str) -> list[int]:
    """Choose the classes of one image: the likeliest one or, for multi-label, all above one half.

    Args:
        probability: (K,), 0–1.
        task: one of ``TASKS``.

    Returns:
        Numbers of the classes.

    Examples:
        >>> predicted_classes(torch.tensor([0.2, 0.7, 0.6]), MULTI_LABEL)
        [1, 2]
    """
    chosen = (probability > DEFAULT_THRESHOLD).nonzero() if task == MULTI_LABEL else probability.argmax()
    return chosen.flatten().tolist()


def classification_scores(probability: torch.Tensor, label: torch.Tensor, task: str) -> dict[str, float]:
    """Score predictions as the evaluator of MedMNIST v2 does (Yang et al. 2023, DOI 10.1038/s41597-022-01721-8).

    - binary: the last column against the label; accuracy with a probability above 0.5 for class 1;
    - multi-label: means over the labels of each one's accuracy, above 0.5, and area;
    - multi-class and ordinal: accuracy of the most probable class; mean over the classes of each one's area against the
      others.

    Args:
        probability: (N, K), 0–1.
        label: classes (N,) or (N, 1); for multi-label (N, K) of 0 and 1.
        task: one of ``TASKS``.

    Returns:
        ``accuracy`` and ``auc``, 0–1: all of :data:`CLASSIFICATION_SCORES`. A class without positives or without
        negatives has no area and is left out of the mean; NaN when none has one.

    Raises:
        ValueError: for an unknown task, shapes that do not fit, or a probability that is NaN.

    Examples:
        >>> classification_scores(torch.tensor([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]), torch.tensor([0, 1, 1]), BINARY)
        {'accuracy': 0.666..., 'auc': 1.0}
    """
    _check_task(task)
    if task != MULTI_LABEL and label.ndim == 2 and label.shape[1] == 1:
        label = label[:, 0]
    expected = tuple(probability.shape) if task == MULTI_LABEL else (len(probability),)
    if probability.ndim != 2 or tuple(label.shape) != expected:
        raise ValueError(
            f"probability must be (N, K) and label {'(N, K)' if task == MULTI_LABEL else '(N,)'} for {task}, got "
            f"{tuple(probability.shape)} and {tuple(label.shape)}."
        )
    if torch.isnan(probability).any():
        raise ValueError("probability holds NaN: look for the cause in the network's output.")
    return {name: score(probability, label, task) for name, score in CLASSIFICATION_SCORES.items()}


def _accuracy(probability: torch.Tensor, label: torch.Tensor, task: str) -> float:
    """Share of correct predictions, of a multi-label task over all labels."""
    if task == MULTI_LABEL:
        correct = (probability > DEFAULT_THRESHOLD) == (label == 1)
    elif task == BINARY:
        correct = (probability[:, -1] > DEFAULT_THRESHOLD) == (label == 1)
    else:
        correct = probability.argmax(dim=1) == label
    return correct.double().mean().item()


def _auc(probability: torch.Tensor, label: torch.Tensor, task: str) -> float:
    """Mean area under the ROC curve over the classes that have positives and negatives."""
    if task == BINARY:
        probability, positive = probability[:, -1:], label[:, None] == 1
    elif task == MULTI_LABEL:
        positive = label == 1
    else:
        positive = label[:, None] == torch.arange(probability.shape[1], device=label.device)
    defined = positive.any(dim=0) & ~positive.all(dim=0)
    areas = [compute_roc_auc(probability[:, k], positive[:, k].int()) for k in defined.nonzero()[:, 0]]
    return torch.tensor(areas, dtype=torch.float64).nanmean().item()


CLASSIFICATION_SCORES: Mapping[str, Callable[[torch.Tensor, torch.Tensor, str], float]] = {
    "accuracy": _accuracy,
    "auc": _auc,
}
"""All scores by name, functions of probability, label and task, as :func:`classification_scores` has them."""


class ClassificationMetric(CumulativeIterationMetric):
    """Accuracy or area as a MONAI metric, collected over iterations: see :func:`classification_scores`.

    ``y_pred`` are probabilities (N, K), ``y`` the labels.

    Args:
        task: one of ``TASKS``.
        score: ``"auc"`` or ``"accuracy"``.

    Raises:
        ValueError: for an unknown task or score.

    Examples:
        >>> metric = ClassificationMetric("binary-class", "auc")
        >>> _ = metric(y_pred=torch.tensor([[0.9, 0.1], [0.4, 0.6]]), y=torch.tensor([0, 1]))
        >>> metric.aggregate().item()
        1.0
    """

    def __init__(self, task: str, score: str = "auc") -> None:
        super().__init__()
        _check_task(task)
        if score not in CLASSIFICATION_SCORES:
            raise ValueError(f"score must be one of {', '.join(CLASSIFICATION_SCORES)}, got {score!r}.")
        self.task = task
        self.score = score

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:  # type: ignore[override]
        """Keep the batch; the area needs all of them."""
        return [y_pred, y]

    def aggregate(self) -> torch.Tensor:
        """Compute the score over all that was collected.

        Returns:
            A float64 scalar.

        Raises:
            ValueError: if nothing has been collected.
        """
        collected = self.get_buffer()
        if collected is None:
            raise ValueError("ClassificationMetric has nothing to aggregate: call it on predictions first.")
        probability, label = collected
        return torch.tensor(classification_scores(probability, label, self.task)[self.score], dtype=torch.float64)


def _check_task(task: str) -> None:
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(map(repr, TASKS))}, got {task!r}.")
