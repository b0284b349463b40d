"""Runs of a bundle that end immediately: their settings are recorded and plausible files written."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchmarks import bundle_runs

POSES = "{0},angle,flip,accuracy,auc,dice,consistency,ceiling_dice\n" + "\n".join(
    f"{{1}},{pose},0.9,0.9" for pose in ("0,,0.9,0.95,0.8", "10,,0.7,0.75,0.7", "0,x,0.6,0.6,0.8", "90,xy,0.8,0.8,0.6")
)
"""Scores upright, rotated and flipped: of a classification by axis, of a segmentation by image."""


def leave(output: Path, files: list[str]) -> None:
    """Write what a training, or an evaluation of either bundle, writes."""
    if "evaluate.json" not in files:
        torch.save({"weight": torch.full((2,), 0.1)}, output / "model.pt")
        torch.save({"seconds": 90.0, "trainer": {"iteration": 6}}, output / "checkpoint.pt")
        (output / "training_log.csv").write_text("epoch,loss\n")
        return
    curve = {"upright": 0.8, "mean": 0.75, "std": 0.05, "worst": 0.7, "worst_angle": 10.0}
    names = ("dice", "auc", "cldice", "mcc", "sensitivity", "specificity", "accuracy", "consistency", "ceiling_dice")
    scores, curves = {name: {"mean": 0.8} for name in names}, dict.fromkeys(names, curve)
    summary: dict[str, Any] = {"num_images": 4, "raters": {"model": {"scores": scores}}, "accuracy": 0.9, "auc": 0.95}
    if "rotation.json" in files:
        summary = {"rotation": {"image": curves}, "protocols": {output.name: curves}, "probability_deviation": 1e-7}
        (output / "rotation.csv").write_text(POSES.format("axis", ""))
    (output / "per_image.csv").write_text("image,rater,dice\n1,model,0.8\n")
    (output / "summary.json").write_text(json.dumps(summary))
    bins = [f"{i / 20},1000,{i / 20 + 0.02},{(i + 3) / 26},{0.8 - 0.01 * abs(i - 8)}" for i in range(20)]
    (output / "reliability.csv").write_text("\n".join(["threshold,pixels,probability,frequency,dice", *bins]))
    overlays = output / "overlays"
    overlays.mkdir(exist_ok=True)
    for angle in ("", "_37", "_90"):
        (overlays / f"1{angle}.png").write_bytes(PIXEL)


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def instant_runs(
    monkeypatch: pytest.MonkeyPatch, leave: Callable[[Path, list[str]], None] = leave
) -> list[dict[str, Any]]:
    """Replace the processes of the runs by ``leave``, which gets the folder of a run and its configurations.

    Returns a list that grows by a mapping for each run: its overrides, ``files``, ``output`` and ``threads``.
    """
    started: list[dict[str, Any]] = []

    def run(command: list[str], env: dict[str, str], **_: Any) -> SimpleNamespace:
        arguments = json.loads(Path(command[command.index("--args_file") + 1]).read_text())
        output, configs = Path(arguments.pop("output_dir")), Path(arguments.pop("bundle_root")) / "configs"
        paths = json.loads(command[command.index("--config_file") + 1].replace("'", '"'))
        files = [Path(path).relative_to(configs).as_posix() for path in paths]
        started.append(arguments | {"files": files, "output": output, "threads": env.get("OMP_NUM_THREADS")})
        leave(output, files)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(bundle_runs, "subprocess", SimpleNamespace(run=run, STDOUT=subprocess.STDOUT))
    return started
