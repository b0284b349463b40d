"""Evaluation of segmentations of volumes: scores of each, and how they change when the volume is turned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.utils import convert_to_tensor

from sre_monai.evaluation.evaluated_items import evaluated_items, image_path, infer_logits
from sre_monai.evaluation.pose import AXES
from sre_monai.evaluation.protocol import Curves, EvaluationProtocol
from sre_monai.evaluation.rotation_summary import format_scores, summarize_curve
from sre_monai.evaluation.score_summary import summarize_scores
from sre_monai.io.tables import align_columns
from sre_monai.transforms import GridSymmetry, grid_symmetries
from sre_monai.volumes.scores import structure_scores
from sre_monai.volumes.turn import Turn, random_axes

RANDOM = "random"
RESAMPLED = "resampled_"


class VolumeScoreTable(EvaluationProtocol):
    """Score segmentations of volumes.

    ``per_image.csv`` has a row for each volume: ``image`` and the scores of
    :func:`~sre_monai.volumes.structure_scores`. ``summary.json`` has ``num_images`` and, under ``scores``, for each
    score the mean, population standard deviation, minimum and maximum over the volumes.

    The evaluator's items need ``image`` (with the file's name in its metadata), ``pred`` (probabilities on the label's
    own grid) and ``label``.

    Args:
        structures: what each label above 0 stands for.
    """

    def __init__(self, structures: Mapping[int, str] | Mapping[str, str]) -> None:
        self.structures = {int(label): name for label, name in structures.items()}

    def collect(self, engine: Engine) -> Iterator[None]:
        """Add a row for each volume."""
        for item in evaluated_items(engine):
            prediction = item["pred"].argmax(dim=0, keepdim=True)
            scores = structure_scores(prediction, item["label"], self.structures, _spacing(item["label"]))
            self._rows.append({"image": image_path(item).name, **scores})
        yield

    def summarize(self) -> dict[str, Any]:
        """Summarise each score."""
        scores = [{name: score for name, score in row.items() if name != "image"} for row in self._rows]
        return {"num_images": len(self._rows), "scores": summarize_scores(scores)}

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format the means and standard deviations as a table."""
        rows = [[name, f"{score['mean']:.4f} ± {score['std']:.4f}"] for name, score in summary["scores"].items()]
        return f"mean ± standard deviation over {summary['num_images']} volumes\n{align_columns(rows)}"


