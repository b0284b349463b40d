"""Vessel measures of DRIVE's test photographs: beside the observers' and under rotation; tables and a picture.

    python -m benchmarks measures --data data --angle_step 30

Each photograph is turned and mirrored on a canvas on which nothing is cut, written to a file, and segmented as
``sre-monai segment`` does; an interrupted series resumes. Writes two tables and a picture.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.bundle_runs import BundleRun
from benchmarks.experiments import NETWORKS, RETINA
from benchmarks.pictures import draw_lines
from benchmarks.results import OBSERVER, table_of_means
from benchmarks.series import Row
from sre_monai.evaluation.pose import Pose, rotations
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_table
from sre_monai.retina import measure_vessels
from sre_monai.transforms import GridSymmetry

MEASURES = (
    *("area_density", "length_density_per_px", "segments", "branch_points", "end_points"),
    *("calibre_mean_px", "calibre_median_px", "calibre_sd_px", "tortuosity", "curvature_per_px"),
    *("fractal_d0", "fractal_d1", "fractal_d2", "lacunarity"),
)
"""The measures that are compared."""
CHOICES = {"rows": NETWORKS}

Figures = dict[str, float]
Measured = Mapping[str, Mapping[str, float]]  # by file and name
Changes = Mapping[str, Mapping[Pose, np.ndarray]]


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


def compare_raters(raters: Mapping[str, Sequence[Mapping[str, float]]]) -> tuple[dict[str, Figures], dict[str, str]]:
    """Compare raters with the first one: Pearson's correlation, and the difference of the means in per cent."""
    first, *others = raters
    figures: dict[str, Figures] = {}
    for name in MEASURES:
        values = {rater: np.array([image[name] for image in images]) for rater, images in raters.items()}
        mean = values[first].mean()
        figures[name] = {first: mean}
        for rater in others:
            figures[name][f"{rater} r"] = np.corrcoef(values[first], values[rater])[0, 1]
            figures[name][f"{rater} %"] = 100 * (values[rater].mean() / mean - 1)
    columns = {f"{rater}: r, difference": f"{{{rater} r:.3f}}, {{{rater} %:+.1f}} %" for rater in others}
    return figures, {first: f"{{{first}:.4g}}", **columns}


def changes(measured: Measured, images: Sequence[Path], poses: Iterable[Pose]) -> dict[str, dict[Pose, np.ndarray]]:
    """The absolute change of each photograph's measures in per cent of the upright one, by measure and pose."""

    def values(name: str, pose: Pose) -> np.ndarray:
        return np.array([measured[file_name(image, pose)][name] for image in images])

    def change(name: str, pose: Pose) -> np.ndarray:
        return 100 * np.abs(values(name, pose) / values(name, Pose()) - 1)

    return {name: {pose: change(name, pose) for pose in poses} for name in MEASURES}


def summarize_changes(networks: Mapping[str, Changes]) -> tuple[dict[str, Figures], dict[str, str]]:
    """The mean change in per cent over the photographs and poses, and in brackets the largest."""
    figures: dict[str, Figures] = {name: {} for name in MEASURES}
    columns = {}
    for network, measured in networks.items():
        for kind, exact in (("90° turns and mirrored", True), ("other angles", False)):
            title = f"{network}, {kind}"
            columns[title] = f"{{{title} mean:.3g}} ({{{title} largest:.3g}})"
            for name, values in measured.items():
                found = [v for pose, v in values.items() if pose.is_exact == exact and not pose.is_upright]
                if found:
                    figures[name] |= {f"{title} mean": np.mean(found), f"{title} largest": np.max(found)}
    return figures, columns


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
        masks = [output / name / f"{Path(file_name(image, Pose())).stem}_mask.png" for image in images]
        raters[row.label] = [measure_mask(mask, item["fov"]) for mask, item in zip(masks, items)]
    if all(OBSERVER in item for item in items):
        raters["second observer"] = [measure_mask(item[OBSERVER], item["fov"]) for item in items]
    tables = []
    results = {"agreement": compare_raters(raters), "rotation": summarize_changes(by_network)}
    for name, (figures, columns) in results.items():
        write_table(output / f"{name}.csv", [{"measure": measure, **row} for measure, row in figures.items()])
        tables.append(table_of_means({measure: [row] for measure, row in figures.items()}, columns))
    panels = {
        name: {
            label: {pose.angle: values.mean() for pose, values in measured[name].items() if not pose.mirrored}
            for label, measured in by_network.items()
        }
        for name in MEASURES
    }
    axes = {"xlabel": "rotation of the photograph (°)", "ylabel": "mean absolute change (%)", "ylim": (0, None)}
    draw_lines(panels, output / "rotation.png", 5, xticks=range(0, 361, 90), **axes)
    (output / "table.md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
    return "\n\n".join(tables)
