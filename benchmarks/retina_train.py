"""Train rows of the accuracy table of the retina bundle and keep their weights in the bundle.

    python -m benchmarks.retina_train --data data --models plain_unet sre_gaussian --jobs 2

``--data`` has the prepared DRIVE, and for general STARE, CHASE_DB1 and HRF. An interrupted series resumes: finished
training runs in the output folder are kept. The weights come into the bundle's models, beside them the log and a
record: steps, time, device, seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.bundle_runs import BundleRun, side_by_side
from benchmarks.retina_models import BUNDLE, MODELS, Model
from benchmarks.stored_weights import store
from sre_monai.runs.errors import exit_on_user_error

__all__ = ["train", "training_run"]


def training_run(model: Model, data: Path, output: Path, settings: Mapping[str, Any]) -> BundleRun:
    """Set up the training of a network by its recipe.

    Args:
        model: the row.
        data: folder of the prepared data sets.
        output: folder of this training run.
        settings: overrides of the recipe.

    Returns:
        The run.
    """
    settings = {"dataset_dir": str(data / model.data), **model.settings, **settings}
    return BundleRun(BUNDLE, model.recipe, output, settings)


def train(model: Model, threads: int, data: Path, output: Path, settings: dict[str, Any] | None = None) -> None:
    """Train one network, unless finished, and store its weights in the bundle.

    Args:
        model: the row.
        threads: of the training.
        data: folder with the prepared ``DRIVE``.
        output: folder of the training runs.
        settings: overrides of the recipe.
    """
    run = training_run(model, data, output / model.name, settings or {})
    run.run(threads)
    store(run, model.weights, threads)


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
