"""Train networks with several budgets and draw F1 against the number of pixels seen.

    python -m benchmarks.retina_progress --data data --models drive plain_unet_small_longer --epochs 450 3600 --jobs 2

Each point is a training run of its own, one cosine cycle of ``--epochs``, whose weights are scored on DRIVE's test
photographs, upright. An interrupted series resumes: finished runs are kept. Writes progress.csv, progress.md and
progress.png.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.markdown import write_rows
from benchmarks.retina_measurements import evaluations
from benchmarks.retina_models import MODELS, Model
from benchmarks.retina_rows import mean_scores
from benchmarks.retina_train import training_run
from sre_monai.runs.errors import exit_on_user_error

SCORES = ("dice", "auc", "cldice")
LWNET = 0.8278
"""F1 of lwnet (https://arxiv.org/abs/2009.01907): its published weights and threshold, mean of four flips."""
CYCLES = [name for name, model in MODELS.items() if "cycles.yaml" in model.overlays]


class Budget(NamedTuple):
    """A network trained for a number of epochs.

    Attributes:
        model: the row of the accuracy table.
        epochs: of the only cosine cycle.
        data: folder of the prepared data sets.
        output: folder of all results.
        settings: further overrides of the recipe.
    """

    model: Model
    epochs: int
    data: Path
    output: Path
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Folder of its results."""
        return f"{self.model.name}_{self.epochs}"

    @property
    def training(self) -> BundleRun:
        """Its training."""
        settings = {**self.settings, "cycle_epochs": self.epochs, "max_epochs": self.epochs}
        return training_run(self.model, self.data, self.output / self.name / "train", settings)

    @property
    def evaluation(self) -> BundleRun:
        """Its scores on DRIVE's test photographs."""
        model = self.model._replace(name=self.name, file=str(self.training.output / "model.pt"))
        return evaluations(model, self.data, self.output, ["DRIVE"])[0]

    def measure(self, threads: int | None = None) -> None:
        """Train and evaluate, unless that is done."""
        self.training.run(threads)
        self.evaluation.run(threads)

    def row(self) -> dict[str, Any]:
        """What was measured."""
        summary = json.loads((self.evaluation.output / "summary.json").read_text())
        row = {"model": self.model.label, "epochs": self.epochs, "billion pixels": self._pixels() / 1e9}
        return row | mean_scores(summary, SCORES)

    def _pixels(self) -> float:
        """Mean number of pixels seen: each edge of the crops is cut by 0 to ``max_trim`` pixels."""
        parser = self.training.configure()
        checkpoint = torch.load(self.training.output / "checkpoint.pt", map_location="cpu", weights_only=True)
        crop, trim = parser["crop_size"], parser["train#trainer#prepare_batch#max_trim"]
        crops = checkpoint["trainer"]["iteration"] * parser["images_per_batch"] * parser["crops_per_image"]
        return crops * (crop - trim / 2) ** 2


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw F1 by the number of pixels, a line for each model.

    Args:
        rows: of :meth:`Budget.row`.
        path: the PNG file.
    """
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for model in dict.fromkeys(row["model"] for row in rows):
        points = [(row["billion pixels"], row["dice"]) for row in rows if row["model"] == model]
        axes.plot(*zip(*points), marker="o", label=model)
    axes.axhline(LWNET, color="#555555", linestyle="--", label="lwnet, 4.2 billion pixels, at its own threshold")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("pixels seen in training, billions")
    axes.set_ylabel("F1 on DRIVE's test photographs")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--models", required=True, nargs="+", choices=CYCLES, metavar="MODEL", help=", ".join(CYCLES))
    parser.add_argument("--epochs", required=True, nargs="+", type=int, help="budgets, a training run for each")
    parser.add_argument("--settings", type=json.loads, default={}, help="overrides of the recipes, as JSON")
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_progress"))
    parser.add_argument("--jobs", type=int, default=1, help="training runs at once")
    options = parser.parse_args()
    data, output = options.data.absolute(), options.output_dir.absolute()
    budgets = [
        Budget(MODELS[name], epochs, data, output, options.settings)
        for name in options.models
        for epochs in sorted(options.epochs)
    ]
    exit_on_user_error(side_by_side, Budget.measure, budgets, options.jobs, "training run")
    rows = [budget.row() for budget in budgets]
    print(write_rows(rows, output / "progress"))
    draw(rows, output / "progress.png")


if __name__ == "__main__":
    main()
