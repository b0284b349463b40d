"""Measures of DRIVE's test photographs: those of networks and the second observer against the first observer's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.markdown import markdown_table
from benchmarks.measured_folder import MEASURES, segment, test_images
from benchmarks.retina_models import Model
from sre_monai.retina import measure_vessels

__all__ = ["agreement_table", "compare_with_observers"]

OBSERVER = "second observer"
Row = dict[str, Any]


def compare_with_observers(models: Sequence[Model], dataset: Path, output: Path, count: int | None) -> list[Row]:
    """Measure all masks inside the data set's fields of view.

    Args:
        models: networks that segment the photographs.
        dataset: folder of the prepared DRIVE.
        output: folder of the results.
        count: number of photographs; all by default.

    Returns:
        A row per measure: its mean of the first observer's masks, and for each other rater Pearson's correlation with
        it and the mean difference in per cent of that mean.
    """
    images = list(test_images(dataset, count))
    measured = {"first observer": [_measure(item["label"], item["fov"]) for item in images]}
    for model in models:
        results = output / "upright" / model.name
        photographs = output / "upright" / "photographs"
        photographs.mkdir(parents=True, exist_ok=True)
        for item in images:
            if not (link := photographs / item["image"].name).exists():
                link.symlink_to(item["image"].absolute())
        segment(model, photographs, results)
        masks = [results / f"{item['image'].stem}_mask.png" for item in images]
        measured[model.label] = [_measure(mask, item["fov"]) for mask, item in zip(masks, images, strict=True)]
    measured[OBSERVER] = [_measure(item["second_observer"], item["fov"]) for item in images]
    return [_row(name, {rater: [m[name] for m in values] for rater, values in measured.items()}) for name in MEASURES]


def agreement_table(rows: Sequence[Row]) -> str:
    """Lay the rows out in Markdown: correlation and mean difference."""
    raters = [key.removesuffix(" r") for key in rows[0] if key.endswith(" r")]
    header = ["", "first observer", *(f"{rater}: r, difference" for rater in raters)]
    lines = [
        [
            MEASURES[row["measure"]],
            f"{row['first observer']:.4g}",
            *(f"{row[f'{rater} r']:.3f}, {row[f'{rater} difference %']:+.1f} %" for rater in raters),
        ]
        for row in rows
    ]
    return markdown_table(header, lines)


def _measure(mask: Path, fov: Path) -> dict[str, float]:
    vessels, inside = ((np.asarray(Image.open(path).convert("L")) > 0).T for path in (mask, fov))
    return measure_vessels(vessels, inside).values


def _row(name: str, values: dict[str, list[float]]) -> Row:
    first, *others = values
    reference = np.array(values[first])
    row: Row = {"measure": name, first: reference.mean()}
    for rater in others:
        row[f"{rater} r"] = np.corrcoef(reference, values[rater])[0, 1]
        row[f"{rater} difference %"] = 100 * (np.mean(values[rater]) / reference.mean() - 1)
    return row
