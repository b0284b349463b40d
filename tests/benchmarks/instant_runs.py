"""Runs of a bundle that end immediately: their settings are recorded and plausible files written."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from benchmarks import bundle_runs

SCORES = ("dice", "auc", "cldice", "mcc", "sensitivity", "specificity", "accuracy", "consistency", "ceiling_dice")
POSES = """image,axis,angle,flip,accuracy,auc,dice,anterior_hippocampus_dice,posterior_hippocampus_dice
1,x,0,,0.9,0.95,0.8,0.8,0.8
1,x,10,,0.7,0.75,0.7,0.7,0.7
1,x,0,x,0.6,0.6,0.8,0.8,0.8
1,x,90,xy,0.8,0.8,0.6,0.6,0.6
1,symmetry,(x y z),,0.8,0.8,0.6,0.6,0.6
"""


def leave(output: Path, files: list[str]) -> None:
    """Write what a training, or an evaluation of either bundle, writes."""
    if "evaluate.json" not in files:
        torch.save({"weight": torch.full((2,), 0.1)}, output / "model.pt")
        torch.save({"seconds": 90.0, "trainer": {"iteration": 6}}, output / "checkpoint.pt")
        (output / "training_log.csv").write_text("epoch,loss\n")
        return
    scores = {name: {"mean": 0.8} for name in SCORES}
    summary: dict[str, Any] = {"num_images": 4, "raters": {"model": {"scores": scores}}, "accuracy": 0.9, "auc": 0.95}
    if "rotation.json" in files:
        curve = {"upright": 0.8, "mean": 0.75, "std": 0.05, "worst": 0.7, "worst_angle": 10.0}
        curves = dict.fromkeys(SCORES, curve)
        summary = {"rotation": {"image": curves}, "protocols": {output.name: curves}, "probability_deviation": 1e-7}
        (output / "rotation.csv").write_text(POSES)
    (output / "summary.json").write_text(json.dumps(summary))
    (output / "per_image.csv").write_text("image,dice\n1,0.8\n")
    bins = [f"{i / 20},1000,{i / 20 + 0.02},{(i + 3) / 26},{0.8 - 0.01 * abs(i - 8)}" for i in range(20)]
    (output / "reliability.csv").write_text("\n".join(["threshold,pixels,probability,frequency,dice", *bins]))
    (output / "overlays").mkdir(exist_ok=True)
    for angle in ("", "_37", "_90"):
        Image.new("RGB", (1, 1)).save(output / "overlays" / f"1{angle}.png")


def instant_runs(
    monkeypatch: pytest.MonkeyPatch, leave: Callable[[Path, list[str]], None] = leave
) -> list[dict[str, Any]]:
    """Replace the processes of the runs by ``leave``, which gets the folder of a run and its configurations.

    Returns a list that grows by a mapping for each run: its overrides, ``files`` and ``threads``.
    """
    started: list[dict[str, Any]] = []

    def run(command: list[str], env: dict[str, str], **_: Any) -> SimpleNamespace:
        arguments = json.loads(Path(command[command.index("--args_file") + 1]).read_text())
        output, configs = Path(arguments.pop("output_dir")), Path(arguments.pop("bundle_root")) / "configs"
        paths = json.loads(command[command.index("--config_file") + 1].replace("'", '"'))
        files = [Path(path).relative_to(configs).as_posix() for path in paths]
        started.append(arguments | {"files": files, "threads": env.get("OMP_NUM_THREADS")})
        leave(output, files)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(bundle_runs, "subprocess", SimpleNamespace(run=run, STDOUT=subprocess.STDOUT))
    return started
