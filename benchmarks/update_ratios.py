"""How far a step of the published recipe moves the kernels of an SRE and of a standard ResNet-18.

    python -m benchmarks.update_ratios --dataset_dir data/medmnist --output output/update_ratios.csv

Both are trained by the medmnist_classification bundle, train.json and paper.yaml. For one epoch and stage, a row has
the mean over layers and steps of ‖ΔK‖ / ‖K‖ of the dense kernels K, and of the same ratio of the parameters.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import Tensor, nn
from tqdm import trange

from benchmarks.bundle_runs import BundleRun
from benchmarks.medmnist_table import BUNDLE
from sre_monai.io.tables import align_columns, write_table
from sre_monai.networks.layers import SREConv2d

__all__ = ["measure"]

RUNS: dict[str, dict[str, Any]] = {
    "resnet18": {"net": "resnet18"},
    "sre_resnet18": {"net": "sre_resnet18"},
    "sre_resnet18, a tenth of the learning rate": {"net": "sre_resnet18", "learning_rate": 0.002},
    "sre_resnet18, ten times the initial weights": {"net": "sre_resnet18", "scale": 10.0},
}


def kernels(network: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Copies of each convolution's dense kernel and of its parameter, by the layer's name."""
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, (SREConv2d, nn.Conv2d))}
    return {
        name: (
            (layer.kernel() if isinstance(layer, SREConv2d) else layer.weight).detach().clone(),
            layer.weight.detach().clone(),
        )
        for name, layer in layers.items()
    }


def relative_change(before: Tensor, after: Tensor) -> float:
    """‖after - before‖ / ‖before‖."""
    return float((after - before).norm() / before.norm())


def configure(settings: dict[str, Any], dataset_dir: Path, epochs: int) -> tuple[ConfigParser, float]:
    """Parse the published recipe for a run; returns it with the factor of the initial weights."""
    settings = {"dataset_dir": str(dataset_dir), "max_epochs": epochs, **settings}
    scale = settings.pop("scale", 1.0)
    return BundleRun(BUNDLE, ["train.json", "paper.yaml"], Path(), settings).configure(), scale


def measure(name: str, dataset_dir: Path, epochs: int, seed: int = 0) -> list[dict[str, Any]]:
    """Train for some epochs.

    Args:
        name: of the run, one of ``RUNS``.
        dataset_dir: folder with ``breastmnist.npz``.
        epochs: to train for.
        seed: of weights and batches.

    Returns:
        A row for each epoch and stage.
    """
    torch.manual_seed(seed)
    parser, scale = configure(RUNS[name], dataset_dir, epochs)
    network, optimizer, batches = (
        parser.get_parsed_content(key) for key in ("network", "optimizer", "train#dataloader")
    )
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, SREConv2d):
                layer.weight *= scale
    rows = []
    for epoch in trange(epochs, desc=name):
        ratios, losses = defaultdict(list), []
        network.train()
        for batch in batches:
            before = kernels(network)
            loss = nn.functional.cross_entropy(network(batch["image"]), batch["label"].flatten().long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            for layer, after in kernels(network).items():
                ratios[layer.partition(".")[0]].append([relative_change(*pair) for pair in zip(before[layer], after)])
        for stage, values in ratios.items():
            kernel, weight = torch.tensor(values).mean(0).tolist()
            row = {"run": name, "epoch": epoch + 1, "loss": round(sum(losses) / len(losses), 4), "stage": stage}
            rows.append(row | {"kernel": f"{kernel:.2e}", "weight": f"{weight:.2e}"})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", required=True, type=Path, help="folder with breastmnist.npz")
    parser.add_argument("--output", type=Path, default=Path("output/update_ratios.csv"))
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS), metavar="RUN")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    rows = [row for name in options.runs for row in measure(name, options.dataset_dir, options.epochs)]
    write_table(options.output, rows)
    shown = [row for row in rows if row["epoch"] in (1, options.epochs)]
    print(align_columns([list(shown[0]), *([str(value) for value in row.values()] for row in shown)]))


if __name__ == "__main__":
    main()
