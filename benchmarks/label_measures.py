"""Measures of labelled arteries and veins: in every orientation, and beside other masks; two tables.

    python -m benchmarks label_measures --data ../shared/data --masks results

The labels of RITE (DRIVE's test photographs) and HRF are measured as they are, turned by 90° and mirrored: the largest
change of any number should be zero. A crossing counts as artery and vein. Where ``--masks`` has ``NAME_artery.png``,
``NAME_vein.png`` and ``NAME_disc.png`` of the photographs, made by a network or a person, the table of agreement has
Pearson's correlation and the difference of the means, with the same disc for both.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.results import table_of_means
from sre_monai.retina import estimate_field_of_view, measure_vessels
from sre_monai.transforms import grid_symmetries

SETS = {"RITE": ("DRIVE/test/images", "DRIVE/test/av"), "HRF": ("HRF/images", "HRF/av")}
CHOICES = {"sets": tuple(SETS)}
ARTERY, VEIN, CROSSING = 1, 2, 3
COMPARED = (
    *("zone_b_crae_px", "zone_b_crve_px", "zone_b_avr", "zone_c_crae_px", "zone_c_crve_px", "zone_c_avr"),
    *(
        f"{structure}_{name}"
        for structure in ("artery", "vein")
        for name in ("area_density", "length_density_per_px", "calibre_mean_px", "tortuosity", "curvature_per_px")
    ),
    *("artery_fractal_d0", "vein_fractal_d0", "bifurcations", "branching_angle_median_deg"),
)
"""The measures in the table of agreement."""
DISC_PART = 1 / 7  # of the field of view's diameter: a stand-in for a disc, in the brightest place

Masks = dict[str, np.ndarray]


def read_labels(label: Path, photograph: Path) -> Masks:
    """Arteries, veins, field of view and a stand-in for the optic disc, each (H, W)."""
    pixels = np.asarray(Image.open(photograph).convert("RGB"))
    classes = np.asarray(Image.open(label))
    fov = estimate_field_of_view(pixels.transpose(2, 1, 0))[0].numpy().T
    diameter = 2 * np.sqrt(fov.sum() / np.pi) * DISC_PART
    step = max(1, round(diameter / 40))
    bright = gaussian_filter(pixels[::step, ::step, 1].astype(float), diameter / 4 / step)
    y, x = (step * place for place in np.unravel_index(bright.argmax(), bright.shape))
    rows, columns = np.ogrid[: fov.shape[0], : fov.shape[1]]
    return {
        "arteries": np.isin(classes, (ARTERY, CROSSING)),
        "veins": np.isin(classes, (VEIN, CROSSING)),
        "disc": (rows - y) ** 2 + (columns - x) ** 2 < (diameter / 2) ** 2,
        "fov": fov,
    }


def largest_change(masks: Masks) -> tuple[int, float]:
    """How many numbers there are, and the largest relative change of any of them in the other seven orientations."""
    upright = measure_vessels(None, **masks, least_zone_share=0.5).values
    largest = 0.0
    for symmetry in grid_symmetries(2)[1:]:
        turned = {name: symmetry.apply(mask) for name, mask in masks.items()}
        values = measure_vessels(None, **turned, least_zone_share=0.5).values
        for name, value in upright.items():
            if np.isnan(value) != np.isnan(values[name]):
                return len(upright), np.inf
            if value != values[name] and not np.isnan(value):
                largest = max(largest, abs(values[name] - value) / abs(value))
    return len(upright), largest


def read_other(folder: Path, name: str, masks: Masks) -> Masks | None:
    """The masks of a photograph in another folder, with the labels' field of view; None where there are none."""
    files = {"arteries": folder / f"{name}_artery.png", "veins": folder / f"{name}_vein.png"}
    if not all(file.is_file() for file in files.values()):
        return None
    disc = folder / f"{name}_disc.png"
    found = {kind: np.asarray(Image.open(file).convert("L")) > 0 for kind, file in files.items()}
    discs = {"disc": np.asarray(Image.open(disc).convert("L")) > 0} if disc.is_file() else {}
    return {**masks, **found, **discs}


def agreement(labelled: Sequence[dict[str, float]], others: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """By measure: Pearson's correlation and the difference of the means in per cent, where both are defined."""
    figures = {}
    for name in COMPARED:
        pairs = np.array([[first[name], second[name]] for first, second in zip(labelled, others, strict=True)])
        first, second = pairs[~np.isnan(pairs).any(axis=1)].T
        if len(first) > 2:
            change = 100 * (second.mean() / first.mean() - 1)
            figures[name] = {"n": len(first), "mean": first.mean(), "r": np.corrcoef(first, second)[0, 1], "%": change}
    return figures


def main(
    data: Path = Path("data"),
    output_dir: Path = Path("output/label_measures"),
    sets: Sequence[str] = tuple(SETS),
    masks: Path | None = None,
    count: int | None = None,
) -> str:
    """Measure the labels of the first photographs of each set, all by default."""
    orientation: dict[str, list[dict[str, float]]] = {}
    pairs: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {}
    for name in sets:
        images, labels = (data / folder for folder in SETS[name])
        orientation[name], pairs[name] = [], []
        for label in sorted(labels.glob("*_av.png"))[:count]:
            stem = label.stem.removesuffix("_av")
            [photograph] = [path for path in images.iterdir() if path.stem == stem]
            found = read_labels(label, photograph)
            numbers, change = largest_change(found)
            orientation[name].append({"photographs": 1, "numbers": numbers, "change": 100 * change})
            other = None if masks is None else read_other(masks, stem, found)
            if other is not None:
                both = [measure_vessels(None, **each).values for each in ({**found, "disc": other["disc"]}, other)]
                pairs[name].append((both[0], both[1]))
    summary = {
        name: [{"photographs": len(rows), "numbers": rows[0]["numbers"], "change": max(row["change"] for row in rows)}]
        for name, rows in orientation.items()
    }
    columns = {"photographs": "{photographs:.0f}", "numbers": "{numbers:.0f}", "largest change in %": "{change:.3g}"}
    tables = [table_of_means(summary, columns)]
    for name, both in ((name, both) for name, both in pairs.items() if both):
        figures = agreement([first for first, _ in both], [second for _, second in both])
        columns = {
            f"{name}: photographs": "{n:.0f}",
            "labels": "{mean:.4g}",
            "r": "{r:.3f}",
            "difference": "{%:+.1f} %",
        }
        tables.append(table_of_means({measure: [values] for measure, values in figures.items()}, columns))
    output_dir.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(tables)
    (output_dir / "table.md").write_text(text + "\n", encoding="utf-8")
    return text
