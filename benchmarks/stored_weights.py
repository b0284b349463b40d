"""Keep the weights of a training run in the bundle, with its log and a record of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from benchmarks.bundle_runs import BundleRun
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_json

__all__ = ["store"]

HALF_PRECISION_FROM = 1_000_000  # parameters: half the bytes in the repository


def store(run: BundleRun, weights: Path, threads: int | None = None) -> None:
    """Store the weights of a finished training run, in half precision for large networks.

    Args:
        run: of the training; its folder has ``model.pt``, ``checkpoint.pt`` and ``training_log.csv``.
        weights: where to keep the state dict; record and log come beside it, as ``.json`` and ``.csv``.
        threads: of the training.
    """
    state = torch.load(run.output / "model.pt", map_location="cpu", weights_only=True)
    if sum(values.numel() for values in state.values()) >= HALF_PRECISION_FROM:
        state = {name: values.half() if values.is_floating_point() else values for name, values in state.items()}
    with written_atomically(weights) as unfinished:
        torch.save(state, unfinished)
    with written_atomically(weights.with_suffix(".csv")) as unfinished:
        unfinished.write_bytes((run.output / "training_log.csv").read_bytes())
    write_json(weights.with_suffix(".json"), _describe(run) | ({"threads": threads} if threads else {}))


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
        "mixed_precision": parser.get_parsed_content("amp"),
    }
