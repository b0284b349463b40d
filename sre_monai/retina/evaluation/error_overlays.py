"""Overlay images of segmentation errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.utils import convert_to_tensor

from sre_monai.evaluation.evaluated_items import evaluated_items, image_path, infer_logits
from sre_monai.evaluation.pose import Pose
from sre_monai.evaluation.rotated_prediction import predict_item_in_pose
from sre_monai.io.png import save_png
from sre_monai.metrics import DEFAULT_THRESHOLD
from sre_monai.retina.overlay import error_overlay


class ErrorOverlays:
    """Ignite handler that writes ``<image's stem>.png`` for each image, see :func:`~sre_monai.retina.error_overlay`.

    Items need ``image`` (with the file's name in its metadata), ``photograph`` (3, W, H) of intensities 0–255, and
    ``pred`` (vessel probability, 0–1), ``label`` and ``fov`` of shape (1, W, H) on the photograph's grid. For angles
    other than 0° they need ``working_fov``, on the grid of ``image``, and the pictures are
    ``<stem>_<angle>.png``: the network saw the photograph rotated, the picture shows it upright.

    Args:
        output_dir: folder of the pictures.
        threshold: pixels at or above are vessels.
        angles: in degrees, one picture each.
        postprocessing: the evaluator's, for angles other than 0°: converts an item's logits ``pred`` to vessel
            probabilities on the original grid.

    Examples:
        >>> ErrorOverlays("output/evaluate/overlays").attach(evaluator)  # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        threshold: float = DEFAULT_THRESHOLD,
        angles: Iterable[float] = (0,),
        postprocessing: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.threshold = threshold
        self.angles = [float(angle) for angle in angles]
        self.postprocessing = postprocessing

    def attach(self, engine: Engine) -> None:
        """Write after every iteration.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)

    def _write(self, engine: Engine) -> None:
        """Write the pictures of one iteration."""
        infer = partial(infer_logits, engine)
        for item in evaluated_items(engine):
            photograph, label, fov = (
                convert_to_tensor(item[key], track_meta=False, device="cpu") for key in ("photograph", "label", "fov")
            )
            orientation = int(item["photograph"].meta.get("exif_orientation", 1))
            for angle in self.angles:
                probability = predict_item_in_pose(infer, item, Pose(angle), self.postprocessing, "working_fov")
                picture = error_overlay(photograph, probability >= self.threshold, label, fov)
                suffix = f"_{angle:g}" if angle else ""
                save_png(self.output_dir / f"{image_path(item).stem}{suffix}.png", picture, orientation)
