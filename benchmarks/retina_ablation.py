"""Ablation of the retina bundle's recipe: short training runs, each with one change.

    python -m benchmarks.retina_ablation --data data --output_dir output/retina_ablation --jobs 2

Each training sees 16 of DRIVE's training images and is measured on the other 4; test images have no say in the recipe.
An interrupted series resumes: finished runs are kept. The table has all runs in the output folder with the same data,
epochs and recipe, so that more seeds or changes can be added. Differences below the spread between seeds mean little.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.markdown import markdown_table
from benchmarks.retina_models import BUNDLE, SCALE
from sre_monai.errors import exit_on_user_error
from sre_monai.files import written_atomically

SOFT_CLDICE = (
    "$lambda logits, label: monai.losses.DiceCELoss(to_onehot_y=True, softmax=True, include_background=False,"
    " batch=True)(logits, label) + 0.2 * monai.losses.SoftclDiceLoss(iter_=3)("
    "torch.cat([1 - label, label], 1), logits.softmax(1))"
)
CONSTANT_RATE = {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer", "factor": 1.0}
INTENSITIES = ("scale_intensity", "shift_intensity", "contrast", "blur", "noise", "uneven_light", "jpeg")

RECIPE = "the recipe"
CHANGES: dict[str, dict[str, Any]] = {
    RECIPE: {},
    "no angular harmonics": {"network_def#harmonics": []},
    "edges only (order 1)": {"network_def#harmonics": [1]},
    "lines only (order 2)": {"network_def#harmonics": [2]},
    "constant rings (bands)": {"network_def#profile": "bands"},
    "kernels of 5×5": {"network_def#kernel_size": 5},
    "kernels of 9×9": {"network_def#kernel_size": 9},
    "three levels": {"network_def#features": [16, 32, 64, 96, 16]},
    "half the channels": {"network_def#features": [8, 16, 24, 32, 48, 8]},
    "average pooling": {"network_def#pooling": "average"},
    "no local contrast normalisation": {"transforms#local_contrast": {"_target_": "Identityd", "keys": "image"}},
    "no change of intensities": {f"augmentation#{step}#prob": 0.0 for step in INTENSITIES},
    "no change of scale": {"zoom_range": [1.0, 1.0]},
    "random rotations": {"rotation_range": 3.1416},
    "crops of one size": {"train#trainer#prepare_batch#max_trim": 0},
    "cross-entropy alone": {"loss#lambda_dice": 0.0},
    "Dice alone": {"loss#lambda_ce": 0.0},
    "soft clDice besides": {"loss": SOFT_CLDICE},
    "half the learning rate": {"learning_rate": 0.004},
    "constant learning rate": {"lr_scheduler": CONSTANT_RATE},
    "no averaging of weights": {"ema_momentum": 1.0},
    "labels smoothed by 0.1": {"loss#label_smoothing": 0.1},
    "mixed precision": {"amp": True},
}

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
        change: name of the change.
        seed: of the training.
        data: folder with the prepared ``DRIVE``.
        epochs: of the training.
    """

    change: str
    seed: int
    data: Path
    epochs: int

    def folder(self, output: Path) -> Path:
        """Folder of its files."""
        return output / f"{file_name(self.change)}_seed{self.seed}"

    def steps(self, output: Path) -> tuple[BundleRun, BundleRun]:
        """Return the training run and its evaluation on the held-out images."""
        folder = self.folder(output)
        settings = {"dataset_dir": str(self.data / "DRIVE"), "seed": self.seed, "max_epochs": self.epochs}
        settings |= {"val_interval": self.epochs} | SCALE | CHANGES[self.change]
        training = BundleRun(BUNDLE, ["train.json"], folder, settings)
        settings = settings | HELD_BACK | {"checkpoint": str(folder / "model.pt")}
        return training, BundleRun(BUNDLE, ["train.json", "evaluate.json"], (folder / SUMMARY).parent, settings)


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


def finished(output: Path, data: Path, epochs: int) -> list[Run]:
    """Find the finished runs, including those of earlier commands.

    Args:
        output: folder of all runs.
        data: folder with the prepared ``DRIVE``.
        epochs: of the training.

    Returns:
        The runs on these data, for as many epochs.
    """
    changes = {file_name(change): change for change in CHANGES}
    names = (path.parents[1].name.rpartition("_seed") for path in sorted(output.glob(f"*/{SUMMARY}")))
    runs = [Run(changes[change], int(seed), data, epochs) for change, _, seed in names if change in changes]
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
    parser.add_argument("--changes", nargs="+", choices=CHANGES, default=list(CHANGES), metavar="CHANGE")
    parser.add_argument("--epochs", type=int, default=150, help="of four steps each")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="training runs at once")
    options = parser.parse_args()
    output, series = options.output_dir.absolute(), (options.data.absolute(), options.epochs)
    runs = [Run(change, seed, *series) for seed in options.seeds for change in options.changes]
    exit_on_user_error(side_by_side, partial(measure, output=output), runs, options.jobs, "training")
    header = ["", "seeds", "Dice", "difference", "AUC", "clDice", "minutes"]
    table = markdown_table(header, summarize(finished(output, *series), output))
    with written_atomically(output / "table.md") as unfinished:
        unfinished.write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
