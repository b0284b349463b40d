"""Train SRE and standard ResNets with one recipe, evaluate them upright, rotated and flipped, and write one table.

Every run is the bundle ``medmnist_classification``: train.json, then evaluate.json and rotation.json. A network "with
rotations" is trained on images that are flipped and rotated by any angle. An interrupted series resumes: runs that are
finished are kept. Writes runs.csv, table.md and, for each score, its curve by angle, in a folder named by the padding.
With ``--store``, the weights of the first network come into the bundle's models, from the seed with the best validation
area at the end.

    python -m benchmarks.medmnist_table --dataset_dir data/medmnist --output_dir output/medmnist_table
    python -m benchmarks.medmnist_table --dataset_dir data/medmnist --dataset_name shapes3d --overlay volumes.yaml \
        --output_dir output/shapes3d_table
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.markdown import markdown_table
from benchmarks.stored_weights import store
from sre_monai.evaluation import mean_by_angle
from sre_monai.io.tables import align_columns, write_table
from sre_monai.medmnist import CLASSIFICATION_SCORES
from sre_monai.medmnist.rotation_protocols import PADDINGS, TITLES
from sre_monai.networks.nets import CLASSIFIERS
from sre_monai.runs.errors import exit_on_user_error
from sre_monai.visualize import plot_rotation_curve

BUNDLE = Path(__file__).resolve().parents[1] / "bundles" / "medmnist_classification"

ROTATIONS = {"rotation_range": math.pi, "flip_prob": 0.5}
MODELS: dict[str, dict[str, Any]] = {net: {"net": net} for net in CLASSIFIERS}
MODELS |= {f"{net} with rotations": {"net": net, **ROTATIONS} for net in CLASSIFIERS}
"""Entries of the bundle's configuration by the name in the table."""


class Run(NamedTuple):
    """A network to train and evaluate.

    Attributes:
        model: name in the table, one of ``MODELS``.
        seed: of weights and batches.
        folder: of its results.
        overlays: configurations over train.json.
        settings: overrides of the bundle's entries.
        padding: what lies outside a rotated image, one of ``PADDINGS``.
    """

    model: str
    seed: int
    folder: Path
    overlays: Sequence[str]
    settings: dict[str, Any]
    padding: str = PADDINGS[0]

    def measure(self, threads: int | None = None) -> None:
        """Train and evaluate it, unless that is done. Evaluations are in single precision."""
        training = self.training
        training.run(threads)
        settings = {**training.settings, "checkpoint": str(training.output / "model.pt"), "amp": False}
        recipe = [*training.files, "evaluate.json"]
        BundleRun(BUNDLE, recipe, self.folder / "evaluate", settings).run(threads)
        BundleRun(BUNDLE, [*recipe, "rotation.json"], self.rotation, settings | {"padding": self.padding}).run(threads)

    @property
    def training(self) -> BundleRun:
        """Its training."""
        settings = self.settings | MODELS[self.model] | {"seed": self.seed}
        return BundleRun(BUNDLE, ["train.json", *self.overlays], self.folder / "train", settings)

    @property
    def rotation(self) -> Path:
        """Folder of its evaluation under rotation."""
        return self.folder / f"rotation_{self.padding}"

    def row(self) -> dict[str, Any]:
        """What was measured."""
        upright, rotated = (
            json.loads((folder / "summary.json").read_text()) for folder in (self.folder / "evaluate", self.rotation)
        )
        row: dict[str, Any] = {"model": self.model, "seed": self.seed}
        for score in CLASSIFICATION_SCORES:
            row[f"{score} upright"] = upright[score]
            for axis, scores in rotated["rotation"].items():
                about = "" if axis == "image" else f" about {axis}"
                row[f"{score} mean{about}"] = scores[score]["mean"]
                row[f"{score} worst{about}"] = scores[score]["worst"]
            flips = [scores[score] for scores in rotated["flip"].values()]
            row |= {f"{score} flips mean": float(np.mean(flips)), f"{score} flips worst": min(flips)}
        row["probability deviation"] = rotated["probability_deviation"]
        checkpoint = torch.load(self.training.output / "checkpoint.pt", map_location="cpu", weights_only=True)
        row["training minutes"] = checkpoint["seconds"] / 60
        return row

    def validation_auc(self) -> float:
        """AUC on the validation images at the end of the training."""
        with (self.training.output / "training_log.csv").open(newline="") as log:
            return float(list(csv.DictReader(log))[-1]["val_auc"])

    def poses(self) -> list[dict[str, Any]]:
        """The scores in each pose."""
        with (self.rotation / "rotation.csv").open(newline="") as table:
            return [
                {"angle": float(row["angle"]), "flip": row["flip"]}
                | {score: float(row[score]) for score in CLASSIFICATION_SCORES}
                for row in csv.DictReader(table)
            ]


