"""Robustness of a classifier to rotation and mirroring: scores in every pose, their summary and curves."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from tqdm import tqdm

from sre_monai.evaluation.classification_poses import ImagePose, check_padding, image_poses, pose_image
from sre_monai.evaluation.rotation_summary import mean_by_angle, summarize_rotation
from sre_monai.metrics import class_probabilities, classification_scores
from sre_monai.tables import align_columns, write_json, write_table
from sre_monai.visualize import plot_rotation_curve

__all__ = ["ClassificationRotation"]

SCORES = ("accuracy", "auc")
FIGURES = ("upright", "mean", "std", "worst", "worst_angle")

logger = logging.getLogger(__name__)


class ClassificationRotation:
    """Ignite handler that classifies every image in many poses and writes a table, a summary and two curves.

    ``rotation.csv`` has a row for each pose: ``axis`` (of volumes), ``angle`` in degrees, ``flip`` (the axes mirrored),
    ``accuracy`` and ``auc``. ``summary.json`` has the record given, ``num_images``, ``angles``, ``padding``,
    ``interpolation``; under ``rotation``, for each axis (``image`` for images) and score, ``upright``, ``mean``,
    ``std``, ``worst`` and ``worst_angle`` over the angles; under ``flip`` the scores of each mirror image; and
    ``probability_deviation``: the largest change of any image's probability, from upright, under mirroring and
    turns by multiples of 90°. Without an exact symmetry it tells how far off a network is; with one it is rounding.
    ``rotation_accuracy.png`` and ``rotation_auc.png`` show the scores by angle; without matplotlib they are left out,
    with a sentence in the log.

    The evaluator must not decollate its batches. ``engine.state.output`` has ``image``, ``label`` and ``pred``, the
    upright probabilities.

    Args:
        output_dir: folder of the files.
        task: one of ``sre_monai.metrics.TASKS``.
        spatial_dims: 2 for images, 3 for volumes.
        angles: in degrees, 0 is always among them; mirror images are added.
        padding: ``"zeros"`` or ``"reflect"``, see :func:`~sre_monai.evaluation.pose_image`.
        interpolation: ``"nearest"`` as published, ``"bilinear"`` or ``"bicubic"``.
        record: what else to note in the summary.

    Raises:
        ValueError: when an angle is no number or the padding is unknown.

    Examples:
        >>> ClassificationRotation("output/rotation", "binary-class", 2, range(0, 360, 10)).attach(evaluator)
        ... # doctest: +SKIP
    """

    def __init__(
        self,
        output_dir: str | os.PathLike[str],
        task: str,
        spatial_dims: int,
        angles: Iterable[float],
        padding: str = "zeros",
        interpolation: str = "nearest",
        record: Mapping[str, Any] | None = None,
    ) -> None:
        self.output_dir = Path(output_dir)
        self.task = task
        self.poses = image_poses(spatial_dims, angles)
        self.padding = check_padding(padding)
        self.interpolation = interpolation
        self.record = dict(record or {})
        self._reset()

    def attach(self, engine: Engine) -> None:
        """Classify after every iteration, write at the end of the epoch.

        Args:
            engine: MONAI's evaluator; its network and inferer predict, its upright prediction is the reference.
        """
        engine.add_event_handler(Events.EPOCH_STARTED, self._start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._classify)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._write)

    def _reset(self) -> None:
        self.probabilities: dict[ImagePose, list[torch.Tensor]] = {pose: [] for pose in self.poses}
        self.labels: list[torch.Tensor] = []
        self.deviation = 0.0
        self.progress = tqdm(disable=True)

    def _start(self, engine: Engine) -> None:
        """Forget an earlier run and show what is left to do."""
        self._reset()
        self.progress = tqdm(total=(engine.state.epoch_length or 0) * len(self.poses), desc="poses", unit="batch")

    def _classify(self, engine: Engine) -> None:
        """Predict one batch in every pose."""
        output: Any = engine.state.output
        upright = output["pred"].detach().float().cpu()
        self.labels.append(output["label"].cpu())
        for pose, kept in self.probabilities.items():
            probability = upright
            if pose.angle or pose.flip:
                posed = pose_image(output["image"], pose, self.interpolation, self.padding)
                probability = class_probabilities(_infer(engine, posed), self.task).cpu()
            if pose.angle % 90 == 0:
                self.deviation = max(self.deviation, (probability - upright).abs().max().item())
            kept.append(probability)
            self.progress.update()

    def rows(self) -> list[dict[str, Any]]:
        """Score the images classified so far.

        Returns:
            The rows of ``rotation.csv``.
        """
        label = torch.cat(self.labels)
        return [
            {**pose._asdict(), **classification_scores(torch.cat(kept), label, self.task)}
            for pose, kept in self.probabilities.items()
        ]

    def _write(self) -> None:
        """Write the files and log the summary."""
        self.progress.close()
        rows = self.rows()
        # in the terms of the summary: one item, the whole set, and a protocol for each axis
        turns = [
            {"image": "all", "protocol": row["axis"] or "image", "angle": row["angle"], "flip": False}
            | {name: row[name] for name in SCORES}
            for row in rows
            if not row["flip"]
        ]
        rotation = {
            axis: {name: {key: figures[key] for key in FIGURES} for name, figures in scores.items()}
            for axis, scores in summarize_rotation(turns).items()
        }
        summary = {
            **self.record,
            "num_images": sum(map(len, self.labels)),
            "angles": list(dict.fromkeys(row["angle"] for row in turns)),
            "padding": self.padding,
            "interpolation": self.interpolation,
            "rotation": rotation,
            "flip": {row["flip"]: {name: row[name] for name in SCORES} for row in rows if row["flip"]},
            "probability_deviation": self.deviation,
        }
        write_table(self.output_dir / "rotation.csv", rows)
        write_json(self.output_dir / "summary.json", summary)
        logger.info("%s\nthe scores in every pose are in %s", _as_text(summary), self.output_dir / "rotation.csv")
        try:
            for name in SCORES:
                curves = {
                    axis: mean_by_angle([row for row in turns if row["protocol"] == axis], name)
                    for axis, scores in rotation.items()
                    if not math.isnan(scores[name]["mean"])
                }
                if not curves:
                    logger.warning("there is no curve of the %s: it is undefined without every class", name)
                    continue
                path = self.output_dir / f"rotation_{name}.png"
                plot_rotation_curve(curves, path, ylabel={"auc": "AUC"}.get(name, name))
        except ImportError as error:
            logger.warning("there are no curves: %s", error)


def _infer(engine: Any, image: torch.Tensor) -> torch.Tensor:
    """Logits (N, K) of a batch, by the evaluator's own means."""
    with engine.mode(engine.network), torch.autocast(image.device.type, enabled=engine.amp):
        return engine.inferer(image, engine.network).float()


def _as_text(summary: Mapping[str, Any]) -> str:
    """Table for people."""
    rows = [["", *FIGURES]]
    for axis, scores in summary["rotation"].items():
        for name, figures in scores.items():
            cells = [f"{figures[key]:.0f}°" if key == "worst_angle" else f"{figures[key]:.4f}" for key in FIGURES]
            rows.append([f"{axis} {name}", *cells])
    flips = [
        f"mirrored along {axes}: accuracy {scores['accuracy']:.4f}, AUC {scores['auc']:.4f}"
        for axes, scores in summary["flip"].items()
    ]
    what = ", ".join(str(summary[key]) for key in ("dataset", "section") if key in summary) or "rotation"
    return "\n".join([
        f"{what}: {summary['num_images']} images at {len(summary['angles'])} angles and mirrored, "
        f"{summary['interpolation']}, padding {summary['padding']}",
        align_columns(rows),
        *flips,
        f"largest change of a probability by 90° turns and mirroring: {summary['probability_deviation']:.2g}",
    ])  # fmt: skip
