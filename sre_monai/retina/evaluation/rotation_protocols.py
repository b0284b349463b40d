"""Protocols that measure the robustness of a segmentation to rotations and flips.

A new protocol is a subclass of :class:`SegmentationRotation` and its entry in :data:`SEGMENTATION_PROTOCOLS`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from ignite.engine import Engine
from monai.metrics import compute_dice
from monai.transforms import ResizeWithPadOrCrop
from monai.utils import convert_to_tensor

from sre_monai.evaluation.evaluated_items import evaluated_items, image_path, infer_logits
from sre_monai.evaluation.pose import Pose, rotations
from sre_monai.evaluation.protocol import Curves, EvaluationProtocol
from sre_monai.evaluation.rotated_prediction import predict_item_in_pose
from sre_monai.evaluation.rotation_summary import format_scores, mean_by_angle, summarize_rotation
from sre_monai.metrics import DEFAULT_THRESHOLD, compute_pixel_roc_auc
from sre_monai.retina import vessel_scores
from sre_monai.transforms import GridSymmetry

Infer = Callable[[torch.Tensor], torch.Tensor]
"""Maps images (N, C, W, H) of any size to logits (N, K, W, H)."""

Postprocessing = Callable[[dict[str, Any]], dict[str, Any]]
"""Converts an item's logits ``pred`` to vessel probabilities."""


