"""Scores of a segmentation of several structures."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence

import torch
from monai.metrics import compute_dice, compute_hausdorff_distance
from monai.networks import one_hot


def structure_scores(
    prediction: torch.Tensor, label: torch.Tensor, structures: Mapping[int, str], spacing: Sequence[float]
) -> dict[str, float]:
    """Compare a label map with the reference, structure by structure, by MONAI's metrics.

    Args:
        prediction: whole numbers of shape (1, X, Y, Z); 0 is background.
        label: the reference, of the same shape.
        structures: what each number stands for: 1, 2 and so on.
        spacing: of the voxels in mm, per axis.

    Returns:
        For each structure its Dice, such as ``anterior_hippocampus_dice``, and the 95th percentile of the Hausdorff
        distance in mm, ``anterior_hippocampus_hd95``. A Dice is NaN where the structure is not in the reference, a
        distance where it is missing in either.

    Examples:
        >>> label = torch.zeros(1, 4, 4, 4)
        >>> label[:, 1:3] = 1
        >>> structure_scores(label, label, {1: "cyst"}, (1, 1, 1))
        {'cyst_dice': 1.0, 'cyst_hd95': 0.0}
    """
    classes = len(structures) + 1
    predicted, reference = (one_hot(values[None].float(), classes)[:, 1:] for values in (prediction, label))
    dice = compute_dice(predicted, reference, include_background=True)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a structure that is missing
        distances = compute_hausdorff_distance(
            predicted, reference, include_background=True, percentile=95, spacing=list(map(float, spacing))
        )[0]
    scores: dict[str, float] = {}
    for place, name in enumerate(structures.values()):
        column = name.lower().replace(" ", "_")
        distance = float(distances[place])
        scores[f"{column}_dice"] = float(dice[place])
        scores[f"{column}_hd95"] = distance if math.isfinite(distance) else math.nan
    return scores
