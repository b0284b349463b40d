"""The accuracy table of the retina bundle: one row per network, and the rows as Markdown."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.markdown import markdown_table
from benchmarks.retina_models import Model
from sre_monai.evaluation import mean_by_angle, summarize_rotation

__all__ = [
    "as_markdown",
    "evaluation_columns",
    "mean_scores",
    "model_row",
    "observer_row",
    "read_poses",
    "rotation_columns",
]

Row = dict[str, Any]
Poses = list[dict[str, Any]]

SCORES = {
    "dice": "F1",
    "auc": "AUC",
    "mcc": "MCC",
    "cldice": "clDice",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
ELSEWHERE = ("dice", "auc", "cldice")  # of the other sets
TURNED_SCORES = ("dice", "consistency", "ceiling_dice")
OBSERVER = "second_observer"

# titles of the tables' columns, and what is in them
UPRIGHT = {
    "parameters": "{parameters:,}",
    "training, min": "{training_minutes:.0f}",
    **{title: f"{{DRIVE {score}:.4f}}" for score, title in SCORES.items()},
}
SPREAD = "{{{0} mean:.4f}} ± {{{0} std:.4f}}"
WORST = "{{{0} worst:.4f}} ({{{0} worst_angle:.0f}}°)"
TURNED = {
    "turned back: F1 at 0°": "{turned_back dice upright:.4f}",
    "mean ± SD": SPREAD.format("turned_back dice"),
    "worst": WORST.format("turned_back dice"),
    "worst mirrored": "{turned_back dice mirrored:.4f}",
    "consistency": "{turned_back consistency mean:.4f}",
    "published: F1 at 0°": "{published dice upright:.4f}",
    "mean ± SD ": SPREAD.format("published dice"),
    "worst ": WORST.format("published dice"),
    "ceiling: mean": "{published ceiling_dice mean:.4f}",
    "ceiling: worst": "{published ceiling_dice worst:.4f}",
}
NOTHING = "–"


def model_row(
    model: Model, training: Mapping[str, Any], summaries: Mapping[str, Mapping[str, Any]], turned: Mapping[str, Poses]
) -> Row:
    """Collect the results of a network.

    Args:
        model: the network.
        training: the record beside its weights.
        summaries: by data set, what :class:`~sre_monai.retina.ScoreTable` wrote.
        turned: by protocol, the rows that :class:`~sre_monai.retina.SegmentationRotation` gave.

    Returns:
        The row, of numbers by column.
    """
    row: Row = {"model": model.name, "label": model.label}
    row |= {key: training[key] for key in ("parameters", "training_minutes", "device", "threads") if key in training}
    for name, summary in summaries.items():
        row |= evaluation_columns(name, summary, "model")
    for poses in turned.values():
        row |= rotation_columns(poses)
    return row


def observer_row(summaries: Mapping[str, Mapping[str, Any]]) -> Row:
    """Collect the second observer's scores, if there is one.

    Args:
        summaries: by data set, what :class:`~sre_monai.retina.ScoreTable` wrote.

    Returns:
        The row. A mask has no ROC curve, and no area under it.
    """
    row: Row = {"model": OBSERVER, "label": "second observer"}
    for name, summary in summaries.items():
        if OBSERVER in summary["raters"]:
            row |= evaluation_columns(name, summary, OBSERVER)
            del row[f"{name} auc"]
    return row


def evaluation_columns(name: str, summary: Mapping[str, Any], rater: str) -> Row:
    """Mean scores over the images of a data set, inside the field of view.

    Args:
        name: of the set.
        summary: what :class:`~sre_monai.retina.ScoreTable` wrote.
        rater: ``model`` or ``second_observer``.

    Returns:
        The columns ``<name> images`` and ``<name> <score>``.
    """
    scores = mean_scores(summary, SCORES, rater)
    images = summary["raters"][rater]["num_images"]
    return {f"{name} images": images} | {f"{name} {score}": mean for score, mean in scores.items()}


def mean_scores(summary: Mapping[str, Any], scores: Iterable[str], rater: str = "model") -> dict[str, float]:
    """Pick mean scores over the images of a data set.

    Args:
        summary: what :class:`~sre_monai.retina.ScoreTable` wrote.
        scores: their names.
        rater: ``model`` or ``second_observer``.

    Returns:
        The means by name.
    """
    return {score: summary["raters"][rater]["scores"][score]["mean"] for score in scores}


def rotation_columns(poses: Poses) -> Row:
    """Mean, standard deviation and worst case over the angles, and the worst mirror image.

    Args:
        poses: rows of a :class:`~sre_monai.retina.SegmentationRotation`, all of one protocol.

    Returns:
        The columns ``<protocol> <score> <figure>``.
    """
    columns: Row = {}
    mirrored = [row | {"flip": False} for row in poses if row["flip"]]
    for score, figures in summarize_rotation(poses).items():
        if score in TURNED_SCORES:
            figures = figures | {"mirrored": min(mean_by_angle(mirrored, score).values())}
            columns |= {f"{poses[0]['protocol']} {score} {figure}": value for figure, value in figures.items()}
    return columns


def read_poses(path: Path) -> Poses:
    """Read the rows of a :class:`~sre_monai.retina.SegmentationRotation`.

    Args:
        path: its ``per_image.csv``.

    Returns:
        The rows, their scores as numbers.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        return [
            {
                "image": row.pop("image"),
                "protocol": row.pop("protocol"),
                "flip": row.pop("flip") == "True",
                **{key: float(value or "nan") for key, value in row.items()},
            }
            for row in csv.DictReader(stream)
        ]


def as_markdown(rows: Sequence[Row]) -> str:
    """Format the rows for the documentation: DRIVE upright, DRIVE rotated, the other data sets.

    Args:
        rows: of :func:`model_row` and :func:`observer_row`.

    Returns:
        Three tables, each with the rows that have something in it.
    """
    images = {key.removesuffix(" images"): row[key] for row in rows for key in row if key.endswith(" images")}
    elsewhere = {
        f"{name} ({count}): {SCORES[score]}": f"{{{name} {score}:.4f}}"
        for name, count in images.items()
        for score in ELSEWHERE
        if name != "DRIVE"
    }
    return "\n\n".join(filter(None, (_table(rows, columns) for columns in (UPRIGHT, TURNED, elsewhere))))


def _table(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    lines = [[row["label"], *(_cell(row, template) for template in columns.values())] for row in rows]
    lines = [line for line in lines if set(line[1:]) - {NOTHING}]
    return markdown_table(["", *columns], lines) if lines else ""


def _cell(row: Row, template: str) -> str:
    """The numbers of a cell, if the row has them."""
    try:
        text = template.format_map(row)
    except KeyError:
        return NOTHING
    return NOTHING if "nan" in text else text
