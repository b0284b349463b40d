"""What is measured of each network: runs of the bundle, done once for the same weights."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.bundle_runs import run_bundle
from benchmarks.retina_models import BUNDLE, Model
from sre_monai.data import load_datalist
from sre_monai.evaluation import weights_record

__all__ = ["OVERLAY_ANGLES", "SETS", "Measurement", "evaluations", "overlays", "pending", "rotations"]

SETS = {
    "DRIVE": ("DRIVE", "test"),
    "STARE": ("STARE", "all"),
    "STARE's last": ("STARE", "test"),
    "CHASE_DB1": ("CHASE_DB1", "all"),
    "HRF": ("HRF", "all"),
}
"""What is evaluated, by its name in the table: data set and section."""

OVERLAY_ANGLES = (0, 37, 90)


class Measurement(NamedTuple):
    """A run of the bundle.

    Attributes:
        folder: of its results.
        files: configurations.
        settings: overrides of their entries.
        expected: what the summary says once it is done.
    """

    folder: Path
    files: list[str]
    settings: dict[str, Any]
    expected: dict[str, Any]

    def is_done(self) -> bool:
        """Tell whether there is a summary of the same weights, images and angles."""
        summary = self.folder / "summary.json"
        found = json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else {}
        return all(found.get(key) == value for key, value in self.expected.items())

    def measure(self, threads: int) -> None:
        """Take it.

        Args:
            threads: of the run.
        """
        run_bundle(BUNDLE, self.files, self.folder, self.settings, threads)


def evaluations(model: Model, data: Path, output: Path, sets: Iterable[str]) -> list[Measurement]:
    """Score a network upright on data sets.

    Args:
        model: the row, its weights are there.
        data: folder of the prepared sets.
        output: folder of the results, one for each model.
        sets: names of :data:`SETS`.

    Returns:
        A measurement for each.
    """
    return [_measurement(model, data, name, output / model.name / name, [], write_overlay=False) for name in sets]


def rotations(
    model: Model, data: Path, output: Path, protocols: Iterable[str], angles: Iterable[float]
) -> list[Measurement]:
    """Score a network on DRIVE turned and mirrored, each protocol by itself.

    Args:
        model: the row, its weights are there.
        data: folder of the prepared sets.
        output: folder of the results, one for each model.
        protocols: names of :data:`~sre_monai.evaluation.SEGMENTATION_PROTOCOLS`.
        angles: in degrees.

    Returns:
        A measurement for each.
    """
    return [
        _measurement(
            model,
            data,
            "DRIVE",
            output / model.name / protocol,
            ["rotation.json"],
            protocols=[protocol],
            angles=list(angles),
        )
        for protocol in protocols
    ]


def overlays(model: Model, data: Path, output: Path) -> Measurement:
    """Draw a network's errors on the first test photograph of DRIVE, turned by each of :data:`OVERLAY_ANGLES`.

    Args:
        model: the row, its weights are there.
        data: folder of the prepared sets.
        output: folder of the results, one for each model.

    Returns:
        The measurement.
    """
    settings = {"protocols": ["turned_back"], "angles": [0], "overlay_angles": list(OVERLAY_ANGLES), "limit": 1}
    return _measurement(model, data, "DRIVE", output / model.name / "overlays", ["rotation.json"], **settings)


def pending(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Leave out what is done, and begin with what takes longest: turned photographs.

    Args:
        measurements: in any order.

    Returns:
        Those to take.
    """
    return sorted((each for each in measurements if not each.is_done()), key=lambda each: "angles" not in each.settings)


def _measurement(model: Model, data: Path, name: str, folder: Path, files: list[str], **settings: Any) -> Measurement:
    dataset, section = data / SETS[name][0], SETS[name][1]
    expected = {
        "checkpoint_sha256": weights_record(model.weights)["checkpoint_sha256"],
        "num_images": len(load_datalist(dataset, section)[: settings.get("limit")]),
        **{key: value for key, value in settings.items() if key == "angles"},
    }
    settings |= {"dataset_dir": str(dataset), "section": section, "checkpoint": str(model.weights)}
    return Measurement(folder, [*model.recipe, "evaluate.json", *files], settings, expected)