def summarize(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Mean ± standard deviation over the seeds, one column per network."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    table = [["", *(f"{model} ({sum(row['model'] == model for row in rows)} runs)" for model in models)]]
    for name in (column for column in rows[0] if column not in ("model", "seed")):
        cells = []
        for model in models:
            values = np.array([row[name] for row in rows if row["model"] == model], dtype=float)
            if "deviation" in name:
                cells.append(f"{values.max():.1g}")
            else:
                digits = ".0f" if "minutes" in name else ".3f"
                cells.append(f"{values.mean():{digits}} ± {values.std():{digits}}")
        table.append([name, *cells])
    return table


def draw(runs: Sequence[Run], output: Path) -> None:
    """Draw each score by angle, the mean over seeds and axes, a line per network."""
    poses: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        poses.setdefault(run.model, []).extend(run.poses())
    for score in CLASSIFICATION_SCORES:
        curves = {model: mean_by_angle(rows, score) for model, rows in poses.items()}
        plot_rotation_curve(curves, output / f"rotation_{score}.png", ylabel=TITLES.get(score, score))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", required=True, help="folder of the .npz files")
    parser.add_argument("--dataset_name", default="breastmnist")
    parser.add_argument("--output_dir", required=True, type=Path)
    parser.add_argument(
        "--models", nargs="+", choices=MODELS, metavar="MODEL",
        default=["sre_harmonic_resnet18", "sre_resnet18", "resnet18", "resnet18 with rotations"],
        help="names of networks, with or without ' with rotations'",
    )  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--overlay", nargs="*", default=[], help="configurations over train.json, such as volumes.yaml")
    parser.add_argument("--settings", type=json.loads, default={}, help="overrides of the bundle's entries, as JSON")
    parser.add_argument("--net_settings", type=json.loads, default={}, help="for each net its settings, as JSON")
    parser.add_argument("--padding", choices=PADDINGS, default=PADDINGS[0], help="what lies outside a rotated image")
    parser.add_argument("--store", metavar="FILE", help="name of the first network's weights in the bundle's models")
    parser.add_argument("--jobs", type=int, default=1, help="runs at once")
    options = parser.parse_args()
    settings = {"dataset_dir": str(Path(options.dataset_dir).absolute()), "dataset_name": options.dataset_name}
    settings |= options.settings
    net_settings = {net: {"net_settings": chosen} for net, chosen in options.net_settings.items()}
    runs = [
        Run(
            model,
            seed,
            options.output_dir.absolute() / f"{model.replace(' ', '_')}_seed{seed}",
            options.overlay,
            settings | net_settings.get(MODELS[model]["net"], {}),
            options.padding,
        )
        for seed in options.seeds
        for model in options.models
    ]
    exit_on_user_error(side_by_side, Run.measure, runs, options.jobs, "run")

    rows = [run.row() for run in runs]
    results = options.output_dir / options.padding
    write_table(results / "runs.csv", rows)
    header, *lines = summarize(rows)
    (results / "table.md").write_text(markdown_table(header, lines) + "\n", encoding="utf-8")
    print(align_columns([header, *lines]))
    draw(runs, results)
    if options.store:
        first = [run for run in runs if run.model == options.models[0]]
        best = max(first, key=Run.validation_auc)
        store(best.training, BUNDLE / "models" / options.store)


if __name__ == "__main__":
    main()
