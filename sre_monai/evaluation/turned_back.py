"""What an evaluator's network makes of a turned photograph, turned back onto the photograph's own grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.data import MetaTensor
from monai.utils import convert_to_tensor

from sre_monai.evaluation.rotation import UPRIGHT, Infer, Pose, predict_turned

__all__ = ["infer_logits", "probability_turned_back"]


def infer_logits(engine: Any, image: torch.Tensor) -> torch.Tensor:
    """Run an evaluator's network on one image, by the evaluator's own means.

    Args:
        engine: MONAI's evaluator.
        image: (C, W, H) of any size.

    Returns:
        Logits (K, W, H), float32.

    Examples:
        >>> infer_logits(evaluator, torch.rand(3, 64, 64)).shape  # doctest: +SKIP
        torch.Size([2, 64, 64])
    """
    with engine.mode(engine.network), torch.autocast(image.device.type, enabled=engine.amp):
        return engine.inferer(image[None], engine.network)[0].float()


def probability_turned_back(
    infer: Infer, item: dict[str, Any], pose: Pose, postprocessing: Callable[[dict[str, Any]], dict[str, Any]]
) -> torch.Tensor:
    """Show an evaluated item to the network in a pose; the upright prediction is the item's own.

    Args:
        infer: maps an image (C, W, H) of any size to logits (K, W, H).
        item: ``image`` (a MetaTensor at the working resolution), ``working_fov`` on its grid, and ``pred``, the upright
            probability on the own grid.
        pose: in which the network sees the image.
        postprocessing: the evaluator's: makes vessel probabilities on the own grid of an item's logits ``pred``.

    Returns:
        Vessel probability (1, W, H) on the own grid, on the CPU, valid inside the field of view.

    Examples:
        >>> infer = partial(infer_logits, evaluator)  # doctest: +SKIP
        >>> probability_turned_back(infer, item, Pose(37), postprocessing).shape  # doctest: +SKIP
        torch.Size([1, 565, 584])
    """
    probability = item["pred"]
    if pose != UPRIGHT:
        device = item["image"].device
        image, fov = (convert_to_tensor(item[key], track_meta=False, device=device) for key in ("image", "working_fov"))
        logits = MetaTensor(predict_turned(infer, image, fov, pose))
        probability = postprocessing({"image": item["image"], "pred": logits})["pred"]
    return convert_to_tensor(probability, track_meta=False, device="cpu")
