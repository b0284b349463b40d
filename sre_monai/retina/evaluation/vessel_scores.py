"""Scores of a vessel segmentation."""

from __future__ import annotations

import torch
from monai.metrics import compute_confusion_matrix_metric, compute_dice, compute_iou, get_confusion_matrix

from sre_monai.metrics.cldice import compute_cldice
from sre_monai.metrics.pixel_roc_auc import compute_pixel_roc_auc
from sre_monai.metrics.threshold import DEFAULT_THRESHOLD

VESSEL_SCORES = ("dice", "iou", "sensitivity", "specificity", "accuracy", "mcc", "auc", "cldice")
"""Names of the scores in a table's order; the whole image's have the prefix ``whole_image_``."""

CONFUSION_SCORES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "accuracy": "accuracy",
    "mcc": "matthews correlation coefficient",
}


def vessel_scores(
    probability: torch.Tensor,
    label: torch.Tensor,
    fov: torch.Tensor,
    threshold: float = DEFAULT_THRESHOLD,
    whole_image: bool = True,
) -> dict[str, float]:
    """Score one image's vessel segmentation against its label, inside the field of view and on the whole image.

    Leaving out the field of view counts the black frame as correctly classified, which lifts accuracy, specificity and
    AUC: compare only scores over the same pixels.

    Args:
        probability: vessel probability (1, W, H) in 0–1. A hard mask is a probability of 0 or 1, for example a second
            observer's; its ``auc`` is that of the ROC curve's single point, the mean of sensitivity and specificity,
            and not to be compared with the AUC of a graded map.
        label: reference vessels (1, W, H), 0 or 1 or boolean.
        fov: field of view (1, W, H), above zero inside.
        threshold: pixels at or above are vessels.
        whole_image: whether to score the whole image as well, which takes as long again.

    Returns:
        The scores named in :data:`VESSEL_SCORES` from the pixels inside the field of view (``cldice`` from both maps
        set to zero outside), then the same for the whole image with the prefix ``whole_image_``, where the prediction
        is taken as given. A score that is undefined, for example sensitivity without vessels, is NaN.

    Raises:
        ValueError: if the shapes differ or aren't (1, W, H), a probability lies outside 0–1, a label is neither 0 nor
            1, or the field of view is empty.

    Examples:
        >>> label = torch.zeros(1, 8, 8)
        >>> label[:, 4] = 1
        >>> scores = vessel_scores(0.9 * label, label, torch.ones(1, 8, 8))
        >>> scores["dice"], scores["whole_image_auc"]
        (1.0, 1.0)
    """
    _check(probability, label, fov)
    probability, label, fov = probability.float(), label.bool(), fov > 0
    inside = _scores(probability, label, fov, threshold)
    if not whole_image:
        return inside
    whole = _scores(probability, label, torch.ones_like(fov), threshold)
    return inside | {f"whole_image_{name}": score for name, score in whole.items()}


def _check(probability: torch.Tensor, label: torch.Tensor, fov: torch.Tensor) -> None:
    """Raise on maps of mismatched shapes or invalid values."""
    if probability.ndim != 3 or probability.shape[0] != 1 or not probability.shape == label.shape == fov.shape:
        raise ValueError(
            "probability, label and fov must have one shape (1, W, H), got "
            f"{tuple(probability.shape)}, {tuple(label.shape)} and {tuple(fov.shape)}."
        )
    if not ((probability >= 0) & (probability <= 1)).all():  # NaN fails as well
        raise ValueError("probability must lie in 0–1 everywhere: divide a 0–255 map by 255, apply softmax to logits.")
    if not ((label == 0) | (label == 1)).all():
        raise ValueError(f"label must hold only 0 and 1, got {torch.unique(label)[:5].tolist()}: binarise it first.")
    if not (fov > 0).any():
        raise ValueError("fov is empty: there is no pixel to score.")


def _scores(probability: torch.Tensor, label: torch.Tensor, region: torch.Tensor, threshold: float) -> dict[str, float]:
    """Scores over the pixels of a region, in the table's order."""
    prediction = probability >= threshold
    y_pred, y = (pixels[region][None, None].int() for pixels in (prediction, label))
    # in double precision the correlation's products of counts stay exact for large images
    confusion = get_confusion_matrix(y_pred, y).double()
    scores = {"dice": compute_dice(y_pred, y), "iou": compute_iou(y_pred, y)}
    scores |= {name: compute_confusion_matrix_metric(metric, confusion) for name, metric in CONFUSION_SCORES.items()}
    return {name: score.item() for name, score in scores.items()} | {
        "auc": compute_pixel_roc_auc(probability[region], label[region]),
        "cldice": compute_cldice(prediction[None], label[None], region[None]).item(),
    }
