"""The images of an evaluator's current iteration, with everything known about each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ignite.engine import Engine
from monai.utils import ImageMetaKey

__all__ = ["evaluated_items", "image_path"]


def evaluated_items(engine: Engine) -> Iterator[dict[str, Any]]:
    """Yield what preprocessing, network and postprocessing made of each image.

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
    """Name the file that an item's image was loaded from.

    Args:
        item: dictionary of one image, with the MetaTensor ``image``.

    Returns:
        The path.

    Examples:
        >>> image_path(item).stem  # doctest: +SKIP
        '01_test'
    """
    return Path(item["image"].meta[ImageMetaKey.FILENAME_OR_OBJ])
