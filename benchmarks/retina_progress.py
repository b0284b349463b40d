"""Score the weights that long training runs have kept on the way, and draw F1 against the number of pixels seen.

    python -m benchmarks.retina_progress --data data --runs output/retina_train --models general

``--runs`` is the output folder of `benchmarks.retina_train`; a model of cycles.yaml keeps its averaged weights in the
folder ``cycles`` of its run. They are scored on DRIVE's test photographs, upright. Finished measurements are kept.
Writes progress.csv and progress.png.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import torch
from monai.bundle import ConfigParser

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.retina_measurements import evaluations
from benchmarks.retina_models import BUNDLE, MODELS, Model
from benchmarks.retina_rows import mean_scores
from sre_monai.errors import exit_on_user_error
from sre_monai.tables import write_table

SCORES = ("dice", "auc", "cldice")
LWNET = 0.8278  # F1 of lwnet (https://arxiv.org/abs/2009.01907), its published weights, mean of four flips


class Kept(NamedTuple):
    """Weights that a training run has kept.

    Attributes:
        model: the row of the table.
        epoch: after which they were kept.
        weights: their file.
        pixels: that the run has seen, without padding.
    """

    model: Model
    epoch: int
    weights: Path
    pixels: float

    def evaluation(self, data: Path, output: Path) -> BundleRun:
        """Score them on DRIVE's test photographs."""
        model = self.model._replace(name=f"{self.model.name}_epoch{self.epoch}", file=str(self.weights))
        return evaluations(model, data, output, ["DRIVE"])[0]

    def row(self, data: Path, output: Path) -> dict[str, Any]:
        """What was measured."""
        summary = json.loads((self.evaluation(data, output).output / "summary.json").read_text())
        row = {"model": self.model.label, "epoch": self.epoch, "pixels": self.pixels}
        return row | mean_scores(summary, SCORES)


def kept_weights(model: Model, folder: Path) -> Iterator[Kept]:
    """Find the weights that a training run has kept at the ends of its cycles, where the learning rate is zero.

    Args:
        model: the row of the table.
        folder: of the training run.

    Yields:
        The weights, in the order of their epochs.

    Raises:
        FileNotFoundError: when there are none.
    """
    files = {int(re.findall(r"\d+", path.stem)[-1]): path for path in (folder / "cycles").glob("*.pt")}
    if not files:
        raise FileNotFoundError(f"{folder / 'cycles'} has no weights; train {model.name} by benchmarks.retina_train.")
    parser = BundleRun(BUNDLE, model.recipe, folder, model.settings).configure()
    pixels = _pixels_of_an_epoch(parser, folder)
    for epoch, path in sorted(files.items()):
        if _ends_a_cycle(epoch, parser.get_parsed_content("cycle_epochs")):
            yield Kept(model, epoch, path, epoch * pixels)


def _ends_a_cycle(epoch: int, first: int) -> bool:
    """Cycles double: they end after 1, 3, 7, 15 ... times the epochs of the first."""
    return math.log2(epoch / first + 1).is_integer()


def _pixels_of_an_epoch(parser: ConfigParser, folder: Path) -> float:
    """Mean number of pixels: each edge of the crops is cut by 0 to ``max_trim`` pixels."""
    steps = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)["trainer"]["epoch_length"]
    crop, trim = parser["crop_size"], parser["train#trainer#prepare_batch#max_trim"]
    return steps * parser["images_per_batch"] * parser["crops_per_image"] * (crop - trim / 2) ** 2


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw F1 by the number of pixels, a line for each model.

    Args:
        rows: of :meth:`Kept.row`.
        path: the PNG file.
    """
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for model in dict.fromkeys(row["model"] for row in rows):
        points = [(row["pixels"] / 1e9, row["dice"]) for row in rows if row["model"] == model]
        axes.plot(*zip(*points), marker="o", label=model)
    axes.axhline(LWNET, color="#555555", linestyle="--", label="lwnet, 4.2 billion pixels")
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
    parser.add_argument("--runs", required=True, type=Path, help="folder of the training runs, one for each model")
    parser.add_argument("--models", required=True, nargs="+", choices=MODELS, metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_progress"))
    parser.add_argument("--jobs", type=int, default=1, help="measurements taken at once")
    options = parser.parse_args()
    data, output = options.data.absolute(), options.output_dir.absolute()
    models = [MODELS[name] for name in options.models]
    exit_on_user_error(_measure, models, options.runs.absolute(), data, output, options.jobs)


def _measure(models: Sequence[Model], runs: Path, data: Path, output: Path, jobs: int) -> None:
    weights = [kept for model in models for kept in kept_weights(model, runs / model.name)]
    side_by_side(BundleRun.run, [kept.evaluation(data, output) for kept in weights], jobs, "measurement")
    rows = [kept.row(data, output) for kept in weights]
    write_table(output / "progress.csv", rows)
    draw(rows, output / "progress.png")


if __name__ == "__main__":
    main()
