"""What each part of the retina bundle's recipe is worth: short trainings, each with one thing changed.

    python -m benchmarks.retina_ablation --data data --output_dir output/retina_ablation --jobs 2

Each training sees 16 of DRIVE's training images and is measured on the other 4; test images have no say in the recipe.
A training that is done is not done again; a broken one goes on. Differences below the spread between seeds mean little.
"""

from __future__ import annotations

import argparse
import csv
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bundle_runs import run_bundle, side_by_side
from benchmarks.markdown import markdown_table
from benchmarks.retina_models import BUNDLE
from sre_monai.errors import exit_on_user_error
from sre_monai.files import written_atomically

SOFT_CLDICE = (
    "$lambda logits, label: monai.losses.DiceCELoss(to_onehot_y=True, softmax=True, include_background=False,"
    " batch=True)(logits, label) + 0.2 * monai.losses.SoftclDiceLoss(iter_=3)("
    "torch.cat([1 - label, label], 1), logits.softmax(1))"
)
CONSTANT_RATE = {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer", "factor": 1.0}
DETERMINISTIC, RANDOM = "train#deterministic_transforms", "train#random_transforms"

CHANGES: dict[str, dict[str, Any]] = {
    "the recipe": {},
    "no angular harmonics": {"network_def#harmonics": []},
    "edges only (order 1)": {"network_def#harmonics": [1]},
    "lines only (order 2)": {"network_def#harmonics": [2]},
    "constant rings (bands)": {"network_def#profile": "bands"},
    "kernels of 5×5": {"network_def#kernel_size": 5},
    "kernels of 9×9": {"network_def#kernel_size": 9},
    "three levels": {"network_def#features": [16, 32, 64, 96, 16]},
    "half the channels": {"network_def#features": [8, 16, 24, 32, 48, 8]},
    "average pooling": {"network_def#pooling": "average"},
    "no local contrast normalisation": {f"{DETERMINISTIC}#6#_disabled_": True},
    "no change of intensities": {f"{RANDOM}#{place}#prob": 0.0 for place in range(6, 11)},
    "no change of scale": {"zoom_range": [1.0, 1.0]},
    "random rotations": {"rotation_range": 3.1416},
    "crops of one size": {"train#trainer#prepare_batch#max_trim": 0},
    "cross-entropy alone": {"loss#lambda_dice": 0.0},
    "Dice alone": {"loss#lambda_ce": 0.0},
    "soft clDice besides": {"loss": SOFT_CLDICE},
    "half the learning rate": {"learning_rate": 0.004},
    "constant learning rate": {"lr_scheduler": CONSTANT_RATE},
    "no averaging of weights": {"ema_momentum": 1.0},
}


class Run(NamedTuple):
    """A change of the recipe and a seed."""

    change: str
    seed: int

    def folder(self, output: Path) -> Path:
        """Where its files are."""
        name = "".join(letter if letter.isalnum() else "_" for letter in self.change)
        return output / f"{name}_seed{self.seed}"


def measure(run: Run, threads: int, data: Path, output: Path, epochs: int) -> None:
    """Train, unless that is done.

    Args:
        run: what to train.
        threads: of the training.
        data: folder with the prepared ``DRIVE``.
        output: folder of all runs.
        epochs: of the training.
    """
    folder = run.folder(output)
    settings = {"dataset_dir": str(data / "DRIVE"), "seed": run.seed, "max_epochs": epochs, "val_interval": epochs}
    if not (folder / "model.pt").is_file():
        run_bundle(BUNDLE, ["train.json"], folder, settings | CHANGES[run.change], threads)


def dice(folder: Path) -> float:
    """Read the validation's Dice at the end of a training."""
    with (folder / "training_log.csv").open(newline="", encoding="utf-8") as file:
        return float(list(csv.DictReader(file))[-1]["val_dice"])


def summarize(runs: list[Run], output: Path) -> list[list[str]]:
    """Give the mean over the seeds and its difference from the recipe, best first."""
    scores: dict[str, list[float]] = {}
    for run in runs:
        scores.setdefault(run.change, []).append(dice(run.folder(output)))
    base = np.mean(scores["the recipe"])
    lines = []
    for change, values in sorted(scores.items(), key=lambda item: -np.mean(item[1])):
        spread = f" ± {np.std(values):.4f}" if len(values) > 1 else ""
        lines.append([change, f"{np.mean(values):.4f}{spread}", f"{np.mean(values) - base:+.4f}"])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_ablation"))
    parser.add_argument("--changes", nargs="+", choices=CHANGES, default=list(CHANGES), metavar="CHANGE")
    parser.add_argument("--epochs", type=int, default=150, help="of four steps each")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="trainings at once")
    options = parser.parse_args()
    changes = list(dict.fromkeys(["the recipe", *options.changes]))
    runs = [Run(change, seed) for seed in options.seeds for change in changes]
    output = options.output_dir.absolute()
    work = partial(measure, data=options.data.absolute(), output=output, epochs=options.epochs)
    exit_on_user_error(side_by_side, work, runs, options.jobs, "training")
    table = markdown_table(["", "validation Dice", "difference"], summarize(runs, output))
    with written_atomically(output / "table.md") as unfinished:
        unfinished.write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
