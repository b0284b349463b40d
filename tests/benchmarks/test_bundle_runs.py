from __future__ import annotations

import json

import pytest
import torch

from benchmarks import bundle_runs
from benchmarks.bundle_runs import run_bundle, side_by_side


def test_a_run_gets_its_settings_and_threads(tmp_path, monkeypatch):
    shell = tmp_path / "python"
    shell.write_text('#!/bin/sh\necho "$OMP_NUM_THREADS $@"\n')
    shell.chmod(0o755)
    monkeypatch.setattr(bundle_runs.sys, "executable", str(shell))
    run_bundle(tmp_path / "bundle", ["a.json", "models/b.yaml"], tmp_path / "out", {"seed": 3}, threads=2)
    arguments = json.loads((tmp_path / "out" / "arguments.json").read_text())
    assert arguments == {"seed": 3, "bundle_root": str(tmp_path / "bundle"), "output_dir": str(tmp_path / "out")}
    said = (tmp_path / "out" / "console.txt").read_text()
    assert said.startswith("2 -m monai.bundle run")
    assert str(tmp_path / "bundle" / "configs" / "models" / "b.yaml") in said


def test_a_failed_run_names_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_runs.sys, "executable", "false")
    with pytest.raises(ChildProcessError, match=r"console\.txt tells why"):
        run_bundle(tmp_path, ["a.json"], tmp_path / "out", {})


def test_tasks_share_the_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    done = []
    side_by_side(lambda task, threads: done.append((task, threads)), ["a", "b", "c"], jobs=3, unit="task")
    assert sorted(done) == [("a", 2), ("b", 2), ("c", 2)]
    side_by_side(lambda task, threads: done.append((task, threads)), ["d"], jobs=20, unit="task")
    assert done[-1] == ("d", 1)
