from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import retina_measurements, retina_models, retina_table
from benchmarks.retina_models import MODELS
from benchmarks.retina_rows import SCORES
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.toy import copy_bundle, photographs


def leave(output: Path, files: list[str]) -> None:
    """Write the files of a measurement."""
    scored = {"num_images": 4, "scores": {score: {"mean": 0.8} for score in SCORES}}
    (output / "summary.json").write_text(json.dumps({"raters": {"model": scored}}))
    poses = [(0, False, 0.8), (180, False, 0.7), (0, True, 0.8), (180, True, 0.6)]
    rows = [f"1,turned_back,{angle},{flip},{dice},0.9" for angle, flip, dice in poses]
    (output / "per_image.csv").write_text("\n".join(["image,protocol,angle,flip,dice,consistency", *rows]))


def test_networks_without_weights_are_named_and_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(retina_models, "BUNDLE", tmp_path)
    command = ["retina_table", "--data", str(tmp_path), "--output_dir", str(tmp_path / "out"), "--models", "paper"]
    monkeypatch.setattr(sys, "argv", command)
    retina_table.main()
    assert "Not measured, there are no weights: paper." in capsys.readouterr().out
    assert (tmp_path / "out" / "table.md").read_text() == "Not measured, there are no weights: paper.\n"
    assert json.loads((tmp_path / "out" / "table.json").read_text())["missing"] == ["paper"]


def test_what_was_measured_is_in_the_table(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")  # the optional extra `viz`
    bundle = copy_bundle(tmp_path / "bundles")
    for module in (retina_models, retina_measurements):
        monkeypatch.setattr(module, "BUNDLE", bundle)
    MODELS["plain_unet"].weights.write_bytes(b"weights")
    photographs(tmp_path / "data" / "DRIVE")
    started = instant_runs(monkeypatch, leave)
    command = ["retina_table", "--data", str(tmp_path / "data"), "--output_dir", str(tmp_path / "out")]
    command += ["--models", "plain_unet", "--protocols", "turned_back", "--angle_step", "180", "--overlay_models"]
    monkeypatch.setattr(sys, "argv", command)
    retina_table.main()
    assert [run["files"][-1] for run in started] == ["rotation.json", "evaluate.json"]
    table = (tmp_path / "out" / "table.md").read_text()
    assert table == capsys.readouterr().out.strip() + "\n"
    assert "| U-Net | 1,979,042 |" in table
    assert "| 0.8000 | 0.7500 ± 0.0500 | 0.7000 (180°) | 0.6000 |" in table
    assert (tmp_path / "out" / "rotation_curves.png").is_file()
