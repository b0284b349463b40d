"""How much each measure changes when the photograph is turned and mirrored before it is segmented."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from PIL import Image

from benchmarks.markdown import markdown_table
from benchmarks.measured_folder import MEASURES, read_measures, segment, test_images
from benchmarks.retina_models import Model
from sre_monai.evaluation.pose import Pose, rotations
from sre_monai.io.tables import write_json
from sre_monai.transforms import GridSymmetry

matplotlib.use("Agg")
import matplotlib.pyplot as plt

__all__ = ["draw_changes", "measure_rotated", "rotation_table", "summarize_changes"]

Changes = dict[str, dict[Pose, np.ndarray]]
"""By measure and pose, the change of each photograph in per cent of its upright value."""

FIGURES = {"mean": np.mean, "largest": np.max}


def measure_rotated(model: Model, dataset: Path, output: Path, angles: Iterable[float], count: int | None) -> Changes:
    """Segment and measure photographs in all poses, each from its own file.

    Args:
        model: the network.
        dataset: folder of the prepared DRIVE.
        output: folder of the results.
        angles: in degrees. The photographs are also mirrored, upright and at multiples of 90°.
        count: number of photographs; all by default.

    Returns:
        The changes.
    """
    poses = rotations(angles) + [Pose(90.0 * k, GridSymmetry.mirror(2, [0])) for k in range(4)]
    images = [item["image"] for item in test_images(dataset, count)]
    folder, results = output / "rotated" / "photographs", output / "rotated" / model.name
    folder.mkdir(parents=True, exist_ok=True)
    for image in images:
        for pose in poses:
            _write_posed(image, pose, folder / _file(image, pose))
    photographs = folder / "list.json"
    write_json(photographs, [_file(image, pose) for image in images for pose in poses])
    segment(model, photographs, results)
    measured = read_measures(results / "vessels.csv")

    def changes(name: str, pose: Pose) -> np.ndarray:
        upright, posed = (
            np.array([measured[_file(image, each)][name] for image in images]) for each in (poses[0], pose)
        )
        return 100 * (posed / upright - 1)

    return {name: {pose: changes(name, pose) for pose in poses} for name in MEASURES}


def summarize_changes(label: str, changes: Changes) -> list[dict[str, Any]]:
    """Give the mean and the largest absolute change of each measure, in per cent.

    Args:
        label: of the network.
        changes: of :func:`measure_rotated`.

    Returns:
        A row per measure: at multiples of 90° and mirrored (``exact``), and at the other angles (``other``).
    """
    rows = []
    for name, by_pose in changes.items():
        exact = [np.abs(values) for pose, values in by_pose.items() if pose.is_exact and not pose.is_upright]
        other = [np.abs(values) for pose, values in by_pose.items() if not pose.is_exact]
        rows.append(
            {
                "network": label,
                "measure": name,
                **{f"exact {figure} %": of(exact) for figure, of in FIGURES.items()},
                **{f"other {figure} %": of(other) for figure, of in FIGURES.items() if other},
            }
        )
    return rows


def rotation_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay the rows out in Markdown: mean change, and the largest of a photograph in brackets."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    found = {(row["network"], row["measure"]): row for row in rows}
    kinds = {"exact": "90° turns and mirrored", "other": "other angles"}
    header = ["change in %", *(f"{network}: {title}" for network in networks for title in kinds.values())]
    lines = [
        [
            title,
            *(_cell(found[network, name], kind) for network in networks for kind in kinds),
        ]
        for name, title in MEASURES.items()
    ]
    return markdown_table(header, lines)


def draw_changes(changes: Mapping[str, Changes], path: Path) -> None:
    """Draw the mean absolute change of each measure against the angle.

    Args:
        changes: by network, of :func:`measure_rotated`.
        path: PNG file to write.
    """
    figure, axes = plt.subplots(3, 5, figsize=(13, 6.6), sharex=True, layout="constrained")
    for (name, title), panel in zip(MEASURES.items(), axes.flat):
        for label, measured in changes.items():
            curve = {pose.angle: np.abs(values).mean() for pose, values in measured[name].items() if not pose.mirrored}
            panel.plot([*curve, 360], [*curve.values(), 0], marker="o", ms=2.5, label=label)
        panel.set_title(title, fontsize=9)
        panel.set_xticks(range(0, 361, 90))
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.tick_params(labelsize=8)
    for panel in axes.flat[len(MEASURES) :]:
        panel.axis("off")
    axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), loc="center", fontsize=9)
    figure.supxlabel("rotation of the photograph (°)", fontsize=10)
    figure.supylabel("mean absolute change (%)", fontsize=10)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _cell(row: Mapping[str, Any], kind: str) -> str:
    """Mean and largest change, where there are such poses."""
    figures = [row.get(f"{kind} {figure} %") for figure in FIGURES]
    return "–" if None in figures else "{:.3g} ({:.3g})".format(*figures)


def _write_posed(image: Path, pose: Pose, path: Path) -> None:
    """Write a photograph in a pose, on a canvas on which nothing is cut."""
    if path.exists():
        return
    pixels = torch.from_numpy(np.asarray(Image.open(image).convert("RGB")).T.astype(np.float32))
    posed = pose.apply(pixels, "bicubic", expand=True).round().clamp(0, 255).to(torch.uint8)
    Image.fromarray(posed.numpy().T.copy()).save(path)


def _file(image: Path, pose: Pose) -> str:
    return f"{image.stem}_{pose.angle:03.0f}{'_mirrored' if pose.mirrored else ''}.png"
