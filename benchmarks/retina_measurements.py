"""The measurements of each network: runs of the bundle, each done once for the same weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.bundle_runs import BundleRun
from benchmarks.retina_models import BUNDLE, MODELS, Model

__all__ = ["OVERLAY_ANGLES", "SETS", "evaluations", "overlays", "pending", "reliability", "rotations"]

SETS = {
    "DRIVE": ("DRIVE", "test"),
    "STARE": ("STARE", "all"),
    "STARE's last": ("STARE", "test"),
    "CHASE_DB1": ("CHASE_DB1", "all"),
    "HRF": ("HRF", "all"),
}
"""Evaluations by their name in the table: data set and section."""

OVERLAY_ANGLES = (0, 37, 90)


def evaluations(model: Model, data: Path, output: Path, sets: Iterable[str]) -> list[BundleRun]:
    """Evaluate a network upright on data sets.

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
) -> list[BundleRun]:
    """Evaluate a network on DRIVE rotated and flipped, with each protocol separately.

    Args:
        model: the row, its weights are there.
        data: folder of the prepared sets.
        output: folder of the results, one for each model.
        protocols: names of :data:`~sre_monai.retina.SEGMENTATION_PROTOCOLS`.
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


def reliability(weights: Path, dataset: Path, section: str, output: Path, **settings: Any) -> BundleRun:
    """Evaluate weights of the general recipe on a data set, with the reliability of their probabilities.

    Args:
        weights: their file; it need not exist yet.
        dataset: folder of the prepared set.
        section: ``training``, ``test`` or ``all``.
        output: folder of the results.
        settings: further overrides of the evaluation.

    Returns:
        The measurement.
    """
    settings |= {"dataset_dir": str(dataset), "section": section, "checkpoint": str(weights)}
    settings |= {"write_overlay": False, "write_calibration": True}
    return BundleRun(BUNDLE, [*MODELS["general"].recipe, "evaluate.json"], output, settings)


def overlays(model: Model, data: Path, output: Path) -> BundleRun:
    """Draw a network's errors on the first test photograph of DRIVE, rotated by each of :data:`OVERLAY_ANGLES`.

    Args:
        model: the row, its weights are there.
        data: folder of the prepared sets.
        output: folder of the results, one for each model.

    Returns:
        The measurement.
    """
    settings = {"protocols": ["turned_back"], "angles": [0], "overlay_angles": list(OVERLAY_ANGLES), "limit": 1}
    return _measurement(model, data, "DRIVE", output / model.name / "overlays", ["rotation.json"], **settings)


def pending(measurements: Iterable[BundleRun]) -> list[BundleRun]:
    """Skip finished runs, and begin with the longest: rotated photographs.

    Args:
        measurements: in any order.

    Returns:
        Those to take.
    """
    return sorted(
        (each for each in measurements if not each.is_finished()), key=lambda each: "angles" not in each.settings
    )


def _measurement(model: Model, data: Path, name: str, folder: Path, files: list[str], **settings: Any) -> BundleRun:
    dataset, section = data / SETS[name][0], SETS[name][1]
    settings |= {"dataset_dir": str(dataset), "section": section, "checkpoint": str(model.weights), **model.scale}
    return BundleRun(BUNDLE, [*model.recipe, "evaluate.json", *files], folder, settings)
