"""Runs of a bundle that end immediately: their settings are recorded and their files written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import bundle_runs


def instant_runs(monkeypatch: pytest.MonkeyPatch, leave: Callable[[Path, list[str]], None]) -> list[dict[str, Any]]:
    """Replace the processes of the runs.

    Args:
        monkeypatch: what restores them.
        leave: writes into the folder of a run what the configurations named would.

    Returns:
        A list that grows by a mapping for each run: its overrides, ``files`` and ``threads``.
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
