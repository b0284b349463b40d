"""Calibrate weights on the training photographs of four cameras, see ``logit_calibration``.

    python -m benchmarks.retina_calibrate --data data --weights output/general/model.pt --output_dir output/calibrate

``--data`` has the prepared DRIVE, STARE, CHASE_DB1 and HRF. Finished evaluations are kept. Writes the calibrated
weights, model.pt, model.json with the record of their training and the calibration, calibration.csv and
calibration.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.logit_calibration import CameraReliability, LogitCalibration
from benchmarks.markdown import write_rows
from benchmarks.retina_measurements import reliability
from benchmarks.retina_models import CAMERAS
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_json
from sre_monai.runs.errors import exit_on_user_error


def store(calibration: LogitCalibration, weights: Path, calibrated: Path) -> None:
    """Store calibrated weights and, beside them, the record of the training with the calibration.

    Args:
        calibration: fitted to the weights.
        weights: before it; a record of their training may be beside them, as ``.json``.
        calibrated: the file to write.
    """
    state = torch.load(weights, map_location="cpu", weights_only=True)
    with written_atomically(calibrated) as unfinished:
        torch.save(calibration.apply(state), unfinished)
    record = weights.with_suffix(".json")
    training = json.loads(record.read_text()) if record.is_file() else {}
    write_json(calibrated.with_suffix(".json"), training | {"calibration": calibration._asdict()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--weights", required=True, type=Path)
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_calibrate"))
    parser.add_argument("--jobs", type=int, default=1, help="evaluations at once")
    options = parser.parse_args()
    data, weights, output = options.data.absolute(), options.weights.absolute(), options.output_dir.absolute()
    runs = {camera: reliability(weights, data / camera, "training", output / camera) for camera in CAMERAS}
    exit_on_user_error(side_by_side, BundleRun.run, list(runs.values()), options.jobs, "camera")

    cameras = {name: CameraReliability.read(run.output) for name, run in runs.items()}
    calibration = LogitCalibration.fit(list(cameras.values()))
    store(calibration, weights, output / "model.pt")
    rows = [
        {"camera": name, "dice": camera.dice_at(0.5), **calibration.columns(camera)} for name, camera in cameras.items()
    ]
    print(write_rows(rows, output / "calibration"))


if __name__ == "__main__":
    main()
