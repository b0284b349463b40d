"""Leave one camera out: train on three data sets, evaluate on all photographs of the fourth; write one table.

    python -m benchmarks.retina_cameras --data data --output_dir output/retina_cameras --jobs 2

``--data`` has the prepared DRIVE, STARE, CHASE_DB1 and HRF. The recipe is that of the default weights (general.yaml),
for its first cycles. The calibration of a camera (see ``logit_calibration``) is fitted on the other three, each
predicted by the network that has not seen it. An interrupted series resumes: finished runs are kept. Writes
cameras.csv, cameras.md and reliability.png.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.logit_calibration import CameraReliability, LogitCalibration
from benchmarks.markdown import write_rows
from benchmarks.retina_models import BUNDLE, CAMERAS, MODELS
from sre_monai.errors import exit_on_user_error
from sre_monai.visualize import plot_reliability

__all__ = ["Camera"]

RECIPE = MODELS["general"].recipe
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
    def reliability(self) -> CameraReliability:
        """Of all its photographs."""
        return CameraReliability.read(self.folder / "evaluate")

    def row(self, others: Sequence[Camera]) -> dict[str, Any]:
        """What was measured; the calibration is fitted on the other cameras."""
        summary = json.loads((self.folder / "evaluate" / "summary.json").read_text())
        scores = summary["raters"]["model"]["scores"]
        calibration = LogitCalibration.fit([other.reliability for other in others])
        return {
            "camera": self.name,
            "images": summary["num_images"],
            **{score: scores[score]["mean"] for score in SCORES},
            **calibration.columns(self.reliability),
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
    print(write_rows(rows, output / "cameras"))
    plot_reliability({camera.name: camera.reliability.pixels for camera in cameras}, output / "reliability.png")


if __name__ == "__main__":
    main()
