"""Access to a MONAI evaluator's current items, and inference with its network on other images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine
from monai.utils import ImageMetaKey


def evaluated_items(engine: Engine) -> Iterator[dict[str, Any]]:
    """Yield the items of the current iteration, after postprocessing.

    MONAI keeps the network's input, label and prediction in ``engine.state.output`` and everything else in
    ``engine.state.batch``.

    Args:
        engine: a MONAI evaluator that decollates its batches, as MONAI's do by default, after an iteration.

    Yields:
        The dictionary of one image.

    Examples:
        >>> [item["pred"].shape for item in evaluated_items(evaluator)]  # doctest: +SKIP
        [torch.Size([1, 565, 584])]
    """
    batch: Any = engine.state.batch
    output: Any = engine.state.output
    for loaded, evaluated in zip(batch, output, strict=True):
        yield {**loaded, **evaluated}


def image_path(item: dict[str, Any]) -> Path:
    """Return the path that an item's image was loaded from.

    Args:
        item: dictionary of one image, with the MetaTensor ``image``.

    Returns:
        The path.

    Examples:
        >>> image_path(item).stem  # doctest: +SKIP
        '01_test'
    """
    return Path(item["image"].meta[ImageMetaKey.FILENAME_OR_OBJ])


def infer_logits(engine: Any, images: torch.Tensor) -> torch.Tensor:
    """Run an evaluator's network, with its inferer and precision, on other images.

    Args:
        engine: MONAI's evaluator.
        images: (N, C, *spatial*) of any size.

    Returns:
        Logits (N, K, *spatial*) of a segmentation or (N, K) of a classification, float32.

    Examples:
        >>> infer_logits(evaluator, torch.rand(1, 3, 64, 64)).shape  # doctest: +SKIP
        torch.Size([1, 2, 64, 64])
    """
    with engine.mode(engine.network), torch.autocast(images.device.type, enabled=engine.amp):
        return engine.inferer(images, engine.network).float()
