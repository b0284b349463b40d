"""How far a step of the published recipe moves the kernels of an SRE and of a standard ResNet-18.

    python -m benchmarks update_ratios

Both are trained on BreastMNIST by the medmnist_classification bundle, train.json and paper.yaml. For each run and epoch
there is a row with the mean of ‖ΔK‖ / ‖K‖ of the dense kernels K over layers and steps, by stage, and the loss. The
table has the ratios of the first epoch and the loss of the last.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import trange

from benchmarks.bundle_runs import BundleRun
from benchmarks.experiments import MEDMNIST
from benchmarks.results import table_of_means
from sre_monai.io.tables import write_table
from sre_monai.networks.layers import SREConv2d

RUNS: dict[str, tuple[dict[str, Any], float]] = {
    "resnet18": ({"net": "resnet18"}, 1),
    "sre_resnet18": ({"net": "sre_resnet18"}, 1),
    "sre_resnet18, a tenth of the learning rate": ({"net": "sre_resnet18", "learning_rate": 0.002}, 1),
    "sre_resnet18, ten times the initial weights": ({"net": "sre_resnet18"}, 10),
}
"""Settings of the bundle, and the factor of the initial weights."""
CHOICES = {"rows": RUNS}


def kernels(network: nn.Module) -> dict[str, Tensor]:
    """Copies of each convolution's dense kernel, by the layer's name."""
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, (SREConv2d, nn.Conv2d))}
    dense = {name: layer.kernel() if isinstance(layer, SREConv2d) else layer.weight for name, layer in layers.items()}
    return {name: kernel.detach().clone() for name, kernel in dense.items()}


def measure(name: str, data: Path, epochs: int) -> list[dict[str, Any]]:
    """Train one of ``RUNS`` on a folder of .npz files; a row for each epoch."""
    torch.manual_seed(0)
    settings, factor = RUNS[name]
    settings = {"dataset_dir": str(data), "max_epochs": epochs, **settings}
    get = BundleRun(MEDMNIST, ["train.json", "paper.yaml"], Path(), settings).configure().get_parsed_content
    network, optimizer = get("network").train(), get("optimizer")
    for layer in network.modules():
        if isinstance(layer, SREConv2d):
            layer.weight.data *= factor
    rows = []
    for epoch in trange(epochs, desc=name):
        figures = defaultdict(list)
        for batch in get("train#dataloader"):
            before = kernels(network)
            loss = nn.functional.cross_entropy(network(batch["image"]), batch["label"].flatten().long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            figures["loss"].append(loss.item())
            for layer, after in kernels(network).items():
                change = (after - before[layer]).norm() / before[layer].norm()
                figures[layer.partition(".")[0]].append(change.item())
        rows.append({"run": name, "epoch": epoch + 1, **{key: np.mean(values) for key, values in figures.items()}})
    return rows


def main(
    data: Path = Path("data"),
    output: Path = Path("output/update_ratios.csv"),
    rows: Sequence[str] = tuple(RUNS),
    epochs: int = 10,
) -> str:
    """Train all and write the rows."""
    measured = [row for name in rows for row in measure(name, data / "medmnist", epochs)]
    write_table(output, measured)
    first = {row["run"]: row for row in measured if row["epoch"] == 1}
    last = {row["run"]: [{**first[row["run"]], "loss": row["loss"]}] for row in measured if row["epoch"] == epochs}
    stages = [name for name in measured[0] if name not in ("run", "epoch", "loss")]
    return table_of_means(last, {stage: f"{{{stage}:.4f}}" for stage in stages} | {"loss": "{loss:.3f}"})
