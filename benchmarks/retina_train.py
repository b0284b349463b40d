"""Train rows of the accuracy table of the retina bundle and keep their weights in the bundle.

    python -m benchmarks.retina_train --data data --models plain_unet sre_gaussian --jobs 2

``--data`` has the prepared DRIVE, and for general STARE, CHASE_DB1 and HRF. An interrupted series resumes: finished
training runs in the output folder are kept. The weights come into the bundle's models, beside them the log and a
record: steps, time, device, seed.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.retina_models import BUNDLE, MODELS, Model
from sre_monai.errors import exit_on_user_error
from sre_monai.files import written_atomically
from sre_monai.tables import write_json

__all__ = ["store", "train"]

HALF_PRECISION_FROM = 1_000_000  # parameters: half the bytes in the repository


def train(model: Model, threads: int, data: Path, output: Path, settings: dict[str, Any] | None = None) -> None:
    """Train one network, unless finished, and store its weights in the bundle.

    Args:
        model: the row.
        threads: of the training.
        data: folder with the prepared ``DRIVE``.
        output: folder of the training runs.
        settings: overrides of the recipe.
    """
    folder = output / model.name
    record = folder / "training.json"
    settings = {"dataset_dir": str(data / model.data)} | model.settings | (settings or {})
    run = BundleRun(BUNDLE, model.recipe, folder, settings)
    if not (record.is_file() and run.is_finished()):
        run.run(threads)
        write_json(record, _describe(run) | {"threads": threads})
    store(folder, model.weights)


def _describe(run: BundleRun) -> dict[str, Any]:
    """Describe the training and its duration."""
    parser = run.configure()
    checkpoint = torch.load(run.output / "checkpoint.pt", map_location="cpu", weights_only=True)
    return {
        "parameters": sum(p.numel() for p in parser.get_parsed_content("network_def").parameters()),
        "steps": checkpoint["trainer"]["iteration"],
        "training_minutes": checkpoint["seconds"] / 60,
        "seed": parser.get_parsed_content("seed"),
        "device": str(parser.get_parsed_content("device")),
    }


def store(folder: Path, weights: Path) -> None:
    """Store a training run's weights (half precision for large networks), record and log.

    Args:
        folder: of the training: ``model.pt``, ``training.json`` and ``training_log.csv``.
        weights: where to keep the state dict; record and log come beside it, as ``.json`` and ``.csv``.
    """
    state = torch.load(folder / "model.pt", map_location="cpu", weights_only=True)
    if sum(values.numel() for values in state.values()) >= HALF_PRECISION_FROM:
        state = {name: values.half() if values.is_floating_point() else values for name, values in state.items()}
    with written_atomically(weights) as unfinished:
        torch.save(state, unfinished)
    for name in ("training.json", "training_log.csv"):
        source = folder / name
        with written_atomically(weights.with_suffix(source.suffix)) as unfinished:
            unfinished.write_bytes(source.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--models", required=True, nargs="+", choices=MODELS, metavar="MODEL", help=", ".join(MODELS))
    parser.add_argument("--output_dir", type=Path, default=Path("output/retina_train"))
    parser.add_argument("--jobs", type=int, default=1, help="networks trained at once")
    options = parser.parse_args()
    work = partial(train, data=options.data.absolute(), output=options.output_dir.absolute())
    exit_on_user_error(side_by_side, work, [MODELS[name] for name in options.models], options.jobs, "network")


if __name__ == "__main__":
    main()
