"""Robustness to rotation: scores of every image in every pose, their summary and a curve."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.metrics import compute_dice
from monai.transforms import ResizeWithPadOrCrop
from monai.utils import convert_to_tensor
from tqdm import tqdm

from sre_monai.evaluation.items import evaluated_items, image_path
from sre_monai.evaluation.rotation import Infer, Pose, make_poses, published_scores
from sre_monai.evaluation.rotation_summary import FIGURES, mean_by_angle, summarize_rotation
from sre_monai.evaluation.turned_back import infer_logits, probability_turned_back
from sre_monai.metrics import vessel_scores
from sre_monai.tables import align_columns, write_json, write_table
from sre_monai.visualize import plot_rotation_curve

__all__ = ["PROTOCOLS", "RotationTable", "check_protocols"]

PROTOCOLS = ("published", "turned_back")

logger = logging.getLogger(__name__)


class RotationTable:
    """Ignite handler that predicts each image in many poses and writes a table, a summary and a curve.

    Two protocols:

    - ``published``: :func:`~sre_monai.evaluation.published_scores` on the centre crop at the working resolution, after
      the upright pipeline's normalisation; an image smaller than the crop is padded with zeros.
    - ``turned_back``: :func:`~sre_monai.evaluation.predict_turned` on the whole image at the working resolution, mapped
      back to the own grid and scored inside the field of view against the untouched label;
      ``consistency`` is the Dice there between that binary prediction and the upright one.

    ``per_image.csv`` has a row for each image, protocol and pose: ``image``, ``protocol``, ``angle`` in degrees,
    ``flip`` (True for a mirror image) and the protocol's scores. ``summary.json`` has the record given, ``num_images``,
    ``angles`` and, under ``protocols``, what :func:`~sre_monai.evaluation.summarize_rotation` returns.
    ``rotation_curve.png`` shows the mean Dice by angle; without matplotlib it is left out, with a sentence
    in the log.

    The evaluator's items need ``image`` (a MetaTensor at the working resolution), ``working_label`` and ``working_fov``
    on its grid; ``pred`` (the upright probability), ``label`` and ``fov`` on the own grid.

    Args:
        output_dir: folder of the files.
        activation: makes vessel probabilities of an item's logits ``pred``, on their grid.
        postprocessing: the evaluator's: makes vessel probabilities on the own grid of an item's logits ``pred``.
        angles: in degrees, 0 is always among them; the four mirror images are added.
        protocols: which of the two to run.
        crop_size: side of the published protocol's square in pixels.
        threshold: pixels at or above are vessels.
        record: what else to note in the summary, see :func:`~sre_monai.evaluation.evaluation_record`.

    Raises:
        ValueError: when a protocol is unknown or an angle isn't a number.

    Examples:
        >>> table = RotationTable("output/rotation", activation, postprocessing, range(0, 360, 10))  # doctest: +SKIP
        >>> table.attach(evaluator)  # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        activation: Callable[[dict[str, Any]], dict[str, Any]],
        postprocessing: Callable[[dict[str, Any]], dict[str, Any]],
        angles: Iterable[float],
        protocols: Sequence[str] = PROTOCOLS,
        crop_size: int = 512,
        threshold: float = 0.5,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.activation = activation
        self.postprocessing = postprocessing
        self.poses = make_poses(angles)
        self.protocols = check_protocols(protocols)
        self.crop = ResizeWithPadOrCrop(crop_size)
        self.threshold = threshold
        self.record = dict(record or {})
        self._reset()

    def attach(self, engine: Engine) -> None:
        """Turn and predict after every iteration, write at the end of the epoch.

        Args:
            engine: MONAI's evaluator; its network and inferer predict, its upright prediction is the reference.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._score)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def summarize(self) -> dict[str, Any]:
        """Summarise the images scored so far.

        Returns:
            The content of ``summary.json``.
        """
        return {
            **self.record,
            "num_images": len({row["image"] for row in self.rows}),
            "angles": [pose.angle for pose in self.poses if not pose.flip],
            "protocols": summarize_rotation(self.rows),
        }

    def _reset(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.progress = tqdm(disable=True)

    def _start(self, engine: Engine) -> None:
        """Forget an earlier run and show what is left to do."""
        self._reset()
        predictions = (engine.state.epoch_length or 0) * len(self.protocols) * len(self.poses)
        self.progress = tqdm(total=predictions, desc="poses", unit="pose")

    def _score(self, engine: Engine) -> None:
        """Add a row for each image, protocol and pose of the iteration."""
        infer = partial(infer_logits, engine)
        run = {"published": self._published, "turned_back": self._turned_back}
        for item in evaluated_items(engine):
            for protocol in self.protocols:
                for pose, scores in run[protocol](infer, item):
                    self.rows.append({"image": image_path(item).name, "protocol": protocol, **pose._asdict(), **scores})
                    self.progress.update()

    def _published(self, infer: Infer, item: dict[str, Any]) -> Iterator[tuple[Pose, dict[str, float]]]:
        """Scores of the centre crop in each pose."""

        def predict(image: torch.Tensor) -> torch.Tensor:
            return convert_to_tensor(self.activation({"pred": infer(image)})["pred"], track_meta=False)

        image, label = (
            convert_to_tensor(self.crop(item[key]), track_meta=False, device=item["image"].device)
            for key in ("image", "working_label")
        )
        yield from published_scores(predict, image, label, self.poses, self.threshold)

    def _turned_back(self, infer: Infer, item: dict[str, Any]) -> Iterator[tuple[Pose, dict[str, float]]]:
        """Scores of the whole image in each pose, inside the field of view."""
        upright, label, fov = (
            convert_to_tensor(item[key], track_meta=False, device="cpu") for key in ("pred", "label", "fov")
        )
        for pose in self.poses:
            probability = probability_turned_back(infer, item, pose, self.postprocessing)
            inside = vessel_scores(probability, label, fov, self.threshold, whole_image=False)
            turned, reference = ((values >= self.threshold)[fov > 0][None, None] for values in (probability, upright))
            yield pose, inside | {"consistency": compute_dice(turned, reference).item()}

    def _write(self) -> None:
        """Write the files and log the summary."""
        self.progress.close()
        summary = self.summarize()
        write_table(self.output_dir / "per_image.csv", self.rows)
        write_json(self.output_dir / "summary.json", summary)
        logger.info("%s", _as_text(summary))
        logger.info("the scores of each image are in %s", self.output_dir / "per_image.csv")
        try:
            plot_rotation_curve(_curves(self.rows), self.output_dir / "rotation_curve.png")
        except ImportError as error:
            logger.warning("there is no rotation_curve.png: %s", error)


def check_protocols(protocols: Sequence[str]) -> list[str]:
    """Check the names of protocols.

    Args:
        protocols: names.

    Returns:
        The names.

    Raises:
        ValueError: when there is none or one is unknown.

    Examples:
        >>> check_protocols(["published"])
        ['published']
    """
    if isinstance(protocols, str) or not protocols or not set(protocols) <= set(PROTOCOLS):
        raise ValueError(f"protocols must be a list of one or both of {', '.join(PROTOCOLS)}, got {protocols!r}.")
    return list(protocols)


def _curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[float, float]]:
    """Mean Dice by angle for each line of the plot."""
    published = [row for row in rows if row["protocol"] == "published"]
    turned_back = [row for row in rows if row["protocol"] == "turned_back"]
    lines = {
        "turned back": mean_by_angle(turned_back, "dice"),
        "published": mean_by_angle(published, "dice"),
        "published ceiling": mean_by_angle(published, "ceiling_dice"),
    }
    return {name: line for name, line in lines.items() if line}


def _as_text(summary: Mapping[str, Any]) -> str:
    """Table for people."""
    rows = [["", *FIGURES]]
    for protocol, scores in summary["protocols"].items():
        for name, figures in scores.items():
            cells = [
                f"{figures[column]:.0f}°" if column == "worst_angle" else f"{figures[column]:.4f}" for column in FIGURES
            ]
            rows.append([f"{protocol} {name}", *cells])
    what = ", ".join(str(summary[key]) for key in ("dataset", "section") if key in summary)
    return (
        f"{what or 'rotation'}: {summary['num_images']} images at {len(summary['angles'])} angles and as mirror images"
        f"\n{align_columns(rows)}"
    )
