"""Saliency maps of a classifier, upright, rotated and flipped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from sre_monai.evaluation.pose import Pose
from sre_monai.io.png import save_png
from sre_monai.medmnist.saliency import SaliencyMaps, saliency_picture
from sre_monai.transforms import GridSymmetry


class SaliencyPictures:
    """Ignite handler that writes ``<index>.png`` for the first images.

    One row for each pose (upright, rotated by 45° and by 90°, flipped), with the image, the mean magnitude of the last
    features, and Grad-CAM for the class predicted upright; see :class:`~sre_monai.medmnist.SaliencyMaps`. Both maps of
    an equivariant network rotate with the image. Volumes are rotated about their first axis and shown as a slice.

    The evaluator must not decollate its batches. ``engine.state.output`` has ``image`` and ``pred``, the batch
    ``index``.

    Args:
        output_dir: folder of the pictures.
        count: number of images.
        target_layer: name of the layer.

    Examples:
        >>> SaliencyPictures("output/evaluate/saliency").attach(evaluator)  # doctest: +SKIP
    """

    def __init__(self, output_dir: str | os.PathLike[str], count: int = 8, target_layer: str = "layer4") -> None:
        self.output_dir = Path(output_dir)
        self.count = count
        self.target_layer = target_layer
        self.maps: SaliencyMaps | None = None

    def attach(self, engine: Engine) -> None:
        """Write after every iteration, up to the given number of images.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._write)

    def _write(self, engine: Any) -> None:
        """Write the pictures of one batch."""
        indices = [index for index in engine.state.batch["index"].tolist() if index < self.count]
        if not indices:
            return
        self.maps = self.maps or SaliencyMaps(engine.network, self.target_layer)
        for place, index in enumerate(engine.state.batch["index"].tolist()):
            if index in indices:
                image, probability = (engine.state.output[key][place] for key in ("image", "pred"))
                axis = 0 if image.ndim == 4 else None
                flipped = Pose(symmetry=GridSymmetry.mirror(image.ndim - 1, [1]))
                rows = []
                for pose in (Pose(), Pose(45, axis=axis), Pose(90, axis=axis), flipped):
                    posed = pose.apply(image[None])
                    features, saliency = self.maps(posed, int(probability.argmax()))
                    rows.append([posed[0], features[0], saliency[0]])
                save_png(self.output_dir / f"{index:04d}.png", saliency_picture(rows))
