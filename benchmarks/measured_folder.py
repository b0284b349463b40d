"""Segment and measure a folder of photographs with a network of the comparison."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bundle_runs import BundleRun
from benchmarks.retina_models import BUNDLE, Model

__all__ = ["MEASURES", "read_measures", "segment", "test_images"]

MEASURES = {
    "area_density": "area density",
    "length_density_per_px": "length density",
    "segments": "segments",
    "branch_points": "branch points",
    "end_points": "end points",
    "calibre_mean_px": "calibre, mean",
    "calibre_median_px": "calibre, median",
    "calibre_sd_px": "calibre, SD",
    "tortuosity": "tortuosity",
    "curvature_per_px": "curvature",
    "fractal_d0": "D0",
    "fractal_d1": "D1",
    "fractal_d2": "D2",
    "lacunarity": "lacunarity",
}
"""The measures that are compared, and their names in tables and pictures."""


def segment(model: Model, photographs: Path, output: Path) -> None:
    """Run inference on a folder, with measures; what is done already is kept.

    Args:
        model: the network.
        photographs: the folder.
        output: folder of the results.
    """
    recipe = BundleRun(BUNDLE, model.recipe, output, model.scale).configure()
    settings = {name: recipe[name] for name in ("net", "network_def", "working_diameter")}
    settings |= {"dataset_dir": str(photographs), "output_dir": str(output), "checkpoint": str(model.weights)}
    settings |= {"write_overlay": False, "measures": True}
    BundleRun(BUNDLE, ["inference.json"], output, settings).configure().get_parsed_content("evaluator").run()


def read_measures(table: Path) -> dict[str, dict[str, float]]:
    """Read a ``vessels.csv``.

    Args:
        table: the file.

    Returns:
        For each photograph's file, its measures by name; NaN where a cell is empty.
    """
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {row["file"]: {name: float(row[name] or "nan") for name in MEASURES} for row in rows}


def test_images(dataset: Path, count: int | None) -> Iterator[dict[str, Path]]:
    """List the test photographs of a prepared data set.

    Args:
        dataset: its folder.
        count: how many; all by default.

    Yields:
        Paths by ``image``, ``label``, ``fov`` and so on.
    """
    for item in json.loads((dataset / "datalist.json").read_text(encoding="utf-8"))["test"][:count]:
        yield {key: dataset / value for key, value in item.items()}