class SegmentationRotation(EvaluationProtocol):
    """Score each image in many poses.

    ``per_image.csv`` has a row for each image, protocol and pose: ``image``, ``protocol``, ``angle`` in degrees,
    ``flip`` (True for flips) and the protocol's scores. ``summary.json`` has ``num_images``, ``angles`` and,
    under ``protocols`` and the protocol's name, what :func:`~sre_monai.evaluation.summarize_rotation` returns.
    ``rotation_curve.png`` shows the mean Dice by angle.

    The evaluator's items need ``image`` (a MetaTensor at the working resolution), ``working_label`` and ``working_fov``
    on its grid; ``pred`` (the upright probability), ``label`` and ``fov`` on the original grid.

    Args:
        angles: in degrees; 0 and the flip at each multiple of 90° are added.
        activation: converts an item's logits ``pred`` to vessel probabilities, on their grid.
        postprocessing: the evaluator's; converts logits ``pred`` to vessel probabilities on the original grid.
        crop_size: side of the published protocol's square in pixels.
        threshold: pixels at or above are vessels.

    Attributes:
        name: the name in the configuration.
        lines: the score that each line of its plot shows.

    Raises:
        ValueError: when an angle isn't a number.
    """

    name: ClassVar[str]
    lines: ClassVar[Mapping[str, str]]

    def __init__(
        self,
        angles: Iterable[float],
        activation: Postprocessing,
        postprocessing: Postprocessing,
        crop_size: int = 512,
        threshold: float = DEFAULT_THRESHOLD,
    ) -> None:
        self.poses = rotations(angles) + [Pose(90.0 * k, GridSymmetry.mirror(2, [0])) for k in range(4)]
        self.activation = activation
        self.postprocessing = postprocessing
        self.crop = ResizeWithPadOrCrop(crop_size)
        self.threshold = threshold

    @abstractmethod
    def scores(self, infer: Infer, item: dict[str, Any]) -> Iterator[dict[str, float]]:
        """Score an evaluated item in each of the poses."""

    def collect(self, engine: Engine) -> Iterator[None]:
        """Score one iteration's images in every pose, and yield after each pose."""
        for item in evaluated_items(engine):
            image = {"image": image_path(item).name, "protocol": self.name}
            for pose, scores in zip(self.poses, self.scores(partial(infer_logits, engine), item), strict=True):
                self._rows.append({**image, "angle": pose.angle, "flip": bool(pose.mirrored), **scores})
                yield

    def summarize(self) -> dict[str, Any]:
        """Count the images and summarise each score."""
        return {
            "num_images": len({row["image"] for row in self._rows}),
            "angles": self.angles,
            "protocols": {self.name: summarize_rotation(self._rows)},
        }

    def curves(self) -> Curves:
        """Return the mean score by angle for each line."""
        lines = {line: mean_by_angle(self._rows, score) for line, score in self.lines.items()}
        return {("rotation_curve.png", "Dice"): lines}

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format the summary as a table."""
        head = f"{summary['num_images']} images at {len(self.angles)} angles and flipped"
        return f"{head}\n{format_scores({self.name: summary['protocols'][self.name]})}"


class PublishedProtocol(SegmentationRotation):
    """Score as the SRE U-Net's authors do (Zhang et al., ISBI 2025, https://arxiv.org/abs/2501.14592).

    Image and label are rotated about the centre with nearest-neighbour interpolation and compared on the whole square:
    the centre crop at the working resolution, padded with zeros where the image is smaller. Rotating without
    interpolation breaks one-pixel vessels, in the image and in the label. The ceiling measures this loss: the upright
    prediction, rotated in the same way, against the rotated label. A network can score above it.

    The scores are ``dice``, ``auc``, ``ceiling_dice`` and ``ceiling_auc``, over all pixels; NaN where undefined, for
    example without vessels.
    """

    name = "published"
    lines: ClassVar = {"published": "dice", "published ceiling": "ceiling_dice"}

    def scores(self, infer: Infer, item: dict[str, Any]) -> Iterator[dict[str, float]]:
        """Score the centre crop in each pose."""
        image, label = (
            convert_to_tensor(self.crop(item[key]), track_meta=False, device=item["image"].device)
            for key in ("image", "working_label")
        )
        upright = self._probability(infer, image)
        for pose in self.poses:
            probability = upright if pose.is_upright else self._probability(infer, pose.apply(image, "nearest"))
            posed_label = pose.apply(label, "nearest")
            ceiling = self._compare(pose.apply(upright, "nearest"), posed_label)
            yield {
                **self._compare(probability, posed_label),
                **{f"ceiling_{name}": score for name, score in ceiling.items()},
            }

    def _probability(self, infer: Infer, image: torch.Tensor) -> torch.Tensor:
        return convert_to_tensor(self.activation({"pred": infer(image[None])[0]})["pred"], track_meta=False)

    def _compare(self, probability: torch.Tensor, label: torch.Tensor) -> dict[str, float]:
        dice = compute_dice((probability >= self.threshold)[None], label[None])
        return {"dice": dice.item(), "auc": compute_pixel_roc_auc(probability, label)}


class TurnedBackProtocol(SegmentationRotation):
    """Score the prediction of the rotated image, rotated back, against the original label.

    The whole image is rotated at the working resolution, see :func:`~sre_monai.evaluation.predict_in_pose`; the
    prediction is mapped back to the original grid. The scores are those of
    :func:`~sre_monai.retina.vessel_scores` inside the field of view, and
    ``consistency``, the Dice there between that binary prediction and the upright one.
    """

    name = "turned_back"
    lines: ClassVar = {"turned back": "dice"}

    def scores(self, infer: Infer, item: dict[str, Any]) -> Iterator[dict[str, float]]:
        """Score the whole image in each pose, inside the field of view."""
        upright, label, fov = (
            convert_to_tensor(item[key], track_meta=False, device="cpu") for key in ("pred", "label", "fov")
        )
        for pose in self.poses:
            probability = predict_item_in_pose(infer, item, pose, self.postprocessing, "working_fov")
            inside = vessel_scores(probability, label, fov, self.threshold, whole_image=False)
            posed, reference = ((values >= self.threshold)[fov > 0][None, None] for values in (probability, upright))
            yield inside | {"consistency": compute_dice(posed, reference).item()}


SEGMENTATION_PROTOCOLS: Mapping[str, type[SegmentationRotation]] = {
    protocol.name: protocol for protocol in (PublishedProtocol, TurnedBackProtocol)
}
"""All protocols by name."""


def segmentation_protocols(names: Sequence[str], *args: Any, **kwargs: Any) -> list[SegmentationRotation]:
    """Build protocols by name.

    Args:
        names: of :data:`SEGMENTATION_PROTOCOLS`.
        *args: see :class:`SegmentationRotation`.
        **kwargs: see :class:`SegmentationRotation`.

    Returns:
        The protocols.

    Raises:
        ValueError: when there is no name, one is unknown, or an angle isn't a number.

    Examples:
        >>> [protocol] = segmentation_protocols(["published"], range(0, 360, 10), dict, dict)
        >>> len(protocol.poses)
        40
    """
    if isinstance(names, str) or not names or not set(names) <= set(SEGMENTATION_PROTOCOLS):
        known = ", ".join(SEGMENTATION_PROTOCOLS)
        raise ValueError(f"protocols must be a list of one or more of {known}, got {names!r}.")
    return [SEGMENTATION_PROTOCOLS[name](*args, **kwargs) for name in names]
