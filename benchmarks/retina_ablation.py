"""Ablation of the retina bundle's recipes: short training runs, each with one change.

    python -m benchmarks.retina_ablation --data data --output_dir output/retina_ablation --jobs 2
    python -m benchmarks.retina_ablation --data data --output_dir output/drive_ablation --recipe drive --epochs 220

``--recipe drive`` is that of ``drive.pt``, in a single cosine cycle. Each training sees 16 of DRIVE's training images
and is measured on the other 4; test images have no say in the recipe. An interrupted series resumes: finished runs are
kept. The table has all runs in the output folder with the same data, epochs and recipe, so that more seeds or changes
can be added. Differences below the spread between seeds mean little.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.markdown import markdown_table
from benchmarks.retina_changes import RECIPE, RECIPES
from benchmarks.retina_models import BUNDLE
from sre_monai.io.files import written_atomically
from sre_monai.runs.errors import exit_on_user_error

HELD_BACK = {
    "section": "training",
    "datalist": "$load_datalist(@dataset_dir, @section)[-@validation_count:]",
    "write_overlay": False,
}
SUMMARY = "evaluate/summary.json"
SCORES = ("dice", "auc", "cldice")


class Run(NamedTuple):
    """A training run with one change to the recipe, and its evaluation.

    Attributes:
        recipe: one of ``RECIPES``.
        change: name of the change.
        seed: of the training.
        data: folder with the prepared ``DRIVE``.
        epochs: of the training.
    """

    recipe: str
    change: str
    seed: int
    data: Path
    epochs: int

    def folder(self, output: Path) -> Path:
        """Folder of its files."""
        return output / f"{file_name(self.change)}_seed{self.seed}"

    def steps(self, output: Path) -> tuple[BundleRun, BundleRun]:
        """Return the training run and its evaluation on the held-out images."""
        folder, recipe = self.folder(output), RECIPES[self.recipe]
        settings = {"dataset_dir": str(self.data / "DRIVE"), "seed": self.seed, "max_epochs": self.epochs}
        settings |= {"val_interval": self.epochs, **recipe.settings, **recipe.changes[self.change]}
        training = BundleRun(BUNDLE, recipe.configs, folder, settings)
        settings = settings | HELD_BACK | {"checkpoint": str(folder / "model.pt")}
        return training, BundleRun(BUNDLE, [*recipe.configs, "evaluate.json"], (folder / SUMMARY).parent, settings)


def file_name(change: str) -> str:
    """Return the name of a change, without characters not allowed in file names."""
    return "".join(letter if letter.isalnum() else "_" for letter in change)


def measure(run: Run, threads: int, output: Path) -> None:
    """Train and evaluate on the held-out images, unless finished.

    Args:
        run: what to train.
        threads: of the training.
        output: folder of all runs.
    """
    for step in run.steps(output):
        step.run(threads)


def finished(output: Path, recipe: str, data: Path, epochs: int) -> list[Run]:
    """Find the finished runs, including those of earlier commands.

    Args:
        output: folder of all runs.
        recipe: one of ``RECIPES``.
        data: folder with the prepared ``DRIVE``.
        epochs: of the training.

    Returns:
        The runs on these data, for as many epochs.
    """
    changes = {file_name(change): change for change in RECIPES[recipe].changes}
    names = (path.parents[1].name.rpartition("_seed") for path in sorted(output.glob(f"*/{SUMMARY}")))
    runs = [Run(recipe, changes[change], int(seed), data, epochs) for change, _, seed in names if change in changes]
    return [run for run in runs if all(step.is_finished() for step in run.steps(output))]


def scores(folder: Path) -> list[float]:
    """Read a run's scores and training time in minutes."""
    means = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["raters"]["model"]["scores"]
    checkpoint = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    return [*(means[score]["mean"] for score in SCORES), checkpoint["seconds"] / 60]


def summarize(runs: list[Run], output: Path) -> list[list[str]]:
    """Compute means over the seeds and the difference in Dice from the recipe, best first.

    Args:
        runs: done; without the recipe's there are no differences.
        output: folder of all runs.

    Returns:
        Cells, a line for each change.
    """
    values: dict[str, list[list[float]]] = {}
    for run in runs:
        values.setdefault(run.change, []).append(scores(run.folder(output)))
    means = {change: np.mean(rows, axis=0) for change, rows in values.items()}
    lines = []
    for change, (dice, *others, minutes) in sorted(means.items(), key=lambda item: -item[1][0]):
        seeds = len(values[change])
        spread = f" ± {np.std(values[change], axis=0)[0]:.4f}" if seeds > 1 else ""
        difference = f"{dice - means[RECIPE][0]:+.4f}" if RECIPE in means else "–"
        lines.append([change, str(seeds), f"{dice:.4f}{spread}", difference])
        lines[-1] += [*(f"{score:.4f}" for score in others), f"{minutes:.0f}"]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_ablation"))
    parser.add_argument("--recipe", choices=RECIPES, default="bundle")
    parser.add_argument("--changes", nargs="+", metavar="CHANGE", help="all without it")
    parser.add_argument("--epochs", type=int, default=150, help="of four steps each")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="training runs at once")
    options = parser.parse_args()
    recipe, known = options.recipe, list(RECIPES[options.recipe].changes)
    if unknown := [change for change in options.changes or [] if change not in known]:
        parser.error(f"argument --changes: {unknown[0]!r} is not a change of this recipe: {', '.join(known)}")
    output, series = options.output_dir.absolute(), (options.data.absolute(), options.epochs)
    runs = [Run(recipe, change, seed, *series) for seed in options.seeds for change in options.changes or known]
    exit_on_user_error(side_by_side, partial(measure, output=output), runs, options.jobs, "training")
    header = ["", "seeds", "Dice", "difference", "AUC", "clDice", "minutes"]
    table = markdown_table(header, summarize(finished(output, recipe, *series), output))
    with written_atomically(output / "table.md") as unfinished:
        unfinished.write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
