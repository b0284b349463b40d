"""Threads of parallel test processes, and what the examples in docstrings may use.

These are `np`, `torch`, `Path`, the folder `docs`, and a folder of their own.
"""

import os
from pathlib import Path

import pytest

if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):  # before anything imports PyTorch
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

import numpy as np
import torch

DOCS = Path(__file__).resolve().parent / "docs"


@pytest.fixture(autouse=True)
def _example(
    request: pytest.FixtureRequest,
    doctest_namespace: dict,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        doctest_namespace.update(np=np, torch=torch, Path=Path)
        torch.manual_seed(0)
        monkeypatch.chdir(tmp_path_factory.mktemp("example"))
        Path("docs").symlink_to(DOCS)
