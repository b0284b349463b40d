"""How much a classification changes when the image or volume is rotated or flipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import torch
import torch.nn.functional as F
from ignite.engine import Engine

from sre_monai.evaluation.evaluated_items import infer_logits
from sre_monai.evaluation.pose import AXES, Pose, rotations
from sre_monai.evaluation.protocol import Curves, EvaluationProtocol
from sre_monai.evaluation.rotation_summary import format_scores, mean_by_angle, summarize_curve
from sre_monai.medmnist import CLASSIFICATION_SCORES, class_probabilities, classification_scores
from sre_monai.transforms import GridSymmetry

PADDINGS = ("zeros", "reflect")
TITLES = {"auc": "AUC"}


class ClassificationRotation(EvaluationProtocol):
    """Score all images together in each pose, as Du et al. do (ISBI 2025, https://arxiv.org/abs/2501.09753).

    Images are rotated about the centre on a canvas of the same size, volumes about each of their axes. Multiples of 90°
    and flips of squares and cubes are exact.

    ``rotation.csv`` has a row for each pose: ``axis`` (of volumes), ``angle`` in degrees, ``flip`` (the flipped axes)
    and the scores of :func:`~sre_monai.medmnist.classification_scores`. ``summary.json`` has ``num_images``,
    ``angles``, ``padding``, ``interpolation``; under ``rotation``, for each axis (``image`` for images) and score, what
    :func:`~sre_monai.evaluation.summarize_curve` returns; under ``flip`` the scores of each flip; and
    ``probability_deviation``: the largest change of any image's probability, relative to upright, under flips and
    rotations by multiples of 90°. For an invariant network it is rounding error.
    ``rotation_<score>.png`` shows each score by angle.

    The evaluator must not decollate its batches. ``engine.state.output`` has ``image``, ``label`` and ``pred``, the
    upright probabilities.

    Args:
        task: one of ``sre_monai.medmnist.TASKS``.
        spatial_dims: 2 for images, 3 for volumes.
        angles: in degrees; 0 and all flips are added.
        padding: fill outside the image: ``"zeros"``, mid-grey after normalisation to −1 … 1, or ``"reflect"``.
        interpolation: ``"nearest"`` as published, ``"bilinear"`` or ``"bicubic"``.

    Raises:
        ValueError: when an angle is not a number or the padding is unknown.

    Examples:
        >>> len(ClassificationRotation("binary-class", spatial_dims=2, angles=range(0, 360, 10)).poses)
        39
    """

    table_name = "rotation.csv"

    def __init__(
        self,
        task: str,
        spatial_dims: int,
        angles: Iterable[float],
        padding: str = "zeros",
        interpolation: str = "nearest",
    ) -> None:
        if padding not in PADDINGS:
            raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, got {padding!r}.")
        self.task = task
        self.padding = padding
        self.interpolation = interpolation
        self.poses = _poses(spatial_dims, angles)

    def reset(self) -> None:
        """Discard the results of an earlier run."""
        super().reset()
        self.probabilities: dict[Pose, list[torch.Tensor]] = {pose: [] for pose in self.poses}
        self.labels: list[torch.Tensor] = []
        self.deviation = 0.0

    def collect(self, engine: Engine) -> Iterator[None]:
        """Classify one batch in every pose, and yield after each pose."""
        output: Any = engine.state.output
        upright = output["pred"].detach().float().cpu()
        self.labels.append(output["label"].cpu())
        self._rows.clear()
        for pose, kept in self.probabilities.items():
            probability = upright
            if not pose.is_upright:
                logits = infer_logits(engine, self.show(output["image"], pose))
                probability = class_probabilities(logits, self.task).cpu()
            if pose.is_exact:
                self.deviation = max(self.deviation, (probability - upright).abs().max().item())
            kept.append(probability)
            yield

    def show(self, x: torch.Tensor, pose: Pose) -> torch.Tensor:
        """Apply a pose to images, keeping their size.

        Args:
            x: (N, C, *spatial*).
            pose: the pose.

        Returns:
            The same shape.
        """
        size = x.shape[2:]
        if self.padding == "reflect":
            x = F.pad(x, [n // 2 for n in reversed(size) for _ in range(2)], mode="reflect")
        x = pose.apply(x, self.interpolation)
        if self.padding == "reflect":
            for axis, n in enumerate(size, start=2):
                x = x.narrow(axis, n // 2, n)
        return x

    def rows(self) -> list[dict[str, Any]]:
        """Score the images in each pose, once all are collected."""
        if not self._rows:
            label = torch.cat(self.labels)
            for pose, kept in self.probabilities.items():
                axis = "" if pose.axis is None else AXES[pose.axis]
                scores = classification_scores(torch.cat(kept), label, self.task)
                self._rows.append({"axis": axis, "angle": pose.angle, "flip": pose.mirrored, **scores})
        return self._rows

    def summarize(self) -> dict[str, Any]:
        """Summarise the scores by angle and list those of flips."""
        return {
            "num_images": sum(map(len, self.labels)),
            "angles": self.angles,
            "padding": self.padding,
            "interpolation": self.interpolation,
            "rotation": {
                axis: {name: summarize_curve(mean_by_angle(rows, name)) for name in CLASSIFICATION_SCORES}
                for axis, rows in self._by_axis().items()
            },
            "flip": {
                row["flip"]: {name: row[name] for name in CLASSIFICATION_SCORES} for row in self.rows() if row["flip"]
            },
            "probability_deviation": self.deviation,
        }

    def curves(self) -> Curves:
        """Return each score by angle, one line per axis."""
        return {
            (f"rotation_{name}.png", TITLES.get(name, name)): {
                axis: mean_by_angle(rows, name) for axis, rows in self._by_axis().items()
            }
            for name in CLASSIFICATION_SCORES
        }

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format the summary as a table, followed by the scores of flips."""
        flips = [
            f"flipped along {axes}: {', '.join(f'{name} {score:.4f}' for name, score in scores.items())}"
            for axes, scores in summary["flip"].items()
        ]
        deviation = summary["probability_deviation"]
        return "\n".join([
            f"{summary['num_images']} images at {len(self.angles)} angles and flipped, {self.interpolation}, "
            f"padding {self.padding}",
            format_scores(summary["rotation"]),
            *flips,
            f"largest change of a probability under 90° rotations and flips: {deviation:.2g}",
        ])  # fmt: skip

    def _by_axis(self) -> dict[str, list[dict[str, Any]]]:
        """Group the rows of rotations by axis."""
        by_axis: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows():
            if not row["flip"]:
                by_axis.setdefault(row["axis"] or "image", []).append(row)
        return by_axis


def _poses(spatial_dims: int, angles: Iterable[float]) -> list[Pose]:
    """List every angle about every axis, then the flips along every set of axes."""
    poses, axes = rotations(angles), range(spatial_dims)
    if spatial_dims == 3:
        poses = [pose._replace(axis=axis) for axis in axes for pose in poses]
    flips = [chosen for count in range(1, spatial_dims + 1) for chosen in combinations(axes, count)]
    return poses + [Pose(symmetry=GridSymmetry.mirror(spatial_dims, chosen)) for chosen in flips]
