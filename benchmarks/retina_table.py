"""Evaluate the networks of the retina bundle upright, rotated and on photographs of other cameras; write one table.

    python -m benchmarks.retina_table --data data --output_dir output/retina_table --jobs 4

``--data`` has the prepared DRIVE and, as far as they are there, STARE, CHASE_DB1 and HRF. Every measurement is a run of
the bundle with the weights in it. An interrupted series resumes: what was measured with the same weights, data and
settings is kept. Writes table.csv, table.json, table.md, rotation_curves.png and overlays.png.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.retina_measurements import OVERLAY_ANGLES, SETS, evaluations, overlays, pending, rotations
from benchmarks.retina_models import MODELS, Model
from benchmarks.retina_pictures import draw_overlays
from benchmarks.retina_rows import Poses, Row, as_markdown, model_row, observer_row, read_poses
from sre_monai.evaluation import mean_by_angle
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_json, write_table
from sre_monai.retina import SEGMENTATION_PROTOCOLS
from sre_monai.runs.errors import exit_on_user_error
from sre_monai.visualize import plot_rotation_curve

PROTOCOLS = list(SEGMENTATION_PROTOCOLS)


def measure(models: Sequence[Model], options: argparse.Namespace) -> None:
    """Run the measurements that are missing."""
    where = _places(options)
    needed: list[BundleRun] = []
    for model in models:
        needed += rotations(model, *where, options.protocols, _angles(options))
        needed += evaluations(model, *where, _sets(model, options.data))
        needed += [overlays(model, *where)] if model.name in options.overlay_models else []
    side_by_side(BundleRun.run, pending(needed), options.jobs, "measurement")


def write_rows(output: Path, rows: Sequence[Row], missing: Sequence[str]) -> None:
    """Write table.csv, table.json and table.md, and print table.md."""
    text = as_markdown(rows)
    if missing:
        text += f"\n\nNot measured, there are no weights: {', '.join(missing)}."
    write_table(output / "table.csv", rows)
    write_json(output / "table.json", {"rows": rows, "missing": missing})
    with written_atomically(output / "table.md") as unfinished:
        unfinished.write_text(text.strip() + "\n", encoding="utf-8")
    print(text.strip())


def draw(output: Path, turned: dict[str, dict[str, Poses]], shown: Sequence[Model]) -> None:
    """Draw the curves, by the networks' labels, and the errors of selected networks."""
    measured = {label: poses["turned_back"] for label, poses in turned.items() if "turned_back" in poses}
    if measured:
        curves = {name: mean_by_angle(poses, "dice") for name, poses in measured.items()}
        plot_rotation_curve(curves, output / "rotation_curves.png", ylabel="F1")
    if shown:
        folders = {model.label: output / model.name / "overlays" / "overlays" for model in shown}
        draw_overlays(folders, OVERLAY_ANGLES, output / "overlays.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_table"))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), metavar="MODEL")
    parser.add_argument("--overlay_models", nargs="*", choices=MODELS, default=["drive", "plain_unet"])
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS, help="to measure by")
    parser.add_argument("--angle_step", type=int, default=10, help="in degrees")
    parser.add_argument("--jobs", type=int, default=1, help="measurements taken at once")
    options = parser.parse_args()
    chosen = [MODELS[name] for name in options.models]
    models = [model for model in chosen if model.weights.is_file()]
    exit_on_user_error(measure, models, options)

    output = options.output_dir
    summaries = [
        {name: _json(output / model.name / name / "summary.json") for name in _sets(model, options.data)}
        for model in models
    ]
    turned = {model.label: _turned(model, options) for model in models}
    rows = [
        model_row(model, _json(model.weights.with_suffix(".json")), summary, turned[model.label])
        for model, summary in zip(models, summaries)
    ]
    rows += map(observer_row, summaries[:1])
    write_rows(output, rows, [model.name for model in chosen if model not in models])
    try:
        draw(output, turned, [model for model in models if model.name in options.overlay_models])
    except ImportError as error:
        print(f"there are no pictures: {error}")


def _turned(model: Model, options: argparse.Namespace) -> dict[str, Poses]:
    """Scores in every pose for all protocols measured, in this run or before."""
    runs = rotations(model, *_places(options), PROTOCOLS, _angles(options))
    return {run.output.name: read_poses(run.output / "per_image.csv") for run in runs if run.is_finished()}


def _places(options: argparse.Namespace) -> tuple[Path, Path]:
    return options.data.absolute(), options.output_dir.absolute()


def _angles(options: argparse.Namespace) -> range:
    return range(0, 360, options.angle_step)


def _sets(model: Model, data: Path) -> list[str]:
    """The available data sets that a network is evaluated on."""
    return [name for name in model.sets if name == "DRIVE" or (data / SETS[name][0]).is_dir()]


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


if __name__ == "__main__":
    main()
