"""Vessel measures of DRIVE's test photographs: beside the observers' and under rotation; tables and a picture.

    python -m benchmarks measures --data data --angle_step 30

Each photograph is turned and mirrored on a canvas on which nothing is cut, written to a file, and segmented as
``sre-monai segment`` does; an interrupted series resumes. Writes two tables and a picture.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.bundle_runs import BundleRun
from benchmarks.experiments import NETWORKS, RETINA
from benchmarks.pictures import draw_lines
from benchmarks.series import Row
from benchmarks.tables import markdown_table
from sre_monai.evaluation.pose import Pose, rotations
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_table
from sre_monai.retina import measure_vessels
from sre_monai.transforms import GridSymmetry

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
CHOICES = {"rows": NETWORKS}
UPRIGHT = Pose()

Measured = Mapping[str, Mapping[str, float]]
"""Measures by name, by file."""


def segment(row: Row, photographs: Path, output: Path) -> Measured:
    """Segment and measure a folder of photographs with the weights of a row, unless done; NaN where undefined."""
    recipe = BundleRun(RETINA, ["train.json", *row.recipe], output, row.settings).configure()
    settings = {name: recipe[name] for name in ("net", "network_def", "working_diameter")}
    settings |= {"dataset_dir": str(photographs), "output_dir": str(output), "write_overlay": False, "measures": True}
    settings["checkpoint"] = str(RETINA / "models" / str(row.weights))
    BundleRun(RETINA, ["inference.json"], output, settings).configure().get_parsed_content("evaluator").run()
    with (output / "vessels.csv").open(encoding="utf-8", newline="") as table:
        return {row["file"]: {name: float(row[name] or "nan") for name in MEASURES} for row in csv.DictReader(table)}


def file_name(image: Path, pose: Pose) -> str:
    """Name of a photograph in a pose."""
    return f"{image.stem}_{pose.angle:03.0f}{'_mirrored' if pose.mirrored else ''}.png"


def write_posed(images: Iterable[Path], poses: Iterable[Pose], folder: Path) -> None:
    """Write photographs in all poses."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, image, pose in ((folder / file_name(image, pose), image, pose) for image in images for pose in poses):
        if not path.exists():
            pixels = torch.from_numpy(np.asarray(Image.open(image).convert("RGB")).T.astype(np.float32))
            posed = pose.apply(pixels, "bicubic", expand=True).round().clamp(0, 255).to(torch.uint8)
            with written_atomically(path) as unfinished:
                Image.fromarray(posed.numpy().T.copy()).save(unfinished, "PNG")


def measure_mask(mask: Path, fov: Path) -> dict[str, float]:
    """Measure a mask inside the data set's field of view."""
    vessels, inside = (np.asarray(Image.open(path).convert("L")) > 0 for path in (mask, fov))
    return measure_vessels(vessels, inside).values


def agreement_table(raters: Mapping[str, Sequence[Mapping[str, float]]], path: Path) -> str:
    """Compare raters with the first one: Pearson's correlation, and the difference of the means in per cent."""
    first, *others = raters
    rows, lines = [], []
    for name, title in MEASURES.items():
        values = {rater: np.array([image[name] for image in images]) for rater, images in raters.items()}
        mean = values[first].mean()
        row = {"measure": name, first: mean}
        for rater in others:
            row[f"{rater} r"] = np.corrcoef(values[first], values[rater])[0, 1]
            row[f"{rater} difference %"] = 100 * (values[rater].mean() / mean - 1)
        rows.append(row)
        cells = (f"{row[f'{rater} r']:.3f}, {row[f'{rater} difference %']:+.1f} %" for rater in others)
        lines.append([title, f"{mean:.4g}", *cells])
    write_table(path, rows)
    return markdown_table(["", first, *(f"{rater}: r, difference" for rater in others)], lines)


def changes(measured: Measured, images: Sequence[Path], poses: Iterable[Pose]) -> dict[str, dict[Pose, np.ndarray]]:
    """The absolute change of each photograph's measures in per cent of the upright one, by measure and pose."""

    def values(name: str, pose: Pose) -> np.ndarray:
        return np.array([measured[file_name(image, pose)][name] for image in images])

    return {
        name: {pose: 100 * np.abs(values(name, pose) / values(name, UPRIGHT) - 1) for pose in poses}
        for name in MEASURES
    }


def rotation_table(by_network: Mapping[str, Mapping[str, Mapping[Pose, np.ndarray]]], path: Path) -> str:
    """Lay out the mean changes and, in brackets, the largest of a photograph."""
    kinds = {"90° turns and mirrored": True, "other angles": False}
    rows: list[dict[str, Any]] = []
    lines = []
    for name, title in MEASURES.items():
        cells = []
        for network, measured in by_network.items():
            row: dict[str, Any] = {"network": network, "measure": name}
            for kind, exact in kinds.items():
                found = [v for pose, v in measured[name].items() if pose.is_exact == exact and not pose.is_upright]
                row |= {f"{kind}, mean %": np.mean(found), f"{kind}, largest %": np.max(found)} if found else {}
                cells.append(f"{np.mean(found):.3g} ({np.max(found):.3g})" if found else "–")
            rows.append(row)
        lines.append([title, *cells])
    write_table(path, rows)
    return markdown_table(["change in %", *(f"{network}: {kind}" for network in by_network for kind in kinds)], lines)


def main(
    data: Path = Path("data"),
    output_dir: Path = Path("output/measures"),
    rows: Sequence[str] = ("drive", "plain_unet"),
    angle_step: int = 10,
    count: int | None = None,
) -> str:
    """Measure the first photographs, all by default, at angles in degrees."""
    folder, output = data.absolute() / "DRIVE", output_dir.absolute()
    items = json.loads((folder / "datalist.json").read_text(encoding="utf-8"))["test"][:count]
    items = [{key: folder / value for key, value in item.items()} for item in items]
    images = [item["image"] for item in items]
    poses = rotations(range(0, 360, angle_step))
    poses += [Pose(90.0 * k, GridSymmetry.mirror(2, [0])) for k in range(4)]
    write_posed(images, poses, output / "photographs")
    raters = {"first observer": [measure_mask(item["label"], item["fov"]) for item in items]}
    by_network = {}
    for name, row in ((name, NETWORKS[name]) for name in rows):
        by_network[row.label] = changes(segment(row, output / "photographs", output / name), images, poses)
        masks = [output / name / f"{Path(file_name(image, UPRIGHT)).stem}_mask.png" for image in images]
        raters[row.label] = [measure_mask(mask, item["fov"]) for mask, item in zip(masks, items)]
    raters["second observer"] = [measure_mask(item["second_observer"], item["fov"]) for item in items]
    text = agreement_table(raters, output / "agreement.csv")
    text += "\n\n" + rotation_table(by_network, output / "rotation.csv")
    panels = {
        title: {
            label: {pose.angle: values.mean() for pose, values in measured[name].items() if not pose.mirrored}
            for label, measured in by_network.items()
        }
        for name, title in MEASURES.items()
    }
    axes = {"xlabel": "rotation of the photograph (°)", "ylabel": "mean absolute change (%)"}
    draw_lines(panels, output / "rotation.png", 5, xticks=range(0, 361, 90), **axes)
    (output / "table.md").write_text(text + "\n", encoding="utf-8")
    return text
