"""Leave one camera out: train on three data sets, evaluate on all photographs of the fourth; write one table.

    python -m benchmarks.retina_cameras --data data --output_dir output/retina_cameras --jobs 2

``--data`` has the prepared DRIVE, STARE, CHASE_DB1 and HRF. The recipe is that of the default weights (general.yaml),
for its first cycles. The temperature of a camera is fitted on the other three, each predicted by the network that has
not seen it. An interrupted series resumes: finished runs are kept. Writes cameras.csv, cameras.md and reliability.png.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.markdown import markdown_table
from benchmarks.retina_models import BUNDLE
from sre_monai.errors import exit_on_user_error
from sre_monai.metrics import Reliability
from sre_monai.tables import write_table
from sre_monai.visualize import plot_reliability

__all__ = ["Camera"]

CAMERAS = ("DRIVE", "STARE", "CHASE_DB1", "HRF")
RECIPE = ["train.json", "cycles.yaml", "general.yaml"]
SCORES = ("dice", "auc", "cldice", "sensitivity", "specificity")


class Camera(NamedTuple):
    """A camera that is left out of the training.

    Attributes:
        name: of its data set.
        data: folder of the prepared data sets.
        folder: of the results.
        settings: overrides of the recipe.
    """

    name: str
    data: Path
    folder: Path
    settings: Mapping[str, Any]

    def measure(self, threads: int | None = None) -> None:
        """Train on the other cameras and evaluate on this one, unless that is done."""
        others = [name for name in CAMERAS if name != self.name]
        settings = {**self.settings, "dataset_dir": str(self.data), "datasets": others}
        BundleRun(BUNDLE, RECIPE, self.folder / "train", settings).run(threads)
        weights = str(self.folder / "train" / "model.pt")
        settings = {"dataset_dir": str(self.data / self.name), "section": "all", "checkpoint": weights}
        settings |= {"write_overlay": False, "write_calibration": True}
        BundleRun(BUNDLE, [*RECIPE, "evaluate.json"], self.folder / "evaluate", settings).run(threads)

    @property
    def reliability(self) -> Reliability:
        """The bins of all its pixels."""
        with (self.folder / "evaluate" / "reliability.csv").open(newline="") as table:
            rows = list(csv.DictReader(table))
        columns = ([float(row[name] or "nan") for row in rows] for name in ("pixels", "probability", "frequency"))
        return Reliability(*map(np.array, columns))

    def row(self, others: Sequence[Camera]) -> dict[str, Any]:
        """What was measured; the temperature is the geometric mean of the other cameras'."""
        summary, calibration = (
            json.loads((self.folder / "evaluate" / name).read_text()) for name in ("summary.json", "calibration.json")
        )
        temperature = math.exp(np.mean([math.log(other.reliability.fit_temperature()) for other in others]))
        scores = summary["raters"]["model"]["scores"]
        return {
            "camera": self.name,
            "images": summary["num_images"],
            **{score: scores[score]["mean"] for score in SCORES},
            "best threshold": calibration["best_threshold"],
            "dice at it": calibration["best_dice"],
            "calibration error": calibration["expected_calibration_error"],
            "temperature": temperature,
            "calibration error with it": self.reliability.with_temperature(temperature).expected_error(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_cameras"))
    parser.add_argument("--cycles", type=int, default=3, help="of the recipe's, each twice as long as the one before")
    parser.add_argument("--settings", type=json.loads, default={}, help="overrides of the recipe, as JSON")
    parser.add_argument("--jobs", type=int, default=1, help="cameras at once")
    options = parser.parse_args()
    data, output = options.data.absolute(), options.output_dir.absolute()
    settings = {"max_epochs": f"${2**options.cycles - 1} * @cycle_epochs", **options.settings}
    cameras = [Camera(name, data, output / name, settings) for name in CAMERAS]
    exit_on_user_error(side_by_side, Camera.measure, cameras, options.jobs, "camera")

    rows = [camera.row([other for other in cameras if other is not camera]) for camera in cameras]
    write_table(output / "cameras.csv", rows)
    lines = [[f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    table = markdown_table(list(rows[0]), lines)
    (output / "cameras.md").write_text(table + "\n", encoding="utf-8")
    print(table)
    plot_reliability({camera.name: camera.reliability for camera in cameras}, output / "reliability.png")


if __name__ == "__main__":
    main()
