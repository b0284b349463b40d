"""The last transform of a classifier's inference: a class and its probabilities for the row of the report."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform

from sre_monai.medmnist.scores import class_probabilities, predicted_classes


class ReportClassesd(MapTransform):
    """Turn one image's logits into figures for the report.

    Leaves in the item under ``report``: ``prediction``, the name of the likeliest class or, for multi-label, the names
    of all above one half, and ``probability_<class>``. No files are written, and no pictures made.

    Args:
        keys: key of the logits (K,).
        task: one of ``sre_monai.medmnist.TASKS``.
        classes: name of each class.

    Raises:
        ValueError: when there are not as many names as logits, or the task is unknown.

    Examples:
        >>> transform = ReportClassesd("pred", "binary-class", ["benign", "malignant"])
        >>> transform({"pred": torch.tensor([0.0, 3.0])})["report"]
        {'prediction': 'malignant', 'probability_benign': '0.0474', 'probability_malignant': '0.9526'}
    """

    def __init__(self, keys: KeysCollection, task: str, classes: Sequence[str]) -> None:
        super().__init__(keys)
        self.task = task
        self.classes = list(classes)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of the data with the figures."""
        d = dict(data)
        for key in self.key_iterator(d):
            logits = torch.as_tensor(d[key]).float().cpu()
            if logits.shape != (len(self.classes),):
                raise ValueError(f"classes names {len(self.classes)} classes, the network gives {tuple(logits.shape)}.")
            probability = class_probabilities(logits[None], self.task)[0]
            chosen = predicted_classes(probability, self.task)
            d["report"] = {"prediction": "; ".join(self.classes[number] for number in chosen)} | {
                f"probability_{name}": f"{value:.4f}" for name, value in zip(self.classes, probability.tolist())
            }
        return d
