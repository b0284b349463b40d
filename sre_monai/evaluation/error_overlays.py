"""Pictures of where each segmentation errs."""

from __future__ import annotations

import os
from pathlib import Path

from ignite.engine import Engine, Events
from monai.utils import convert_to_tensor

from sre_monai.evaluation.items import evaluated_items, image_path
from sre_monai.files import save_png
from sre_monai.visualize import error_overlay

__all__ = ["ErrorOverlays"]


class ErrorOverlays:
    """Ignite handler that writes ``<image's stem>.png`` for each image, see :func:`~sre_monai.visualize.error_overlay`.

    Items need ``image`` (with the file's name in its metadata), ``photograph`` (3, W, H) of intensities 0–255, and
    ``pred`` (vessel probability, 0–1), ``label`` and ``fov`` of shape (1, W, H) on the photograph's own grid.

    Args:
        output_dir: folder of the pictures.
        threshold: pixels at or above are vessels.

    Examples:
        >>> ErrorOverlays("output/evaluate/overlays").attach(evaluator)  # doctest: +SKIP
    """

    def __init__(self, output_dir: str | os.PathLike[str], threshold: float = 0.5) -> None:
        self.output_dir = Path(output_dir)
        self.threshold = threshold

    def attach(self, engine: Engine) -> None:
        """Write after every iteration.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)

    def _write(self, engine: Engine) -> None:
        """Write the pictures of one iteration."""
        for item in evaluated_items(engine):
            photograph, probability, label, fov = (
                convert_to_tensor(item[key], track_meta=False, device="cpu")
                for key in ("photograph", "pred", "label", "fov")
            )
            picture = error_overlay(photograph, probability >= self.threshold, label, fov)
            orientation = int(item["photograph"].meta.get("exif_orientation", 1))
            save_png(self.output_dir / f"{image_path(item).stem}.png", picture, orientation)
