"""Exact pixelwise area under the ROC curve, fast enough for large images."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from monai.metrics import CumulativeIterationMetric

ROW_LENGTH = 4096
PADDING = -1


def compute_pixel_roc_auc(probability: torch.Tensor, label: torch.Tensor) -> float:
    """Compute the exact area under the ROC curve over all pixels.

    It is the probability that a positive pixel scores higher than a negative one, a tie counting one half: the
    Mann–Whitney statistic (Hanley and McNeil 1982, DOI 10.1148/radiology.143.1.7063747). Sorting makes it O(n log n).

    Args:
        probability: scores of any shape and any floating or integer dtype; only their order matters.
        label: 0 or 1 (or boolean), of the same shape.

    Returns:
        The area in 0–1; NaN (undefined) unless both classes are present.

    Raises:
        ValueError: if the shapes differ, a score is NaN or a label is neither 0 nor 1.

    Examples:
        >>> compute_pixel_roc_auc(torch.tensor([0.1, 0.4, 0.35, 0.8]), torch.tensor([0, 0, 1, 1]))
        0.75
    """
    if probability.shape != label.shape:
        raise ValueError(
            f"probability and label must have the same shape, got {tuple(probability.shape)} and {tuple(label.shape)}."
        )
    if torch.isnan(probability).any():
        raise ValueError("probability holds NaN, which has no rank: look for the cause in the network's output.")
    positive = label.reshape(-1) == 1
    if not (positive | (label.reshape(-1) == 0)).all():
        raise ValueError(f"label must hold only 0 and 1, got {torch.unique(label)[:5].tolist()}: binarise it first.")

    # NumPy sorts plain numbers many times faster than PyTorch sorts numbers with their indices
    scores = probability.detach().reshape(-1)
    positives, negatives = (np.sort(scores[chosen].cpu().double().numpy()) for chosen in (positive, ~positive))
    num_pairs = positives.size * negatives.size
    if num_pairs == 0:
        return float("nan")
    # negatives below a positive count twice, tied ones once: in doubled pairs the sum is an exact integer
    below, up_to = (np.searchsorted(negatives, positives, side) for side in ("left", "right"))
    return int(below.sum() + up_to.sum()) / (2 * num_pairs)


class PixelROCAUCMetric(CumulativeIterationMetric):
    """Pixelwise ROC AUC as a MONAI metric, collected over iterations: see :func:`compute_pixel_roc_auc`.

    MONAI's ``ROCAUCMetric`` is meant for classification; it loops over all scores in Python.

    Args:
        pooled: if True, one area over the pixels of all images, as papers on segmentation report it; all pixels are
            kept until :meth:`aggregate`. If False, the mean of the images' areas, leaving out images
            with one class only.
        ignore_index: label value of pixels to ignore, for example 255 outside the field of view.

    Examples:
        >>> metric = PixelROCAUCMetric()
        >>> y = torch.tensor([0, 0, 1, 1]).reshape(1, 1, 2, 2)
        >>> _ = metric(y_pred=torch.tensor([0.1, 0.4, 0.35, 0.8]).reshape(1, 1, 2, 2), y=y)
        >>> metric.aggregate().item()
        0.75
    """

    def __init__(self, pooled: bool = True, ignore_index: int | None = None) -> None:
        super().__init__()
        self.pooled = pooled
        self.ignore_index = ignore_index

    def _compute_tensor(  # type: ignore[override]
        self, y_pred: torch.Tensor, y: torch.Tensor
    ) -> torch.Tensor | list[torch.Tensor]:
        """Areas of one batch, (B, 1); or, pooled, its pixels in rows of equal length."""
        if y_pred.shape != y.shape or y.ndim < 3 or y.shape[1] != 1:
            raise ValueError(
                "PixelROCAUCMetric needs one probability map and one label map per image, both (B, 1, spatial…), got "
                f"{tuple(y_pred.shape)} and {tuple(y.shape)}: select the foreground channel first."
            )
        images = [self._select(p, t) for p, t in zip(y_pred, y, strict=True)]
        if not self.pooled:
            return torch.tensor([[compute_pixel_roc_auc(p, t)] for p, t in images], device=y.device)
        # A cumulative metric stacks its items, which have to be of one length whatever the images' sizes are.
        scores, labels = (torch.cat(pixels) for pixels in zip(*images, strict=True))
        missing = -len(scores) % ROW_LENGTH
        return [
            F.pad(scores, (0, missing)).reshape(-1, ROW_LENGTH),
            F.pad(labels, (0, missing), value=PADDING).reshape(-1, ROW_LENGTH),
        ]

    def _select(self, score: torch.Tensor, label: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores and labels of the pixels that count."""
        counts = torch.ones_like(label, dtype=torch.bool) if self.ignore_index is None else label != self.ignore_index
        return score[counts], label[counts].float()

    def aggregate(self) -> torch.Tensor:
        """Compute the area over all that was collected.

        Returns:
            The area in 0–1, a float64 scalar; NaN if it is undefined, with ``pooled=False`` for every image.

        Raises:
            ValueError: if nothing has been collected.
        """
        collected = self.get_buffer()
        if collected is None:
            raise ValueError("PixelROCAUCMetric has nothing to aggregate: call it on predictions and labels first.")
        if not self.pooled:
            return collected.double().nanmean()
        scores, labels = collected
        counts = labels != PADDING
        return torch.tensor(compute_pixel_roc_auc(scores[counts], labels[counts]), dtype=torch.float64)
