"""Leave one camera out: train on all photographs of three data sets, evaluate on those of the fourth; write one table.

    python -m benchmarks.retina_cameras --data data --output_dir output/retina_cameras --jobs 2

``--data`` has the prepared DRIVE, STARE, CHASE_DB1 and HRF. The recipe is that of the default weights (general.yaml),
for its first cycles. With ``--pixels_per_degree``, the camera that is left out is evaluated at a working diameter in
proportion to the angle of its field of view. The calibration of a camera (see ``logit_calibration``) is fitted on the
other three, each predicted by the network that has not seen it. An interrupted series resumes: finished runs are kept.
Writes cameras.csv, cameras.md and reliability.png; by angle, all evaluations go into the folder ``by_angle``.
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
from benchmarks.retina_measurements import reliability
from benchmarks.retina_models import BUNDLE, CAMERAS, DEGREES, MODELS
from benchmarks.retina_rows import mean_scores
from sre_monai.runs.errors import exit_on_user_error
from sre_monai.visualize import plot_reliability

__all__ = ["Camera"]

SCORES = ("dice", "auc", "cldice", "sensitivity", "specificity")


class Camera(NamedTuple):
    """A camera that is left out of the training.

    Attributes:
        name: of its data set.
        data: folder of the prepared data sets.
        training: folder of the training.
        evaluation: folder of the evaluation.
        settings: overrides of the recipe.
        pixels_per_degree: of its photographs at the working resolution; by default all have the recipe's diameter.
    """

    name: str
    data: Path
    training: Path
    evaluation: Path
    settings: Mapping[str, Any]
    pixels_per_degree: float | None = None

    def measure(self, threads: int | None = None) -> None:
        """Train on the other cameras and evaluate on this one, unless that is done."""
        others = [name for name in CAMERAS if name != self.name]
        settings = {"section": "all", **self.settings, "dataset_dir": str(self.data), "datasets": others}
        BundleRun(BUNDLE, MODELS["general"].recipe, self.training, settings).run(threads)
        weights = self.training / "model.pt"
        scale = {"working_diameter": self.pixels_per_degree * DEGREES[self.name]} if self.pixels_per_degree else {}
        reliability(weights, self.data / self.name, "all", self.evaluation, **scale).run(threads)


def rows(cameras: Sequence[Camera], reliabilities: Mapping[str, CameraReliability]) -> list[dict[str, Any]]:
    """Collect the results.

    Args:
        cameras: all of them, measured.
        reliabilities: by their names. The calibration of each is fitted on the others.

    Returns:
        A row for each camera.
    """
    table = []
    for camera in cameras:
        summary = json.loads((camera.evaluation / "summary.json").read_text())
        calibration = LogitCalibration.fit([found for name, found in reliabilities.items() if name != camera.name])
        row = {"camera": camera.name, "images": summary["num_images"], **mean_scores(summary, SCORES)}
        table.append(row | calibration.columns(reliabilities[camera.name]))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_cameras"))
    parser.add_argument("--cycles", type=int, default=3, help="of the recipe's, each twice as long as the one before")
    parser.add_argument("--settings", type=json.loads, default={}, help="overrides of the recipe, as JSON")
    parser.add_argument("--pixels_per_degree", type=float, help="working resolution by angle, such as 20")
    parser.add_argument("--jobs", type=int, default=1, help="cameras at once")
    options = parser.parse_args()
    data, output = options.data.absolute(), options.output_dir.absolute()
    settings = {"max_epochs": f"${2**options.cycles - 1} * @cycle_epochs", **options.settings}
    results = output / "by_angle" if options.pixels_per_degree else output
    cameras = [
        Camera(name, data, output / name / "train", results / name / "evaluate", settings, options.pixels_per_degree)
        for name in CAMERAS
    ]
    exit_on_user_error(side_by_side, Camera.measure, cameras, options.jobs, "camera")

    reliabilities = {camera.name: CameraReliability.read(camera.evaluation) for camera in cameras}
    print(write_rows(rows(cameras, reliabilities), results / "cameras"))
    plot_reliability({name: found.pixels for name, found in reliabilities.items()}, results / "reliability.png")


if __name__ == "__main__":
    main()
