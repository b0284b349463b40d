"""clDice: how well a segmentation preserves the topology of thin structures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.metrics import CumulativeIterationMetric, do_metric_reduction
from monai.metrics.utils import create_ignore_mask, ignore_background
from monai.utils import MetricReduction, convert_to_numpy
from skimage.morphology import skeletonize


def compute_cldice(
    y_pred: torch.Tensor,
    y: torch.Tensor,
    mask: torch.Tensor | None = None,
    include_background: bool = True,
    ignore_empty: bool = True,
) -> torch.Tensor:
    r"""Compute the centerline Dice of binary segmentations of thin structures.

    With the hard skeletons :math:`S_P, S_L` of prediction :math:`V_P` and label :math:`V_L`,

    .. math::
        T_{prec} = \frac{|S_P \cap V_L|}{|S_P|}, \quad T_{sens} = \frac{|S_L \cap V_P|}{|S_L|}, \quad
        \mathrm{clDice} = \frac{2\, T_{prec}\, T_{sens}}{T_{prec} + T_{sens}}

    (Shit et al., clDice, CVPR 2021, DOI 10.1109/CVPR46437.2021.01629). The skeletons are scikit-image's: Zhang's in 2D,
    Lee's in 3D. Both thin in a fixed order of directions, so that the skeletons of rotated or flipped maps differ by
    single pixels and their clDice by up to 0.005 (DRIVE's two observers): score predictions that were rotated back.

    Args:
        y_pred: binary predictions (B, C, spatial…), C = 1 or one-hot, two or three spatial dimensions.
        y: binary labels of the same shape.
        mask: field of view (B or 1, 1, spatial…); both maps are set to zero outside of it first.
        include_background: if False and C > 1, channel 0 is left out.
        ignore_empty: the score of an empty label, as in MONAI's ``compute_dice``: if True always NaN; if False 1 where
            the prediction is empty as well, else 0. An empty prediction of a label that isn't empty counts 0. A
            map without a skeleton counts as empty: Lee's thinning leaves nothing of a solid 2×2×2 cube.

    Returns:
        clDice of each item and channel in 0–1, or NaN, float32 of shape (B, C).

    Raises:
        ValueError: if the shapes differ or there aren't two or three spatial dimensions.

    Examples:
        >>> line = torch.zeros(1, 1, 9, 9)
        >>> line[..., 4, :] = 1
        >>> compute_cldice(line, line)
        tensor([[1.]])
    """
    if y_pred.shape != y.shape:
        raise ValueError(f"y_pred and y must have the same shape, got {tuple(y_pred.shape)} and {tuple(y.shape)}.")
    if y.ndim not in (4, 5):
        raise ValueError(f"clDice needs maps of shape (B, C, W, H) or (B, C, W, H, D), got {tuple(y.shape)}.")
    if mask is not None:
        y_pred, y = y_pred * (mask > 0), y * (mask > 0)
    if not include_background:
        y_pred, y = ignore_background(y_pred, y)
    maps = zip(*(convert_to_numpy(v > 0).reshape(-1, *v.shape[2:]) for v in (y_pred, y)), strict=True)
    scores = [_cldice(prediction, label, ignore_empty) for prediction, label in maps]
    return torch.tensor(scores, dtype=torch.float32, device=y.device).reshape(y.shape[:2])


def _cldice(prediction: np.ndarray, label: np.ndarray, ignore_empty: bool) -> float:
    """ClDice of two boolean maps."""
    prediction_skeleton, label_skeleton = skeletonize(prediction), skeletonize(label)
    if not label_skeleton.any():
        return float("nan") if ignore_empty else float(not prediction_skeleton.any())
    if not prediction_skeleton.any():
        return 0.0
    precision = label[prediction_skeleton].mean()
    sensitivity = prediction[label_skeleton].mean()
    if precision + sensitivity == 0:
        return 0.0
    return float(2 * precision * sensitivity / (precision + sensitivity))


class ClDiceMetric(CumulativeIterationMetric):
    """Centerline Dice as a MONAI metric, collected over iterations: see :func:`compute_cldice`.

    Args:
        include_background: if False and there is more than one channel, channel 0 is left out.
        reduction: how :meth:`aggregate` reduces the scores that aren't NaN, one of MONAI's reductions (``"mean"``,
            ``"mean_batch"``, ``"mean_channel"``, ``"sum"``, ``"sum_batch"``, ``"sum_channel"``, ``"none"``).
        get_not_nans: whether :meth:`aggregate` returns the number of scores that aren't NaN as well.
        ignore_empty: whether items with an empty label are left out.
        ignore_index: label value of pixels to ignore, for example 255 outside the field of view; both maps are
            set to zero there.

    Examples:
        >>> metric = ClDiceMetric()
        >>> line = torch.zeros(2, 1, 9, 9)
        >>> line[..., 4, :] = 1
        >>> metric(y_pred=line, y=line).shape
        torch.Size([2, 1])
        >>> metric.aggregate().item()
        1.0
    """

    def __init__(
        self,
        include_background: bool = True,
        reduction: MetricReduction | str = MetricReduction.MEAN,
        get_not_nans: bool = False,
        ignore_empty: bool = True,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.include_background = include_background
        self.reduction = reduction
        self.get_not_nans = get_not_nans
        self.ignore_empty = ignore_empty
        self.ignore_index = ignore_index

    def _compute_tensor(self, y_pred: torch.Tensor, y: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Scores of one batch, (B, C)."""
        mask = create_ignore_mask(y, self.ignore_index)
        return compute_cldice(y_pred, y, mask, self.include_background, self.ignore_empty)

    def aggregate(self, reduction: MetricReduction | str | None = None) -> Any:
        """Reduce the collected scores.

        Args:
            reduction: overrides the reduction given at construction.

        Returns:
            The reduced score; with ``get_not_nans`` also the number of scores that aren't NaN. As everywhere in MONAI,
            a mean over NaN alone is 0.

        Raises:
            ValueError: if nothing has been collected.
        """
        scores = self.get_buffer()
        if scores is None:
            raise ValueError("ClDiceMetric has nothing to aggregate: call it on predictions and labels first.")
        reduced, not_nans = do_metric_reduction(scores, reduction or self.reduction)
        return (reduced, not_nans) if self.get_not_nans else reduced
