"""How far a step of the published recipe moves the kernels of an SRE and of a standard ResNet-18.

    python -m benchmarks update_ratios --data data

Both are trained on BreastMNIST by the medmnist_classification bundle, train.json and paper.yaml. For each epoch and
stage, a row has the mean over layers and steps of ‖ΔK‖ / ‖K‖ of the dense kernels K, and of the same ratio of the
parameters.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import trange

from benchmarks.bundle_runs import BundleRun
from benchmarks.experiments import MEDMNIST
from benchmarks.results import markdown_table
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


def kernels(network: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Copies of each convolution's dense kernel and of its parameter, by the layer's name."""
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, (SREConv2d, nn.Conv2d))}
    dense = {name: layer.kernel() if isinstance(layer, SREConv2d) else layer.weight for name, layer in layers.items()}
    return {name: (dense[name].detach().clone(), layer.weight.detach().clone()) for name, layer in layers.items()}


def relative_change(before: Tensor, after: Tensor) -> float:
    """‖after - before‖ / ‖before‖."""
    return float((after - before).norm() / before.norm())


def measure(name: str, data: Path, epochs: int) -> list[dict[str, Any]]:
    """Train one of ``RUNS`` on a folder of .npz files for some epochs; a row for each epoch and stage."""
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
        ratios, losses = defaultdict(list), []
        for batch in get("train#dataloader"):
            before = kernels(network)
            loss = nn.functional.cross_entropy(network(batch["image"]), batch["label"].flatten().long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            for layer, after in kernels(network).items():
                ratios[layer.partition(".")[0]].append([relative_change(*pair) for pair in zip(before[layer], after)])
        for stage, values in ratios.items():
            kernel, weight = torch.tensor(values).mean(0).tolist()
            row = {"run": name, "epoch": epoch + 1, "loss": round(sum(losses) / len(losses), 4), "stage": stage}
            rows.append(row | {"kernel": f"{kernel:.2e}", "weight": f"{weight:.2e}"})
    return rows


def main(
    data: Path = Path("data"),
    output: Path = Path("output/update_ratios.csv"),
    rows: Sequence[str] = tuple(RUNS),
    epochs: int = 10,
) -> str:
    """Train all, write the rows, and give those of the first and the last epoch."""
    measured = [row for name in rows for row in measure(name, data / "medmnist", epochs)]
    write_table(output, measured)
    shown = [[str(value) for value in row.values()] for row in measured if row["epoch"] in (1, epochs)]
    return markdown_table(list(measured[0]), shown)