class VolumeRotation(EvaluationProtocol):
    """Score each volume turned about its axes and about random ones, and in all symmetries of the grid.

    The normalised volume is turned on a larger grid, so that nothing is cut; the probabilities are turned back and
    compared with the label on the volume's own grid. Turning blurs by itself: beside each score stands that of the
    upright prediction, turned and turned back in the same way.

    ``rotation.csv`` has a row for each volume and turn: ``image``; ``axis``, one of ``x``, ``y``, ``z``, ``random``, or
    ``symmetry``; ``angle`` in degrees, or the symmetry; ``changed``, the number of voxels whose class differs from the
    upright prediction's; the scores of :func:`~sre_monai.volumes.structure_scores`; and the same with the prefix
    ``resampled_``, of the upright prediction. ``summary.json`` has ``num_images``, ``angles``; under ``rotation``, for
    each axis and score, what :func:`~sre_monai.evaluation.summarize_curve` returns; and ``changed_by_symmetries``, the
    greatest number of voxels that a symmetry of the grid changes: 0 for an equivariant network.
    ``rotation_<structure>.png`` shows the mean Dice by angle.

    The evaluator's items need ``image`` (the MetaTensor that the network gets), ``pred`` (upright probabilities) and
    ``label`` on the volume's own grid.

    Args:
        structures: what each label above 0 stands for.
        postprocessing: the evaluator's; converts an item's logits ``pred`` to probabilities on the volume's own grid.
        angles: in degrees; 0 is added.
        random_axes: how many random axes, the same for all volumes.
        symmetries: whether to score the 48 symmetries of the grid.

    Raises:
        ValueError: when an angle isn't a finite number.

    Examples:
        >>> len(VolumeRotation({1: "cyst"}, dict, angles=[0, 90, 180], random_axes=2).turns)
        11
    """

    table_name = "rotation.csv"

    def __init__(
        self,
        structures: Mapping[int, str] | Mapping[str, str],
        postprocessing: Callable[[dict[str, Any]], dict[str, Any]],
        angles: Iterable[float],
        random_axes: int = 4,
        symmetries: bool = True,
    ) -> None:
        self.structures = {int(label): name for label, name in structures.items()}
        self.postprocessing = postprocessing
        self._angles = sorted({0.0, *map(float, angles)})
        if not np.isfinite(self._angles).all():
            raise ValueError(f"angles must be finite numbers in degrees, got {angles!r}.")
        self.turns = _turns([angle for angle in self._angles if angle], random_axes)
        self.symmetries = grid_symmetries(3) if symmetries else []
        self.poses: Sequence[Any] = [*self.turns, *self.symmetries]  # their number is what counts

    @property
    def angles(self) -> list[float]:
        """The angles, 0 among them."""
        return self._angles

    def collect(self, engine: Engine) -> Iterator[None]:
        """Score one iteration's volumes in every turn and symmetry, and yield after each."""
        for item in evaluated_items(engine):
            infer = partial(infer_logits, engine)
            image = convert_to_tensor(item["image"], track_meta=False)
            logits = infer(image[None])[0]
            upright = self._probabilities(item, logits)
            for axis, turn in self.turns:
                self._add(item, axis, turn.angle, upright, logits, image, turn, infer)
                yield
            for symmetry in self.symmetries:
                self._add(item, "symmetry", str(symmetry), upright, logits, image, symmetry, infer)
                yield

    def summarize(self) -> dict[str, Any]:
        """Summarise each score by axis."""
        changed = [row["changed"] for row in self._rows if row["axis"] == "symmetry"]
        return {
            "num_images": len({row["image"] for row in self._rows}),
            "angles": self.angles,
            "rotation": {
                axis: {name: summarize_curve(self._curve(axis, name)) for name in self._scores()}
                for axis in self._axes()
            },
            **({"changed_by_symmetries": max(changed)} if changed else {}),
        }

    def curves(self) -> Curves:
        """Return the mean Dice by angle, a figure per structure and a line per axis."""
        names = [name for name in self._scores() if name.endswith("_dice") and not name.startswith(RESAMPLED)]
        return {
            (f"rotation_{name.removesuffix('_dice')}.png", "Dice"): {
                **{axis: self._curve(axis, name) for axis in self._axes()},
                "upright, turned": self._curve(self._axes()[-1], RESAMPLED + name),
            }
            for name in names
        }

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format the summary as a table."""
        head = f"{summary['num_images']} volumes at {len(self.angles)} angles about {', '.join(self._axes())}"
        changed = summary.get("changed_by_symmetries")
        last = "" if changed is None else f"\nvoxels changed by a symmetry of the grid, at most: {changed}"
        return f"{head}\n{format_scores(summary['rotation'])}{last}"

    def _add(
        self,
        item: dict[str, Any],
        axis: str,
        angle: float | str,
        upright: torch.Tensor,
        logits: torch.Tensor,
        image: torch.Tensor,
        turn: Turn | GridSymmetry,
        infer: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        """Score a volume in one turn."""
        label, structures = item["label"], self.structures
        seen = infer(turn.apply(image)[None])[0]
        labels = self._probabilities(item, _turned_back(turn, seen, image)).argmax(0, keepdim=True)
        resampled = self._probabilities(item, _turned_back(turn, turn.apply(logits), image)).argmax(0, keepdim=True)
        scores, reference = (
            structure_scores(values, label, structures, _spacing(label)) for values in (labels, resampled)
        )
        self._rows.append({
            "image": image_path(item).name,
            "axis": axis,
            "angle": angle,
            "changed": int((labels != upright.argmax(0, keepdim=True)).sum()),
            **scores,
            **{f"{RESAMPLED}{name}": score for name, score in reference.items()},
        })  # fmt: skip

    def _probabilities(self, item: dict[str, Any], logits: torch.Tensor) -> torch.Tensor:
        """Probabilities on the volume's own grid, on the CPU."""
        done = self.postprocessing({"image": item["image"], "pred": MetaTensor(logits)})
        return convert_to_tensor(done["pred"], track_meta=False, device="cpu")

    def _axes(self) -> list[str]:
        return list(dict.fromkeys(axis for axis, _ in self.turns))

    def _scores(self) -> list[str]:
        return [name for name in self._rows[0] if name not in ("image", "axis", "angle", "changed")]

    def _curve(self, axis: str, score: str) -> dict[float, float]:
        """Mean of a score at each angle about an axis; that at 0° is of the upright volumes."""
        curve = {}
        for angle in self.angles:
            scores = [
                row[score]
                for row in self._rows
                if row["angle"] == angle and row["axis"] in ((axis,) if angle else AXES)
            ]
            curve[angle] = float(np.nanmean(scores)) if not np.isnan(scores).all() else float("nan")
        return curve


def _turns(angles: list[float], random: int) -> list[tuple[str, Turn]]:
    """Upright, then every angle about every axis, then about random ones."""
    units = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    axes = [*zip(AXES, units, strict=True), *((RANDOM, axis) for axis in random_axes(random))]
    return [(AXES[0], Turn()), *((name, Turn(axis, angle)) for name, axis in axes for angle in angles)]


def _turned_back(turn: Turn | GridSymmetry, logits: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    return turn.invert(logits) if isinstance(turn, GridSymmetry) else turn.invert(logits, image.shape[1:])


def _spacing(label: MetaTensor) -> list[float]:
    return [float(spacing) for spacing in affine_to_spacing(label.affine)]
