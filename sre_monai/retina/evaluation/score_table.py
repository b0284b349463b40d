"""Scores of every segmented image and their summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from ignite.engine import Engine
from monai.utils import convert_to_tensor

from sre_monai.evaluation import summarize_scores
from sre_monai.evaluation.evaluated_items import evaluated_items, image_path
from sre_monai.evaluation.protocol import EvaluationProtocol
from sre_monai.io.tables import align_columns
from sre_monai.metrics import DEFAULT_THRESHOLD, PixelROCAUCMetric
from sre_monai.retina import vessel_scores

IGNORE_INDEX = 255


class ScoreTable(EvaluationProtocol):
    """Score vessel segmentations.

    ``per_image.csv`` has a row for each image and rater: the columns ``image``, ``rater`` (``model``, or
    ``second_observer``, who is scored like a model against the first observer), then the scores of
    :func:`~sre_monai.retina.vessel_scores` inside the field of view, then those of the whole image.

    ``summary.json`` has ``num_images`` and, under ``raters``, for each rater its number of images ``num_images``,
    ``pooled_auc`` (one ROC curve over the pixels inside the field of view of all images) and ``scores``: for each score
    the mean, population standard deviation, minimum and maximum over the images. A second observer's AUC is that of a
    single point of the ROC curve.

    Items are scored on the label's own grid. They need ``image`` (with the file's name in its metadata), ``pred``
    (vessel probability, 0–1), ``label`` and ``fov``, and may have ``second_observer``; all but the image are (1, W, H).

    Args:
        threshold: pixels at or above are vessels.
    """

    def __init__(self, threshold: float = DEFAULT_THRESHOLD) -> None:
        self.threshold = threshold

    def reset(self) -> None:
        """Discard the results of an earlier run."""
        super().reset()
        self.pooled: dict[str, PixelROCAUCMetric] = {}

    def collect(self, engine: Engine) -> Iterator[None]:
        """Add a row for each image and rater."""
        for item in evaluated_items(engine):
            for rater, key in (("model", "pred"), ("second_observer", "second_observer")):
                if key in item:
                    self._add(image_path(item).name, rater, item[key], item["label"], item["fov"])
        yield

    def summarize(self) -> dict[str, Any]:
        """Summarise the scores of each rater."""
        num_images = len({row["image"] for row in self._rows})
        return {"num_images": num_images, "raters": {rater: self._summarize(rater) for rater in self.pooled}}

    def describe(self, summary: Mapping[str, Any]) -> str:
        """Format the means and standard deviations as a table."""
        raters = summary["raters"]
        rows = [["", *raters]]
        for name in next(iter(raters.values()))["scores"]:
            summaries = [rater["scores"][name] for rater in raters.values()]
            rows.append([name, *(f"{summary['mean']:.4f} ± {summary['std']:.4f}" for summary in summaries)])
        rows.append(["pooled_auc", *(f"{rater['pooled_auc']:.4f}" for rater in raters.values())])
        return (
            f"mean ± standard deviation over {summary['num_images']} images, "
            f"inside the field of view unless named whole_image\n{align_columns(rows)}"
        )

    def _add(self, image: str, rater: str, *maps: torch.Tensor) -> None:
        """Score one map (1, W, H) against its label inside its field of view."""
        probability, label, fov = (convert_to_tensor(values, track_meta=False, device="cpu") for values in maps)
        scores = vessel_scores(probability, label, fov, self.threshold)
        self._rows.append({"image": image, "rater": rater, **scores})
        pooled = self.pooled.setdefault(rater, PixelROCAUCMetric(ignore_index=IGNORE_INDEX))
        pooled(y_pred=probability[None], y=torch.where(fov > 0, label, IGNORE_INDEX)[None])

    def _summarize(self, rater: str) -> dict[str, Any]:
        """Summarise the scores of one rater."""
        scores = [
            {name: score for name, score in row.items() if name not in ("image", "rater")}
            for row in self._rows
            if row["rater"] == rater
        ]
        pooled_auc = self.pooled[rater].aggregate().item()
        return {"num_images": len(scores), "pooled_auc": pooled_auc, "scores": summarize_scores(scores)}
