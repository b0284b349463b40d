"""Train SRE and standard ResNets with one recipe, evaluate them upright, rotated and flipped, and write one table.

Every run is the bundle ``medmnist_classification``: train.json, then evaluate.json and rotation.json on the weights
with the best validation area. An interrupted series resumes: runs that are finished are kept.

    python -m benchmarks.medmnist_table --dataset_dir data/medmnist --output_dir output/medmnist_table
    python -m benchmarks.medmnist_table --dataset_dir data/medmnist --dataset_name shapes3d --overlay volumes.yaml \
        --output_dir output/shapes3d_table
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.bundle_runs import BundleRun
from benchmarks.markdown import markdown_table
from sre_monai.errors import exit_on_user_error
from sre_monai.tables import align_columns, write_table

BUNDLE = Path(__file__).resolve().parents[1] / "bundles" / "medmnist_classification"


def measure(net: str, seed: int, output: Path, overlays: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    """Train and evaluate one network; returns the row of the run."""
    settings = settings | {"net": net, "seed": seed}
    recipe = ["train.json", *overlays]
    BundleRun(BUNDLE, recipe, output / "train", settings).run()
    seconds = torch.load(output / "train" / "checkpoint.pt", map_location="cpu", weights_only=True)["seconds"]
    settings |= {"checkpoint": str(output / "train" / "model.pt")}
    BundleRun(BUNDLE, [*recipe, "evaluate.json"], output / "evaluate", settings).run()
    BundleRun(BUNDLE, [*recipe, "evaluate.json", "rotation.json"], output / "rotation", settings).run()
    upright, rotated = (json.loads((output / step / "summary.json").read_text()) for step in ("evaluate", "rotation"))
    row: dict[str, Any] = {"net": net, "seed": seed}
    for score in next(iter(rotated["rotation"].values())):
        row[f"{score} upright"] = upright[score]
        for axis, scores in rotated["rotation"].items():
            about = "" if axis == "image" else f" about {axis}"
            row[f"{score} mean{about}"] = scores[score]["mean"]
            row[f"{score} worst{about}"] = scores[score]["worst"]
        flips = [scores[score] for scores in rotated["flip"].values()]
        row |= {f"{score} flips mean": float(np.mean(flips)), f"{score} flips worst": min(flips)}
    row |= {"probability deviation": rotated["probability_deviation"], "training minutes": round(seconds / 60, 1)}
    return row


def summarize(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Mean ± standard deviation over the seeds, one column per network."""
    nets = list(dict.fromkeys(row["net"] for row in rows))
    table = [["", *(f"{net} ({sum(row['net'] == net for row in rows)} runs)" for net in nets)]]
    for name in (column for column in rows[0] if column not in ("net", "seed")):
        cells = []
        for net in nets:
            values = np.array([row[name] for row in rows if row["net"] == net], dtype=float)
            digits = ".1g" if "deviation" in name else ".0f" if "minutes" in name else ".3f"
            cells.append(f"{values.mean():{digits}} ± {values.std():{digits}}")
        table.append([name, *cells])
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset_dir", required=True, help="folder of the .npz files")
    parser.add_argument("--dataset_name", default="breastmnist")
    parser.add_argument("--output_dir", required=True, type=Path)
    parser.add_argument("--nets", nargs="+", default=["sre_harmonic_resnet18", "sre_resnet18", "resnet18"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--overlay", nargs="*", default=[], help="configurations over train.json, such as volumes.yaml")
    parser.add_argument("--settings", type=json.loads, default={}, help="overrides of the bundle's entries, as JSON")
    parser.add_argument("--net_settings", type=json.loads, default={}, help="for each net its settings, as JSON")
    options = parser.parse_args()
    settings = {"dataset_dir": str(Path(options.dataset_dir).absolute()), "dataset_name": options.dataset_name}
    rows = []
    for seed in options.seeds:
        for net in options.nets:
            own = settings | options.settings | {"net_settings": options.net_settings.get(net, {})}
            folder = options.output_dir.absolute() / f"{net}_seed{seed}"
            rows.append(exit_on_user_error(measure, net, seed, folder, options.overlay, own))
            print(align_columns(summarize(rows)), flush=True)
    write_table(options.output_dir / "runs.csv", rows)
    header, *lines = summarize(rows)
    (options.output_dir / "table.md").write_text(markdown_table(header, lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
